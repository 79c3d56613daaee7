// Frames of AWS's binary event streams: the published vectors, and recorded streams cut anywhere.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type EventMessage, EventStreamFramer, type HeaderValue } from "../../src/wire/event_stream.ts";
import { randomIntegers } from "../memory/random.ts";
import { frameOf } from "./event_frames.ts";

const FIXTURES = new URL("../../../shared/fixtures/", import.meta.url).pathname;
const there = existsSync(`${FIXTURES}_aws-eventstream/vectors.json`);
if (!there) console.warn("skipped: the recorded traffic (../shared/fixtures) is not here");

const LIMIT = 1 << 20;

/** What a framer finds in pieces: the messages, copied, and what is wrong. */
function framed(pieces: readonly Uint8Array[], limit = LIMIT) {
  const messages: { headers: Record<string, HeaderValue>; payload: string }[] = [];
  const framer = new EventStreamFramer(limit, ({ headers, payload }: EventMessage) =>
    messages.push({ headers: Object.fromEntries(headers), payload: Buffer.from(payload).toString("base64") }),
  );
  let fault: string | null = null;
  for (const piece of pieces) fault ??= framer.feed(piece);
  return { messages, fault, is_between: framer.is_between };
}

interface Vector {
  readonly name: string;
  readonly expect: "success" | "failure";
  readonly encoded_base64: string;
  readonly headers: Readonly<Record<string, readonly [type: string, value: string | number | boolean]>>;
  readonly payload_base64: string;
}

function headerOf([type, value]: readonly [string, string | number | boolean]): HeaderValue {
  if (type === "binary") return new Uint8Array(Buffer.from(String(value).slice("base64:".length), "base64"));
  if (type === "long") return BigInt(value);
  return type === "timestamp_ms" ? new Date(Number(value)) : value;
}

describe.runIf(there)("published vectors", () => {
  const { vectors } = there
    ? (JSON.parse(readFileSync(`${FIXTURES}_aws-eventstream/vectors.json`, "utf8")) as { vectors: Vector[] })
    : { vectors: [] };
  test("there are good and corrupt ones", () => expect(vectors.length).toBe(9));
  for (const vector of vectors)
    test(vector.name, () => {
      const bytes = Buffer.from(vector.encoded_base64, "base64");
      for (let cut = 0; cut <= bytes.length; cut++) {
        const { messages, fault } = framed([bytes.subarray(0, cut), bytes.subarray(cut)]);
        if (vector.expect === "failure") {
          // A length that is corrupt, with its checksum, may wait for more bytes; nothing is given.
          expect(messages).toEqual([]);
          expect(fault).not.toBeNull();
          continue;
        }
        expect(fault).toBeNull();
        expect(messages).toEqual([
          {
            headers: Object.fromEntries(
              Object.entries(vector.headers).map(([name, value]) => [name, headerOf(value)]),
            ),
            payload: vector.payload_base64,
          },
        ]);
      }
    });
});

describe.runIf(there)("recorded streams", () => {
  const folder = `${FIXTURES}bedrock/`;
  const bodies = there
    ? readdirSync(folder).flatMap((name) => {
        const { kind } = JSON.parse(readFileSync(`${folder}${name}/response.json`, "utf8")) as {
          kind: string;
        };
        return kind === "eventstream" ? [readFileSync(`${folder}${name}/response.body`)] : [];
      })
    : [];
  test("there are thirty", () => expect(bodies.length).toBe(30));
  test("are the same however they are cut", { timeout: 60_000 }, () => {
    for (const body of bodies) {
      const whole = framed([body]);
      expect(whole.fault).toBeNull();
      expect(whole.is_between).toBe(true);
      expect(whole.messages.length).toBeGreaterThan(0);
      const step = Math.ceil(body.length / 500);
      for (let cut = 1; cut < body.length; cut += step) {
        const { messages, fault } = framed([body.subarray(0, cut), body.subarray(cut)]);
        expect(fault).toBeNull();
        expect(messages.length).toBe(whole.messages.length);
        expect(messages.at(-1)).toEqual(whole.messages.at(-1));
      }
      const bytes = Array.from(body, (_, at) => body.subarray(at, at + 1));
      expect(framed(bytes)).toEqual(whole);
    }
  });
  test("a byte that is wrong is never read over", () => {
    const body = bodies[0]!;
    const whole = framed([body]).messages;
    for (let at = 0; at < body.length; at++) {
      const broken = Buffer.from(body);
      broken[at]! ^= 0x40;
      const { messages, fault, is_between } = framed([broken]);
      expect(fault !== null || !is_between).toBe(true);
      expect(whole.slice(0, messages.length)).toEqual(messages);
      expect(messages.length).toBeLessThan(whole.length);
    }
  });
});

describe("bounds", () => {
  test("a message over the limit is a fault before its bytes are there", () => {
    const long = frameOf({ ":event-type": "a" }, Buffer.alloc(2000));
    expect(framed([long.subarray(0, 12)], 1000).fault).toContain("more than 1000 bytes");
    expect(framed([long], 4000).fault).toBeNull();
  });
  test("headers that end in the midst of a value are a fault", () => {
    const good = frameOf({ name: "value" }, Buffer.from("{}"));
    expect(framed([good]).messages).toHaveLength(1);
    const bad = frameOf(Buffer.from([4, 110, 97, 109, 101, 7, 0, 50, 97]), Buffer.from("{}"));
    expect(framed([bad]).fault).toContain("headers");
  });
  test("random bytes end in a fault, or wait", () => {
    const random = randomIntegers(5);
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from({ length: random(200) }, () => random(256));
      const { messages, fault } = framed([bytes]);
      expect(messages).toEqual([]);
      expect(fault !== null || bytes.length < 12).toBe(true);
    }
  });
});
