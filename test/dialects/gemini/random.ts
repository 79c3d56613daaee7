// Requests and answers of Gemini's format from a source of chance, in the one way in which they are written here.

import { seededRandom } from "../../wire/json.cases.ts";

type Json = Record<string, unknown>;

/** A source of chance with what is needed of it. */
export class Chance {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  often(share = 0.5): boolean {
    return this.#random() < share;
  }

  one<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** A text that is not empty: of other scripts, of emoji, of what JSON escapes, of half a surrogate pair. */
  text(): string {
    const letters = ["a", "b ", "é", "😀", '"', "\\", "\n", "漢", "<", "\u2028", "\ud83d"];
    return Array.from({ length: 1 + this.below(8) }, () => this.one(letters)).join("");
  }

  value(depth: number): unknown {
    const kind = this.below(depth > 0 ? 6 : 4);
    if (kind === 0) return this.text();
    if (kind === 1) return this.below(1e6) / 8;
    if (kind === 2) return this.often();
    if (kind === 3) return null;
    return kind === 4 ? [this.value(depth - 1), this.value(depth - 1)] : this.object(depth - 1);
  }

  object(depth: number): Json {
    return Object.fromEntries(
      Array.from({ length: this.below(4) }, (_, n) => [
        `${this.one(["a_b", "c", "dE"])}${n}`,
        this.value(depth),
      ]),
    );
  }

  maybe(field: string, value: () => unknown, share = 0.4): Json {
    return this.often(share) ? { [field]: value() } : {};
  }

  signature(): string {
    return Buffer.from(this.text()).toString("base64");
  }
}

function media(chance: Chance): Json {
  const mimeType = chance.one(["image/png", "audio/wav", "video/mp4", "application/pdf", "text/plain"]);
  const displayName = chance.maybe("displayName", () => "n.x");
  if (chance.often()) return { inlineData: { mimeType, data: chance.signature(), ...displayName } };
  const fileUri = chance.one([
    ...[
      "gs://bucket/a.png",
      "https://example.com/a",
      "https://generativelanguage.googleapis.com/v1beta/files/x",
    ],
  ]);
  return { fileData: { fileUri, mimeType, ...displayName } };
}

function response(chance: Chance): Json {
  return chance.one<() => Json>([
    () => ({ output: chance.text() }),
    () => ({ error: chance.text() }),
    () => ({ error: chance.object(1) }),
    () => ({ output: chance.object(1) }),
    () => ({ output: chance.text(), more: 1 }),
    () => chance.object(2),
  ])();
}

/** A request of models from 3 on: their first call of a turn is signed. */
export function randomRequest(chance: Chance): Json {
  const contents: Json[] = [];
  let calls: Json[] = [];
  let number = 0;
  const tells_ids = chance.often();
  for (let turn = chance.below(3); turn >= 0; turn--) {
    const results = calls.map(({ id, name }) => ({
      functionResponse: {
        ...(id === undefined ? {} : { id }),
        ...{ name, response: response(chance) },
        ...chance.maybe("parts", () => [media(chance)], 0.2),
        ...chance.maybe("scheduling", () => "SILENT", 0.1),
      },
    }));
    const said = Array.from({ length: chance.below(3) }, () =>
      chance.often()
        ? { text: chance.text() }
        : { ...media(chance), ...chance.maybe("videoMetadata", () => ({ fps: 2 }), 0.2) },
    );
    const user = [...results, ...said];
    contents.push({ role: "user", parts: user.length > 0 ? user : [{ text: "?" }] });
    if (turn === 0) break;
    calls = Array.from({ length: chance.below(3) }, () => ({
      ...(tells_ids ? { id: `id${number++}` } : {}),
      ...{ name: chance.one(["f", "g_h"]), args: chance.object(2) },
    }));
    const model: Json[] = [
      ...(chance.often() ? [{ text: chance.text(), thought: true }] : []),
      ...(chance.often()
        ? [{ text: chance.text(), ...chance.maybe("thoughtSignature", () => chance.signature()) }]
        : []),
      ...(chance.often(0.2) ? [{ executableCode: { language: "PYTHON", code: chance.text() } }] : []),
      ...(chance.often(0.2) ? [{ somethingNew: chance.object(1), thoughtSignature: "c2ln" }] : []),
      ...calls.map((call, index) => ({
        functionCall: call,
        ...(index === 0 ? { thoughtSignature: chance.signature() } : {}),
      })),
    ];
    contents.push({ role: "model", parts: model.length > 0 ? model : [{ text: "!" }] });
  }
  const schema = {
    type: "object",
    properties: { a_b: { type: ["string", "null"] } },
    additionalProperties: false,
  };
  const names = chance.one([{ allowedFunctionNames: ["f"] }, { allowedFunctionNames: ["f", "g_h"] }, {}]);
  const calling = chance.one([
    ...[{ mode: "AUTO" }, { mode: "NONE" }, { mode: "VALIDATED", ...names }, { mode: "ANY", ...names }],
  ]);
  const config = {
    ...chance.maybe("maxOutputTokens", () => chance.below(1000)),
    ...chance.maybe("temperature", () => chance.below(20) / 10),
    ...chance.maybe("topP", () => 0.5),
    ...chance.maybe("topK", () => 40),
    ...chance.maybe("frequencyPenalty", () => -0.5),
    ...chance.maybe("presencePenalty", () => 0.5),
    ...chance.maybe("seed", () => chance.below(1e9)),
    ...chance.maybe("candidateCount", () => 2),
    ...chance.maybe("stopSequences", () => [chance.text()]),
    ...chance.maybe("thinkingConfig", () => ({
      ...chance.one([{ thinkingLevel: "LOW" }, { thinkingBudget: 512 }, {}]),
      includeThoughts: chance.often(),
    })),
    ...chance.maybe("responseModalities", () => ["TEXT", "IMAGE"]),
    ...chance.one([
      ...[{}, { responseMimeType: "application/json" }, { responseMimeType: "text/plain" }],
      { responseMimeType: "application/json", responseJsonSchema: schema },
      { responseMimeType: "application/json", responseSchema: { type: "OBJECT", nullable: true } },
      { responseMimeType: "text/x.enum", responseSchema: { type: "STRING", enum: ["a", "b"] } },
    ]),
    ...chance.one([{}, { responseLogprobs: true, logprobs: 3 }]),
    ...chance.maybe("speechConfig", () => ({ voiceConfig: { prebuiltVoiceConfig: { voiceName: "Kore" } } })),
    ...chance.maybe("mediaResolution", () => "MEDIA_RESOLUTION_LOW"),
  };
  return {
    contents,
    ...chance.maybe("systemInstruction", () => ({
      parts: [{ text: chance.text() }, { text: chance.text() }],
    })),
    ...chance.maybe("tools", () => [
      {
        functionDeclarations: [
          {
            name: "f",
            description: chance.text(),
            parametersJsonSchema: schema,
            ...chance.maybe("response", () => ({ type: "STRING" })),
          },
          {
            name: "g_h",
            parameters: { type: "OBJECT", properties: { a: { type: "STRING", nullable: true } } },
          },
        ],
      },
      ...(chance.often()
        ? [{ googleSearch: { timeRangeFilter: {} } }, { urlContext: {} }, { codeExecution: {} }]
        : []),
    ]),
    ...chance.maybe("toolConfig", () => ({
      functionCallingConfig: calling,
      ...chance.maybe("retrievalConfig", () => ({ languageCode: "de" })),
    })),
    ...(Object.keys(config).length > 0 ? { generationConfig: config } : {}),
    ...chance.maybe("safetySettings", () => [
      { category: "HARM_CATEGORY_HATE_SPEECH", threshold: "BLOCK_NONE" },
    ]),
    ...chance.maybe("cachedContent", () => "cachedContents/x"),
    ...chance.maybe("labels", () => ({ team: "a" })),
    ...chance.maybe("serviceTier", () => chance.one(["flex", "priority", "standard"])),
  };
}

/** An answer, as Gemini or Vertex gives one. */
export function randomAnswer(chance: Chance): Json {
  const candidates = Array.from({ length: 1 + chance.below(2) }, (_, index) => {
    const parts: Json[] = Array.from({ length: chance.below(4) }, () =>
      chance.one<() => Json>([
        () => ({ text: chance.text(), ...chance.maybe("thoughtSignature", () => chance.signature()) }),
        () => ({ text: chance.text(), thought: true }),
        () => ({ text: "", thoughtSignature: chance.signature() }),
        () => ({ functionCall: { id: "x", name: "f", args: chance.object(2) } }),
        () => ({ functionCall: { name: "f", args: chance.object(2) }, thoughtSignature: chance.signature() }),
        () => ({
          inlineData: { mimeType: "image/png", data: "aGk=" },
          ...chance.maybe("thoughtSignature", () => "c2ln"),
        }),
        () => ({ inlineData: { mimeType: "image/png", data: "aGk=" }, thought: true }),
        () => ({ codeExecutionResult: { outcome: "OUTCOME_OK", output: chance.text() } }),
      ])(),
    );
    return {
      content: { ...(parts.length > 0 ? { parts } : {}), role: "model" },
      ...chance.maybe(
        "finishReason",
        () => chance.one(["STOP", "MAX_TOKENS", "SAFETY", "A_NEW_ONE", "OTHER"]),
        0.9,
      ),
      index,
      ...chance.maybe("avgLogprobs", () => -0.25),
      ...chance.maybe("safetyRatings", () => [{ category: "C", probability: "LOW" }]),
      ...chance.maybe("groundingMetadata", () => ({
        groundingChunks: [{ web: { uri: "https://a.example", title: "a" } }],
        groundingSupports: [
          { segment: { startIndex: 0, endIndex: 2, text: "x" }, groundingChunkIndices: [0, 7] },
        ],
        webSearchQueries: ["q"],
      })),
      ...chance.maybe("logprobsResult", () => ({
        chosenCandidates: [{ token: "a", logProbability: -0.5 }],
        topCandidates: [{ candidates: [{ token: "a", logProbability: -0.5 }] }],
      })),
    };
  });
  return {
    candidates,
    usageMetadata: {
      promptTokenCount: 4,
      candidatesTokenCount: 3,
      totalTokenCount: 7,
      trafficType: "ON_DEMAND",
    },
    ...{ modelVersion: "gemini-3-pro", responseId: "abc" },
    ...chance.maybe("createTime", () => "2026-01-02T03:04:05.678Z"),
    ...chance.maybe("promptFeedback", () => ({ safetyRatings: [] })),
  };
}
