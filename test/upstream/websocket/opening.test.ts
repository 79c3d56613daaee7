// The opening of a WebSocket: the same at every cut of its answer, refusals with all that they say.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  makeOpening,
  type Opened,
  type Opening,
  OpeningReader,
} from "../../../src/upstream/websocket/opening.ts";

const ORIGIN = { tls: false, host: "host.test", port: 8080 };

function opening(): Opening {
  const made = makeOpening(ORIGIN, "/v1/realtime?model=x", [["authorization", "Bearer secret"]]);
  if (typeof made === "string") throw new Error(made);
  return made;
}

function agreement(of: Opening, more = ""): string {
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${of.accept}\r\n${more}\r\n`;
}

function read(of: Opening, pieces: readonly string[], is_closed = false): Opened | null {
  const reader = new OpeningReader(of);
  for (const piece of pieces) {
    const opened = reader.read(Buffer.from(piece, "latin1"));
    if (opened !== null) return opened;
  }
  return is_closed ? reader.end() : null;
}

describe("an opening", () => {
  test("is a request as the RFC has it, with a key that the answer must know", () => {
    const { bytes, accept } = opening();
    const text = Buffer.from(bytes).toString();
    expect(text).toMatch(/^GET \/v1\/realtime\?model=x HTTP\/1\.1\r\nhost: host\.test:8080\r\n/);
    expect(text).toMatch(/\r\nauthorization: Bearer secret\r\n\r\n$/);
    const key = /sec-websocket-key: (\S+)/.exec(text)![1]!;
    expect(Buffer.from(key, "base64")).toHaveLength(16);
    const own = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    expect(accept).toBe(own.digest("base64"));
  });

  test("with what would end a line is not sent, and its value not told", () => {
    expect(makeOpening(ORIGIN, "/a b", [])).toMatch(/path/);
    const wrong = makeOpening(ORIGIN, "/", [["x", "secret\r\ny: z"]]);
    expect(wrong).toMatch(/the field x/);
    expect(wrong).not.toContain("secret");
  });

  test("is agreed to at every cut, and what comes behind is the first of the frames", () => {
    const of = opening();
    const answer = `${agreement(of)}\x81\x02hi`;
    for (let cut = 0; cut <= answer.length; cut++) {
      const pieces = [answer.slice(0, cut), answer.slice(cut)];
      const opened = read(of, pieces);
      expect(opened?.kind, `cut at ${cut}`).toBe("open");
      const rest = opened?.kind === "open" ? Buffer.from(opened.rest).toString("latin1") : "";
      expect("\x81\x02hi".startsWith(rest)).toBe(true);
    }
    expect(read(of, [agreement(of).slice(0, -1)])).toBeNull();
  });

  test.each([
    ["another key", (of: Opening) => agreement({ ...of, accept: "x" })],
    ["another protocol", (of: Opening) => agreement(of).replace("WebSocket\r\n", "h2c\r\n")],
    ["an extension", (of: Opening) => agreement(of, "Sec-WebSocket-Extensions: permessage-deflate\r\n")],
    ["no HTTP", () => "SSH-2.0-OpenSSH\r\n\r\n"],
    ["a head without an end", () => `HTTP/1.1 101 Switching Protocols\r\nx: ${"y".repeat(70_000)}`],
  ])("that is answered with %s is wrong", (_, answer) => {
    const of = opening();
    expect(read(of, [answer(of)])?.kind).toBe("wrong");
  });

  test("that is refused tells status, fields and body, at every cut", () => {
    const of = opening();
    const answer =
      'HTTP/1.1 429 Too Many\r\nretry-after: 7\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{"error":"later"}';
    for (let cut = 0; cut <= answer.length; cut++) {
      const opened = read(of, [answer.slice(0, cut), answer.slice(cut)]);
      if (opened?.kind !== "refused") throw new Error(`cut at ${cut}: ${opened?.kind}`);
      expect(opened.head.status).toBe(429);
      expect(opened.head.headers.get("retry-after")).toBe("7");
      expect(Buffer.from(opened.body).toString()).toBe('{"error":"later"}');
    }
    const broken = read(of, [answer.slice(0, -5)], true);
    expect(broken?.kind === "refused" && Buffer.from(broken.body).toString()).toBe('{"error":"la');
    const chunked = "HTTP/1.1 401 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    const opened = read(of, [chunked]);
    expect(opened?.kind === "refused" && Buffer.from(opened.body).toString()).toBe("abc");
  });

  test("that is never answered is wrong", () => {
    expect(read(opening(), ["HTTP/1.1 1"], true)?.kind).toBe("wrong");
  });
});
