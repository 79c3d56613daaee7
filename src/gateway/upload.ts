// An upload on its way through: looked into at its beginning for the model, then passed on as it arrives.
// It may take as long as it likes, but not stop: a silence of the client's ends it.

import { GatewayError } from "../errors.ts";
import type { UploadBody } from "../upstream/exchange.ts";
import { boundaryOf, findField } from "../wire/multipart.ts";
import type { Alarm, Alarms } from "./alarms.ts";
import { declaredLength } from "./body.ts";

/** How far into an upload the model is looked for, in bytes; OpenAI's clients send files before it or behind it. */
const PEEK_MAX_BYTES = 1024 * 1024;
/** Looks that are taken at every piece; later ones wait for a quarter more, so that tiny pieces cost no square of time. */
const EAGER_LOOKS = 64;

/** How long a client may be silent in the middle of an upload. */
export interface Patience {
  readonly alarms: Alarms;
  readonly idle_ms: number;
}

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

/** Reads a body piece by piece; a piece that does not come in time is an error. Only the time of waiting counts. */
class PatientReader implements Alarm {
  at_ms = 0;
  alarm_slot = -1;
  readonly #reader: ByteReader;
  readonly #patience: Patience;
  #fail: (error: Error) => void = () => {};

  constructor(body: ReadableStream<Uint8Array>, patience: Patience) {
    this.#reader = body.getReader();
    this.#patience = patience;
  }

  ring(): void {
    this.#fail(new Error(`nothing more came for ${this.#patience.idle_ms} ms.`));
  }

  async read(): ReturnType<ByteReader["read"]> {
    const { alarms, idle_ms } = this.#patience;
    const late = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.at_ms = performance.now() + idle_ms;
    alarms.add(this);
    try {
      return await Promise.race([this.#reader.read(), late]);
    } finally {
      alarms.remove(this);
    }
  }

  cancel(reason?: unknown): Promise<void> {
    return this.#reader.cancel(reason);
  }
}

/** A request's body as a stream, not looked into; null for none. */
export function streamedBody(request: Request, patience: Patience): UploadBody | null {
  const length = declaredLength(request.headers);
  if (request.body === null || length === 0) return null;
  return restOf(new PatientReader(request.body as ReadableStream<Uint8Array>, patience), [], length);
}

/** Reads the beginning of a form for its `model`, or says why it cannot be read. */
export async function peekUpload(request: Request, patience: Patience): Promise<PeekedUpload | GatewayError> {
  const boundary = boundaryOf(request.headers.get("content-type"));
  const length = declaredLength(request.headers);
  const reader = new PatientReader(request.body as ReadableStream<Uint8Array>, patience);
  const pieces: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  let span: ReturnType<typeof findField> = null;
  let beginning: Uint8Array = new Uint8Array(0);
  let next_look_bytes = 0;
  try {
    while (boundary !== null && !ended && span === null && size < PEEK_MAX_BYTES) {
      const { value, done } = await reader.read();
      ended = done;
      if (value !== undefined) pieces.push(value);
      size += value?.length ?? 0;
      if (size < next_look_bytes && !ended && size < PEEK_MAX_BYTES) continue;
      beginning = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, size);
      span = findField(beginning, boundary, "model");
      if (pieces.length > EAGER_LOOKS) next_look_bytes = size * 1.25;
    }
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return new GatewayError("body_incomplete", `The request body is incomplete: ${what}`);
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
