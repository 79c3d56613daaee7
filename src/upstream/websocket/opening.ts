// How a client opens a WebSocket (RFC 6455, 4.1): a request that asks for the protocol, and the answer that agrees to it or refuses.

import { createHash, randomBytes } from "node:crypto";
import type { HeaderFields, Origin } from "../../config/plan.ts";
import { FieldList, type UpstreamHead } from "../exchange.ts";
import { isFieldValue, isTarget, isToken } from "../http1/grammar.ts";
import { DEFAULT_PARSER_LIMITS } from "../http1/parser_limits.ts";
import { hostField } from "../http1/request_head.ts";
import { ResponseParser } from "../http1/response_parser.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const HEAD_END = Buffer.from("\r\n\r\n");
/** The most bytes of the answer to an opening, of a refusal's body too. */
const ANSWER_MAX_BYTES = 64 * 1024;
const SWITCHED = /^HTTP\/1\.1 101(?: |\r)/;

/** A request that opens a WebSocket. */
export interface Opening {
  readonly bytes: Uint8Array;
  /** What the server answers if it has understood. */
  readonly accept: string;
}

/** Makes one; a string says why it cannot be sent, without the values of fields. */
export function makeOpening(origin: Origin, path: string, fields: HeaderFields): Opening | string {
  if (!isTarget(path)) return "the path holds characters that may not be sent";
  const wrong = fields.find(([name, value]) => !isToken(name) || !isFieldValue(value));
  if (wrong !== undefined)
    return `the field ${isToken(wrong[0]) ? wrong[0] : "with a bad name"} may not be sent`;
  const key = randomBytes(16).toString("base64");
  const lines = [
    `GET ${path} HTTP/1.1`,
    `host: ${hostField(origin)}`,
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    `sec-websocket-key: ${key}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ];
  return {
    bytes: Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"),
    accept: createHash("sha1")
      .update(key + GUID)
      .digest("base64"),
  };
}

/** What came of an opening. */
export type Opened =
  | { readonly kind: "open"; readonly rest: Uint8Array }
  | { readonly kind: "refused"; readonly head: UpstreamHead; readonly body: Uint8Array }
  | { readonly kind: "wrong"; readonly what: string };

/** Reads the answer to an opening from bytes as they come. */
export class OpeningReader {
  readonly #accept: string;
  readonly #parser = new ResponseParser();
  #came: Uint8Array = new Uint8Array(0);
  #is_refusal = false;
  #head: UpstreamHead | null = null;
  #body: Uint8Array[] = [];
  #body_bytes = 0;

  constructor({ accept }: Opening) {
    this.#accept = accept;
  }

  /** Null: there is more to come. */
  read(chunk: Uint8Array): Opened | null {
    if (this.#is_refusal) return this.#readRefusal(chunk);
    this.#came = this.#came.length === 0 ? chunk : Buffer.concat([this.#came, chunk]);
    const end = Buffer.prototype.indexOf.call(this.#came, HEAD_END);
    if (end < 0) {
      const is_long = this.#came.length > DEFAULT_PARSER_LIMITS.max_head_bytes;
      return is_long ? { kind: "wrong", what: "the head of the answer is too long" } : null;
    }
    const head = Buffer.prototype.latin1Slice.call(this.#came, 0, end + 2);
    if (!SWITCHED.test(head)) {
      this.#is_refusal = true;
      this.#parser.begin(false);
      return this.#readRefusal(this.#came);
    }
    const what = this.#judge(fieldsOf(head));
    if (what !== null) return { kind: "wrong", what };
    return { kind: "open", rest: this.#came.subarray(end + HEAD_END.length) };
  }

  /** The connection has ended: what has come of a refusal says enough. */
  end(): Opened {
    if (this.#head !== null) return this.#refused(this.#head);
    return { kind: "wrong", what: "the connection was closed before there was an answer" };
  }

  #judge(fields: HeaderFields): string | null {
    const list = new FieldList(fields);
    if (list.get("upgrade")?.toLowerCase() !== "websocket") return "it has switched to another protocol";
    if (list.get("sec-websocket-accept") !== this.#accept) return "the answer is to another opening";
    // None was offered.
    if (list.get("sec-websocket-extensions") !== null) return "the answer has an extension";
    return null;
  }

  #readRefusal(chunk: Uint8Array): Opened | null {
    const parser = this.#parser;
    parser.feed(chunk);
    for (;;) {
      switch (parser.next()) {
        case "more":
          return null;
        case "head":
          this.#head = { status: parser.status, headers: parser.headers };
          break;
        case "data":
          this.#body.push(parser.data);
          this.#body_bytes += parser.data.length;
          if (this.#body_bytes > ANSWER_MAX_BYTES) return this.#refused(this.#head!);
          break;
        case "end":
          return this.#refused(this.#head!);
        case "error":
          return this.#head === null ? { kind: "wrong", what: parser.error } : this.#refused(this.#head);
      }
    }
  }

  #refused(head: UpstreamHead): Opened {
    return { kind: "refused", head, body: Buffer.concat(this.#body).subarray(0, ANSWER_MAX_BYTES) };
  }
}

/** Of a field that comes more than once, all values. */
function fieldsOf(head: string): HeaderFields {
  return head
    .split("\r\n")
    .slice(1, -1)
    .map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    });
}
