import { describe, expect, test } from "vitest";
import { GEMINI } from "../../../src/dialects/gemini/format.ts";
import type { StreamEvent } from "../../../src/dialects/neutral/answer.ts";
import type { Citation } from "../../../src/dialects/neutral/parts.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { checkGeminiAnswer } from "../grammar/gemini.ts";
import { CONTEXT, checkEvents, collect, readStream, writeStream } from "./context.ts";
import { HAS_RECORDINGS, recordedCalls } from "./recorded.ts";

type Json = Readonly<Record<string, unknown>>;

const TEXT = "Zürich 😀 is a city. Ulm is one too.";
const SOURCES = [
  { web: { uri: "https://z.example", title: "Z" } },
  { maps: { uri: "https://m.example" } },
  { retrievedContext: { text: "snippet", title: "own" } },
];

/** Where a text lies, in bytes. */
function segment(text: string) {
  const startIndex = Buffer.from(TEXT).indexOf(text);
  return { startIndex, endIndex: startIndex + Buffer.byteLength(text), text };
}

const GROUNDING = {
  groundingChunks: SOURCES,
  groundingSupports: [
    { segment: segment("Ulm is one too."), groundingChunkIndices: [1, 2] },
    { segment: segment("Zürich 😀 is a city."), groundingChunkIndices: [0, 99] },
  ],
};

function cited(citations: readonly Citation[] | undefined) {
  return citations?.map(({ start, end, own: _, ...source }) => ({ ...source, said: TEXT.slice(start, end) }));
}

const EXPECTED = [
  { url: "https://m.example", said: "Ulm is one too." },
  { title: "own", cited_text: "snippet", said: "Ulm is one too." },
  { url: "https://z.example", title: "Z", said: "Zürich 😀 is a city." },
];

describe("reading what an answer rests on", () => {
  test("bytes become positions in the text", () => {
    const candidate = {
      content: { parts: [{ text: "hm", thought: true }, { text: TEXT }] },
      finishReason: "STOP",
      groundingMetadata: GROUNDING,
    };
    const { parts } = GEMINI.readAnswer({ candidates: [candidate] })!.choices[0]!;
    expect(parts[1]?.kind === "text" && cited(parts[1].citations)).toEqual(EXPECTED);
  });

  test("several texts are counted as one", () => {
    const parts = [{ text: TEXT.slice(0, 9) }, { functionCall: { name: "f" } }, { text: TEXT.slice(9) }];
    const read = GEMINI.readAnswer({ candidates: [{ content: { parts }, groundingMetadata: GROUNDING }] })!;
    const last = read.choices[0]!.parts[2]!;
    const ulm = last.kind === "text" ? last.citations!.filter(({ url }) => url === "https://m.example") : [];
    expect(ulm.map(({ start, end }) => TEXT.slice(9).slice(start, end))).toEqual(["Ulm is one too."]);
  });

  test("a place that says something else is looked for, and one that is not there has no place", () => {
    const supports = (said: string) => ({
      groundingChunks: SOURCES,
      groundingSupports: [
        { segment: { startIndex: 3, endIndex: 9, text: said }, groundingChunkIndices: [0] },
      ],
    });
    const read = (said: string) => {
      const candidate = { content: { parts: [{ text: TEXT }] }, groundingMetadata: supports(said) };
      const part = GEMINI.readAnswer({ candidates: [candidate] })!.choices[0]!.parts[0]!;
      return part.kind === "text" ? part.citations![0]! : {};
    };
    expect(read("Ulm")).toMatchObject({ start: TEXT.indexOf("Ulm"), end: TEXT.indexOf("Ulm") + 3 });
    expect(read("Bonn")).toEqual({ url: "https://z.example", title: "Z" });
  });

  test("sources without a word of what they support are told all the same", () => {
    const candidate = {
      content: { parts: [{ text: TEXT }] },
      groundingMetadata: { groundingChunks: SOURCES },
    };
    const part = GEMINI.readAnswer({ candidates: [candidate] })!.choices[0]!.parts[0]!;
    expect(part.kind === "text" && part.citations).toHaveLength(3);
  });

  test("a stream tells them before the text stops, whether they come with it or behind it", () => {
    const event = (candidate: Json) => `data: ${JSON.stringify({ candidates: [candidate] })}\n\n`;
    const pieces = [TEXT.slice(0, 8), TEXT.slice(8, 20), TEXT.slice(20)].map((text) =>
      event({ content: { parts: [{ text }] } }),
    );
    const endings = [
      [
        event({
          content: { parts: [{ text: "", thoughtSignature: "c2ln" }] },
          finishReason: "STOP",
          groundingMetadata: GROUNDING,
        }),
      ],
      [
        event({ finishReason: "STOP" }),
        event({ groundingMetadata: GROUNDING }),
        event({ groundingMetadata: {} }),
      ],
    ];
    for (const ending of endings) {
      const events = readStream([Buffer.from([...pieces, ...ending].join(""))]);
      expect(checkEvents(events)).toEqual([]);
      const [part] = collect(events).choices[0]!.parts;
      expect(part?.kind === "text" && cited(part.citations)).toEqual(EXPECTED);
    }
    // The text has stopped: they are told behind it, without their places.
    const late = [
      ...pieces,
      event({
        content: { parts: [{ functionCall: { name: "f" } }] },
        finishReason: "STOP",
        groundingMetadata: GROUNDING,
      }),
    ];
    const events = readStream([Buffer.from(late.join(""))]);
    expect(checkEvents(events)).toEqual([]);
    expect(collect(events).choices[0]!.parts[2]).toMatchObject({
      kind: "text",
      text: "",
      citations: [{ url: "https://m.example" }, {}, {}],
    });
  });

  test("very many segments cost little", () => {
    const text = "ü".repeat(200_000);
    const groundingSupports = Array.from({ length: 5_000 }, (_, n) => ({
      segment: { startIndex: 4 * n, endIndex: 4 * n + 2 },
      groundingChunkIndices: [0],
    }));
    const candidate = {
      content: { parts: [{ text }] },
      groundingMetadata: { groundingChunks: SOURCES, groundingSupports },
    };
    const started = performance.now();
    const part = GEMINI.readAnswer({ candidates: [candidate] })!.choices[0]!.parts[0]!;
    expect(part.kind === "text" && part.citations![1]).toMatchObject({ start: 2, end: 3 });
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test.skipIf(!HAS_RECORDINGS)("recorded ones (../shared/fixtures) lie where their segments say", () => {
    let seen = 0;
    for (const { name, body, kind } of recordedCalls("generateContent", "streamGenerateContent")) {
      if (!body.includes('"groundingSupports"')) continue;
      const read =
        kind === "sse" ? collect(readStream([body])) : GEMINI.readAnswer(parseExact(body) as Json)!;
      const raw = body.toString();
      const texts = read.choices[0]!.parts.filter((part) => part.kind === "text");
      for (const { text, citations } of texts) {
        for (const { start, end } of citations ?? []) {
          if (start === undefined) continue;
          seen += 1;
          const said = JSON.stringify(text.slice(start, end));
          expect([name, raw.includes(`"text": ${said}`)]).toEqual([name, true]);
        }
      }
    }
    expect(seen).toBeGreaterThan(50);
  });
});

describe("writing what an answer rests on", () => {
  const at = (said: string) => ({ start: TEXT.indexOf(said), end: TEXT.indexOf(said) + said.length });
  const citations: Citation[] = [
    { url: "https://z.example", title: "Z", ...at("Zürich 😀") },
    { url: "https://z.example", title: "Z", ...at("Ulm") },
    { title: "doc.pdf", cited_text: "snippet", ...at("too.") },
    { url: "https://n.example" },
  ];

  test("the same citations come back, from a whole answer and from a stream", () => {
    const answer = {
      ...{ id: "i", model: "m", created_s: null, usage: null },
      choices: [
        {
          index: 0,
          parts: [{ kind: "text" as const, text: TEXT, citations }],
          finish: { reason: "stop" as const, raw: "STOP" },
        },
      ],
    };
    const written = GEMINI.writeAnswer(answer, CONTEXT) as {
      candidates: { groundingMetadata: { groundingChunks: Json[] } }[];
    };
    expect(checkGeminiAnswer(written)).toEqual([]);
    expect(written.candidates[0]!.groundingMetadata.groundingChunks).toHaveLength(3);
    const placed = citations.slice(0, 3);
    const read = GEMINI.readAnswer(written as unknown as Json)!.choices[0]!.parts[0]!;
    expect(read.kind === "text" && read.citations).toEqual(placed);

    const part = { choice: 0, part: 1 };
    const first = { choice: 0, part: 0 };
    const events: StreamEvent[] = [
      { kind: "start", id: "i", model: "m", created_s: null },
      ...[
        { kind: "part_start", ...first, start: { kind: "text" } } as const,
        { kind: "delta", ...first, text: "Hé! " } as const,
      ],
      ...[
        { kind: "part_stop", ...first } as const,
        { kind: "part_start", ...part, start: { kind: "text" } } as const,
      ],
      { kind: "delta", ...part, text: TEXT },
      ...placed.map((citation) => ({ kind: "citation", ...part, citation }) as const),
      ...[
        { kind: "part_stop", ...part } as const,
        { kind: "finish", choice: 0, finish: { reason: "stop" } } as const,
        { kind: "end" } as const,
      ],
    ];
    // A client puts the texts of a stream together: places count from the first of them.
    const [told] = collect(readStream([writeStream(events)])).choices[0]!.parts;
    const moved = placed.map((citation) => ({
      ...citation,
      start: citation.start! + 4,
      end: citation.end! + 4,
    }));
    expect(told).toEqual({ kind: "text", text: `Hé! ${TEXT}`, citations: moved });
  });
});
