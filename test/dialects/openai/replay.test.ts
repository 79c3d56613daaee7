// A recorded stream given again, against what a live one would have shown; and what is cheap about it.

import { describe, expect, test } from "vitest";
import { assembleAnswer } from "../../../src/dialects/openai/assemble.ts";
import { replayEvents } from "../../../src/dialects/openai/replay.ts";
import { ChatWatch, withCost } from "../../../src/dialects/openai/stream.ts";
import { streamAnswer } from "../../../src/dialects/openai/unfold.ts";
import { type SseEvent, SseFramer } from "../../../src/wire/sse.ts";
import { RECORDINGS_MISSING, recordings } from "../../gateway/recordings.ts";
import { randomIntegers } from "../../memory/random.ts";
import { randomAnswer } from "./random_answer.ts";

function eventsOf(bytes: Uint8Array): SseEvent[] {
  const events: SseEvent[] = [];
  const framer = new SseFramer(bytes.length + 1, { onEvent: (event) => events.push(event) });
  framer.feed(bytes);
  const rest = framer.end();
  return rest === null ? events : [...events, rest];
}

/** What a live stream shows of it, as name and data. */
function shown(bytes: Uint8Array, include_usage: boolean, cost_usd?: string): string[] {
  const watch = new ChatWatch(!include_usage);
  return eventsOf(bytes).flatMap((event) => {
    if (!watch.see(event) || event.data === null) return [];
    if (cost_usd === undefined || !watch.tellsUsage(event.data)) return [textOf(event)];
    return [textOf(eventsOf(withCost(event.raw, event.data, cost_usd))[0]!)];
  });
}

function textOf({ name, data }: SseEvent): string {
  return `${name === null ? "" : Buffer.from(name)}|${Buffer.from(data!)}`;
}

function given(bytes: Uint8Array, include_usage: boolean, cost_usd?: string): string[] {
  const replayed = replayEvents(
    bytes,
    cost_usd === undefined ? { include_usage } : { include_usage, cost_usd },
  );
  const events = eventsOf(replayed);
  // A comment begins no line of them.
  expect(Buffer.from(replayed).toString("latin1")).not.toMatch(/(^|[\r\n]):/);
  return events.filter(({ data }) => data !== null).map(textOf);
}

/** The same stream with other line ends, comments, or a byte order mark. */
const MAKES: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.replaceAll("\n", "\r\n"),
  (text) => text.replaceAll("\n", "\r"),
  (text) => `: a comment\n\n${text.replaceAll("\n\n", '\n\n: "usage": {}\n\n')}`,
  (text) => text.replaceAll("data: {", ": within an event\ndata:{"),
  (text) => `\u00ef\u00bb\u00bf${text}`,
  (text) => text.replaceAll("\n\n", "\n\n\n\n"),
  (text) => text.trimEnd(),
];

const USAGE_ALONE = 'data: {"id":"c","choices":[],"usage":{"prompt_tokens":1}}\n\n';
const CONTENT = 'data: {"id":"c","choices":[{"index":0,"delta":{"content":"x"}}],"usage":null}\n\n';
const DONE = "data: [DONE]\n\n";

describe("a stream that is given again", () => {
  test.skipIf(RECORDINGS_MISSING !== null)("shows what a live one would, for every recording", () => {
    const recorded = recordings();
    expect(recorded.length).toBeGreaterThan(70);
    for (const { body, name } of recorded) {
      const latin = body.toString("latin1");
      for (const make of body.length < 200_000 ? MAKES : MAKES.slice(0, 2)) {
        const bytes = Buffer.from(make(latin), "latin1");
        expect(given(bytes, false), name).toEqual(shown(bytes, false));
        expect(given(bytes, true), name).toEqual(shown(bytes, true));
        expect(given(bytes, true, "0"), name).toEqual(shown(bytes, true, "0"));
        expect(given(bytes, false, "0"), name).toEqual(shown(bytes, false, "0"));
      }
    }
  });

  test("shows what a live one would, for streams of any make", () => {
    const random = randomIntegers(9);
    for (let turn = 0; turn < 250; turn++) {
      const stream = streamAnswer(Buffer.from(JSON.stringify(randomAnswer(random))), {
        include_usage: true,
      })!;
      const make = MAKES[random(MAKES.length)]!;
      const bytes = Buffer.from(make(Buffer.from(stream).toString("latin1")), "latin1");
      const asked = random(2) === 0;
      const cost_usd = random(2) === 0 ? "0" : undefined;
      expect(given(bytes, asked, cost_usd)).toEqual(shown(bytes, asked, cost_usd));
    }
  });

  test("is the input itself where nothing has to change", () => {
    const plain = Buffer.from(CONTENT + DONE);
    expect(replayEvents(plain, { include_usage: false })).toBe(plain);
    expect(replayEvents(plain, { include_usage: true, cost_usd: "0" })).toBe(plain);
    const told = Buffer.from(CONTENT + USAGE_ALONE + DONE);
    expect(replayEvents(told, { include_usage: true })).toBe(told);
    const crlf = Buffer.from((CONTENT + DONE).replaceAll("\n", "\r\n"));
    expect(replayEvents(crlf, { include_usage: false })).toBe(crlf);
    const beside = Buffer.from(`${CONTENT.replace("null", '{"prompt_tokens":1}')}${DONE}`);
    expect(replayEvents(beside, { include_usage: false })).toBe(beside);
  });

  test.each([
    ["at the end", CONTENT + USAGE_ALONE + DONE],
    ["at the start", USAGE_ALONE + CONTENT + DONE],
    ["twice", USAGE_ALONE + CONTENT + USAGE_ALONE + DONE],
    ["written with spaces", `${CONTENT}${USAGE_ALONE.replaceAll(/[:,[]/g, "$& ").replace(" {", "{")}${DONE}`],
    [
      "with its members in another order",
      `${CONTENT}data: {"usage":{"prompt_tokens":1},"choices":[]}\n\n${DONE}`,
    ],
    ["on two lines", `${CONTENT}data: {"choices":[],\ndata: "usage":{"prompt_tokens":1}}\n\n${DONE}`],
  ])("lacks usage that comes alone %s", (_, events) => {
    const replayed = Buffer.from(replayEvents(Buffer.from(events), { include_usage: false })).toString();
    expect(replayed).toBe(CONTENT + DONE);
  });

  test("is not fooled by what a model writes", () => {
    const content = JSON.stringify(
      '"usage":{"a":1},"choices":[] \n\ndata: {"choices":[],"usage":{}}\n\n: no comment',
    );
    const bytes = Buffer.from(
      `data: {"choices":[{"index":0,"delta":{"content":${content}}}],"usage":{"a":1}}\n\n${DONE}`,
    );
    expect(replayEvents(bytes, { include_usage: false })).toBe(bytes);
  });

  test("tells the cost that it is to tell, in place of another's", () => {
    const told = (usage: string) => Buffer.from(`${CONTENT}data: {"choices":[],"usage":${usage}}\n\n${DONE}`);
    for (const [usage, expected] of [
      ['{"prompt_tokens":1}', '{"prompt_tokens":1,"cost_usd":0}'],
      ['{"cost_usd": 0.25, "prompt_tokens":1}', '{"cost_usd": 0, "prompt_tokens":1}'],
      ['{"cost_usd":3}', '{"cost_usd":0}'],
      ["{}", '{"cost_usd":0}'],
    ] as const) {
      const replayed = replayEvents(told(usage), { include_usage: true, cost_usd: "0" });
      expect(Buffer.from(replayed).toString()).toBe(told(expected).toString());
    }
    const crlf = Buffer.from('data: {"choices":[],"usage":{"cost_usd":3}}\r\n\r\n');
    expect(Buffer.from(replayEvents(crlf, { include_usage: true, cost_usd: "0" })).toString()).toContain(
      ":0}}\r\n",
    );
  });

  test("is the same answer, whatever was left out", () => {
    const random = randomIntegers(10);
    for (let turn = 0; turn < 60; turn++) {
      const { usage: _, ...answer } = randomAnswer(random);
      const told = Buffer.from(JSON.stringify({ ...answer, usage: { prompt_tokens: 1 } }));
      const replayed = replayEvents(streamAnswer(told, { include_usage: true })!, { include_usage: false });
      const without = assembleAnswer(
        streamAnswer(Buffer.from(JSON.stringify(answer)), { include_usage: false })!,
      );
      expect(assembleAnswer(replayed)).toEqual(without);
    }
  });

  test("is something for any bytes, and nothing throws", () => {
    const random = randomIntegers(12);
    const text = CONTENT + USAGE_ALONE + DONE;
    const bits = [
      "\n",
      "\r",
      ":",
      "\n\n",
      '"usage"',
      '"choices"',
      "[]",
      "{",
      "}",
      "null",
      "data:",
      '"',
      ",",
      " ",
      "\u00ff",
    ];
    for (let turn = 0; turn < 5_000; turn++) {
      let garbled = random(3) === 0 ? "" : text;
      for (let change = 0; change < 1 + random(12); change++) {
        const at = random(garbled.length + 1);
        garbled = garbled.slice(0, at) + bits[random(bits.length)] + garbled.slice(at + random(3));
      }
      const bytes = Buffer.from(garbled, "latin1");
      expect(given(bytes, false)).toEqual(shown(bytes, false));
      expect(given(bytes, true, "0")).toEqual(shown(bytes, true, "0"));
    }
  });
});
