// An upload on its way through: looked into at its beginning for the model, then passed on as it arrives.

import type { UploadBody } from "../upstream/exchange.ts";
import { boundaryOf, findField } from "../wire/multipart.ts";
import { declaredLength } from "./body.ts";

/** How far into an upload the model is looked for, in bytes; OpenAI's clients send files before it or behind it. */
const PEEK_MAX_BYTES = 1024 * 1024;

/** An upload whose beginning has been read. */
export interface PeekedUpload {
  /** The model that it names, if the beginning does. */
  readonly model: string | null;
  /** The upload, with another model in place of that one. */
  body(model: string | null): UploadBody;
}

/** What is used of a stream's reader. */
interface ByteReader {
  read(): Promise<{ readonly value?: Uint8Array | undefined; readonly done: boolean }>;
  cancel(reason?: unknown): Promise<void>;
}

/** A request's body as a stream, not looked into; null for none. */
export function streamedBody(request: Request): UploadBody | null {
  const length = declaredLength(request.headers);
  if (request.body === null || length === 0) return null;
  return { stream: request.body as ReadableStream<Uint8Array>, length };
}

/** Reads the beginning of a form for its `model`. */
export async function peekUpload(request: Request): Promise<PeekedUpload> {
  const boundary = boundaryOf(request.headers.get("content-type"));
  const length = declaredLength(request.headers);
  const reader: ByteReader = (request.body as ReadableStream<Uint8Array>).getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  let span: ReturnType<typeof findField> = null;
  let beginning: Uint8Array = new Uint8Array(0);
  while (boundary !== null && !ended && span === null && size < PEEK_MAX_BYTES) {
    const { value, done } = await reader.read();
    ended = done;
    if (value === undefined) continue;
    pieces.push(value);
    size += value.length;
    beginning = pieces.length === 1 ? value : Buffer.concat(pieces, size);
    span = findField(beginning, boundary, "model");
  }
  const found = span;
  const model = found === null ? null : Buffer.from(beginning.subarray(found.start, found.end)).toString();
  return {
    model,
    body: (replacement) => {
      if (found === null || replacement === null) return restOf(reader, [beginning], length);
      const bytes = Buffer.from(replacement);
      const parts = [beginning.subarray(0, found.start), bytes, beginning.subarray(found.end)];
      const new_length = length === null ? null : length - (found.end - found.start) + bytes.length;
      return restOf(reader, parts, new_length);
    },
  };
}

/** The parts that were read, then what is still to come, at the pace of whoever reads. */
function restOf(reader: ByteReader, parts: readonly Uint8Array[], length: number | null): UploadBody {
  const waiting = parts.filter((part) => part.length > 0);
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const part = waiting.shift();
      if (part !== undefined) {
        controller.enqueue(part);
        return;
      }
      const { value, done } = await reader.read();
      if (value !== undefined) controller.enqueue(value);
      if (done) controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { stream, length };
}
