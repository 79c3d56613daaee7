// Responses and what is made of them: our own table, and llhttp's recorded cases with the log that they expect.
// A case starts from bytes; its outcome is the head, the body and how it ended.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What a response comes to. */
export interface Outcome {
  /** The final head, when it got that far. */
  readonly head: { readonly status: number; readonly fields: readonly (readonly [string, string])[] } | null;
  /** The body, one character per byte. */
  readonly body: string;
  /** `until_close`: a body that the end of the connection ends. `more`: something is missing. */
  readonly end: "end" | "error" | "until_close" | "more";
}

/** A response in bytes. */
export interface ParserCase {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly no_body: boolean;
  readonly expected: Outcome;
  /** Why we do not do as llhttp does. */
  readonly difference?: string;
}

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");

function ok(
  name: string,
  text: string,
  body: string,
  end: Outcome["end"] = "end",
  no_body = false,
): ParserCase {
  const head = { status: statusOf(text), fields: fieldsOf(text) };
  return { name, bytes: latin1(text), no_body, expected: { head, body, end } };
}

function refused(name: string, text: string, body: string | null = null): ParserCase {
  const head = body === null ? null : { status: statusOf(text), fields: fieldsOf(text) };
  return { name, bytes: latin1(text), no_body: false, expected: { head, body: body ?? "", end: "error" } };
}

// The table's heads are plain enough for this; interim heads are cut off first.
function finalHead(text: string): string {
  return text.replace(/^(?:HTTP\/1\.1 1\d\d[\s\S]*?\r\n\r\n)+/, "").split("\r\n\r\n")[0]!;
}

function statusOf(text: string): number {
  return Number(finalHead(text).slice(9, 12));
}

function fieldsOf(text: string): (readonly [string, string])[] {
  const lines = finalHead(text).split("\r\n").slice(1);
  return lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")];
  });
}

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

/** Our own cases. */
export const OWN_CASES: readonly ParserCase[] = [
  ok("a body of a length", `${OK}content-length: 5\r\n\r\nhello`, "hello"),
  ok("a length with zeros before it", `${OK}content-length: 0005\r\n\r\nhello`, "hello"),
  ok("the same length twice", `${OK}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`, "hello"),
  ok("a length of nothing", `${OK}content-length: 0\r\n\r\n`, ""),
  ok("a length that has not come", `${OK}content-length: 6\r\n\r\nhello`, "hello", "more"),
  ok("a body until the connection ends", `${OK}\r\nhello`, "hello", "until_close"),
  ok("an empty value and an empty body", `${OK}x:\r\ny: \t \r\ncontent-length: 0\r\n\r\n`, ""),
  ok("bytes beyond ASCII in a value", `${OK}x: gr\xfc\xdfe\r\ncontent-length: 0\r\n\r\n`, ""),
  ok("a tab in a value", `${OK}x: a\tb\r\ncontent-length: 0\r\n\r\n`, ""),
  ok("a status without a reason", "HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx", "x"),
  ok("HEAD with a length", `${OK}content-length: 5\r\n\r\n`, "", "end", true),
  ok("HEAD with chunks announced", `${OK}transfer-encoding: chunked\r\n\r\n`, "", "end", true),
  ok("HEAD without anything", `${OK}\r\n`, "", "end", true),
  ok("204 with a length", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", ""),
  ok("304 with a length", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", ""),
  ok(
    "interim heads before the final one",
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n${OK}content-length: 2\r\n\r\nhi`,
    "hi",
  ),
  ok("chunks", `${CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`, "hello world"),
  ok(
    "chunks with sizes in either case and zeros",
    `${CHUNKED}000A\r\n0123456789\r\n0b\r\n0123456789a\r\n000\r\n\r\n`,
    "01234567890123456789a",
  ),
  ok("chunks with extensions", `${CHUNKED}1;a\r\nx\r\n1;a=b;c="d;\\"\t"\r\ny\r\n0;z\r\n\r\n`, "xy"),
  ok("trailers", `${CHUNKED}1\r\nx\r\n0\r\nx-checksum: abc\r\ny: z\r\n\r\n`, "x"),
  ok("chunks that have not all come", `${CHUNKED}5\r\nhel`, "hel", "more"),
  ok("chunks without the last line", `${CHUNKED}1\r\nx\r\n0\r\n`, "x", "more"),
  ok("chunked in capitals", `${OK}Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n`, ""),

  refused("two different lengths", `${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`),
  refused("a list of lengths", `${OK}content-length: 5, 5\r\n\r\nhello`),
  refused("length and chunks", `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
  refused("chunks and length", `${OK}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`),
  refused("a length with a sign", `${OK}content-length: +5\r\n\r\nhello`),
  refused("a negative length", `${OK}content-length: -5\r\n\r\nhello`),
  refused("a length in hexadecimal", `${OK}content-length: 0x5\r\n\r\nhello`),
  refused("an empty length", `${OK}content-length:\r\n\r\nhello`),
  refused("a length with a blank inside", `${OK}content-length: 1 2\r\n\r\nhello`),
  refused("a length beyond all numbers", `${OK}content-length: 9007199254740993\r\n\r\nhello`),
  refused("a folded line", `${OK}x: a\r\n b\r\n\r\n`),
  refused("a line that is folded with a tab", `${OK}x: a\r\n\tb\r\n\r\n`),
  refused("a blank before the colon", `${OK}x : a\r\n\r\n`),
  refused("a tab before the colon", `${OK}x\t: a\r\n\r\n`),
  refused("a line without a colon", `${OK}x\r\n\r\n`),
  refused("an empty name", `${OK}: a\r\n\r\n`),
  refused("a name with a byte beyond ASCII", `${OK}\xfc: a\r\n\r\n`),
  refused("NUL in a value", `${OK}x: a\0b\r\n\r\n`),
  refused("NUL in a name", `${OK}x\0: b\r\n\r\n`),
  refused("a control character in a value", `${OK}x: a\x0bb\r\n\r\n`),
  refused("DEL in a value", `${OK}x: a\x7f\r\n\r\n`),
  refused("bare LF after a value", `${OK}x: a\ny: b\r\n\r\n`),
  refused("bare LF after the status line", "HTTP/1.1 200 OK\nx: a\r\n\r\n"),
  refused("bare LF for the empty line", `${OK}x: a\r\n\n`),
  refused("bare CR in a value", `${OK}x: a\rb\r\n\r\n`),
  refused("bare CR for the empty line", `${OK}x: a\r\n\rhello`),
  refused("CR twice", `${OK}x: a\r\r\n\r\n`),
  refused("a control character in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n"),
  refused("HTTP/2", "HTTP/2.0 200 OK\r\n\r\n"),
  refused("HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n"),
  refused("http in small letters", "http/1.1 200 OK\r\n\r\n"),
  refused("a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"),
  refused("a status below 100", "HTTP/1.1 099 OK\r\n\r\n"),
  refused("a status above 599", "HTTP/1.1 600 OK\r\n\r\n"),
  refused("a status that is no number", "HTTP/1.1 2x0 OK\r\n\r\n"),
  refused("101", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"),
  refused("another protocol", "SSH-2.0-OpenSSH_9.6\r\n"),
  refused("an empty line first", `\r\n${OK}content-length: 0\r\n\r\n`),
  refused("chunks not last", `${OK}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n`),
  refused("a coding that we did not ask for", `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`),
  refused("identity", `${OK}transfer-encoding: identity\r\n\r\nhello`),
  refused("chunked twice", `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
  refused("an empty coding", `${OK}transfer-encoding:\r\n\r\nhello`),
  refused("chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
  refused("an empty chunk size", `${CHUNKED}\r\nhello`, ""),
  refused("a chunk size with a sign", `${CHUNKED}+5\r\nhello\r\n`, ""),
  refused("a negative chunk size", `${CHUNKED}-1\r\nhello\r\n`, ""),
  refused("a chunk size with 0x", `${CHUNKED}0x5\r\nhello\r\n`, ""),
  refused("a chunk size that is too large", `${CHUNKED}ffffffffffffffff\r\nhello\r\n`, ""),
  refused("a chunk size with a blank", `${CHUNKED}5 \r\nhello\r\n`, ""),
  refused("a chunk size before bare LF", `${CHUNKED}5\nhello\r\n`, ""),
  refused("a chunk that is longer than its size", `${CHUNKED}4\r\nhello\r\n`, "hell"),
  refused("a chunk that ends with bare LF", `${CHUNKED}5\r\nhello\n0\r\n\r\n`, "hello"),
  refused("an extension without a name", `${CHUNKED}5;\r\nhello\r\n`, ""),
  refused("an extension without a value", `${CHUNKED}5;a=\r\nhello\r\n`, ""),
  refused("an extension whose quote is open", `${CHUNKED}5;a="b\r\nhello\r\n`, ""),
  refused("an extension with bytes after its quote", `${CHUNKED}5;a="b"c\r\nhello\r\n`, ""),
  refused("a bad trailer", `${CHUNKED}0\r\nx : y\r\n\r\n`, ""),
  refused("a folded trailer", `${CHUNKED}0\r\nx: y\r\n z\r\n\r\n`, ""),
];

/** Where we differ from llhttp's strict reading, by file and title, and why. */
const DIFFERENCES: Record<string, { readonly end: Outcome["end"]; readonly reason: string }> = {
  "sample: RTSP response": { end: "error", reason: "another protocol" },
  "sample: ICE response": { end: "error", reason: "another protocol" },
  "sample: HTTP version 0.9": {
    end: "error",
    reason: "0.9 has no status line; only 1.0 and 1.1 are HTTP/1.x",
  },
  "sample: Response starting with CRLF": {
    end: "error",
    reason:
      "RFC 9112 2.2 lets servers skip empty lines; before a response they are left over from another one",
  },
  "connection: HTTP 100 first, then 400": {
    end: "error",
    reason: "the case has an empty line too many after its 100; see the one before",
  },
  "connection: HTTP 101 response with Upgrade and Content-Length header": {
    end: "error",
    reason: "we never ask for another protocol",
  },
  "connection: HTTP 101 response with Upgrade and Transfer-Encoding header": {
    end: "error",
    reason: "we never ask for another protocol",
  },
  "transfer-encoding: `chunked` before other transfer-encoding": {
    end: "error",
    reason: "a coding that we did not ask for, and whose bytes nobody can read",
  },
  "transfer-encoding: multiple transfer-encoding where chunked is not the last one": {
    end: "error",
    reason: "a coding that we did not ask for, and whose bytes nobody can read",
  },
  "transfer-encoding: `chunkedchunked` transfer-encoding does not enable chunked enconding": {
    end: "error",
    reason: "a coding that we did not ask for, and whose bytes nobody can read",
  },
};

const folder = fileURLToPath(new URL("../../../shared/fixtures/_http/response/", import.meta.url));

/** Whether llhttp's cases lie beside the checkout. */
export const has_recorded_cases: boolean = existsSync(folder);

/** llhttp's cases. Those of its lenient modes must be refused, unless their expected end is the strict one's too. */
export function recordedCases(): ParserCase[] {
  if (!has_recorded_cases) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".md"))
    .flatMap((file) => casesOf(file.slice(0, -3), readFileSync(folder + file, "utf8")));
}

function casesOf(file: string, markdown: string): ParserCase[] {
  const pattern =
    /^#+ ([^\n]+)\n(?:(?!^#)[\s\S])*?<!-- meta=(\{.*?\}) *-->\n```http\n([\s\S]*?)```[\s\S]*?```log\n([\s\S]*?)```/gm;
  const cases: ParserCase[] = [];
  for (const match of markdown.matchAll(pattern)) {
    const name = `${file}: ${match[1]}`;
    const meta = JSON.parse(match[2]!) as { type: string; skipBody?: boolean };
    const bytes = bytesOf(match[3]!);
    const no_body = meta.skipBody === true;
    const logged = outcomeOf(bytes, match[4]!);
    const difference = DIFFERENCES[name];
    if (difference !== undefined) {
      const expected = { head: null, body: "", end: difference.end };
      cases.push({ name, bytes, no_body, expected, difference: difference.reason });
    } else if (meta.type.startsWith("response-lenient") && !HARMLESS.has(meta.type)) {
      cases.push({
        name,
        bytes,
        no_body,
        expected: { head: null, body: "", end: "error" },
        difference: "lenient",
      });
    } else {
      cases.push({ name, bytes, no_body, expected: logged });
    }
  }
  return cases;
}

/** Lenient about what follows a complete response, which is not the parser's to judge: the connection is closed. */
const HARMLESS: ReadonlySet<string> = new Set([
  "response-lenient-keep-alive",
  "response-lenient-data-after-close",
]);

function bytesOf(block: string): Uint8Array {
  const text = block
    .replace(/\n$/, "")
    .replace(/\\\n/g, "")
    .replace(/\n/g, "\r\n")
    .replace(/\\r/g, "\r")
    .replace(/\\n/g, "\n")
    .replace(/\\t/g, "\t")
    .replace(/\\f/g, "\f")
    .replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return new TextEncoder().encode(text);
}

/** The first final response of a log of llhttp. */
function outcomeOf(bytes: Uint8Array, log: string): Outcome {
  const slice = (from: number, length: number): string =>
    Buffer.from(bytes.subarray(from, from + length)).toString("latin1");
  let fields: [string, string][] = [];
  let head: Outcome["head"] = null;
  let body = "";
  let framed = false;
  for (const line of log.split("\n")) {
    const span = /^off=(\d+) len=(\d+) span\[(\w+)\]/.exec(line);
    const part = span === null ? "" : slice(Number(span[1]), Number(span[2]));
    if (span?.[3] === "header_field") fields.push([part.toLowerCase(), ""]);
    else if (span?.[3] === "header_value") fields.at(-1)![1] = part.replace(/[ \t]+$/, "");
    else if (span?.[3] === "body") body += part;
    const complete = /headers complete status=(\d+) .*flags=(\w+)/.exec(line);
    if (complete !== null && Number(complete[1]) >= 200) {
      head = { status: Number(complete[1]), fields };
      // llhttp's flags: 8 is chunked, 20 is content-length.
      framed = (Number.parseInt(complete[2]!, 16) & 0x28) !== 0;
    }
    if (complete !== null) fields = [];
    if (/message complete/.test(line) && head !== null) return { head, body, end: "end" };
    if (/error code=/.test(line)) return { head, body, end: "error" };
  }
  return { head, body, end: head !== null && !framed ? "until_close" : "more" };
}
