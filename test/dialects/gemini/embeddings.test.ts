import { describe, expect, test } from "vitest";
import {
  type EmbedCalls,
  readEmbeddings,
  readEmbedRequest,
  writeEmbedAnswer,
  writeEmbeddings,
} from "../../../src/dialects/gemini/embeddings.ts";
import { GatewayError } from "../../../src/errors.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { HAS_RECORDINGS, recordedCalls } from "./recorded.ts";

type Json = Readonly<Record<string, unknown>>;

const GEMINI = { model: "gemini-embedding-001", provider_kind: "gemini" };
const CONTEXT = { model: "embedder", encoding: "float", estimated_tokens: 7 } as const;

function calls(body: Json, target: { model: string; provider_kind: string }): EmbedCalls {
  const written = writeEmbeddings(body, target);
  if (written instanceof GatewayError) throw new Error(written.message);
  return written;
}

describe("embeddings of OpenAI's format at Google", () => {
  test("Gemini is asked in batches of a hundred", () => {
    const { action, bodies } = calls({ input: "a", dimensions: 64, task_type: "RETRIEVAL_QUERY" }, GEMINI);
    expect(action).toBe("batchEmbedContents");
    expect(bodies).toEqual([
      {
        requests: [
          {
            ...{ model: "models/gemini-embedding-001", content: { parts: [{ text: "a" }] } },
            ...{ taskType: "RETRIEVAL_QUERY", outputDimensionality: 64 },
          },
        ],
      },
    ]);
    const many = calls({ input: Array.from({ length: 230 }, (_, n) => `t${n}`) }, GEMINI);
    expect(many.bodies.map(({ requests }) => (requests as Json[]).length)).toEqual([100, 100, 30]);
  });

  test("Vertex is asked as its model takes it", () => {
    const old = calls(
      { input: ["a", "b"], dimensions: 8 },
      { model: "text-embedding-005", provider_kind: "vertex" },
    );
    expect(old).toEqual({
      action: "predict",
      bodies: [{ instances: [{ content: "a" }, { content: "b" }], parameters: { outputDimensionality: 8 } }],
    });
    const one = calls({ input: ["a", "b"] }, { model: "gemini-embedding-001", provider_kind: "vertex" });
    expect(one.bodies).toEqual([{ instances: [{ content: "a" }] }, { instances: [{ content: "b" }] }]);
    const newer = calls(
      { input: ["a", "b"], dimensions: 8 },
      { model: "gemini-embedding-2", provider_kind: "vertex" },
    );
    expect(newer.action).toBe("embedContent");
    expect(newer.bodies[1]).toEqual({
      content: { parts: [{ text: "b" }] },
      embedContentConfig: { outputDimensionality: 8 },
    });
  });

  test("tokens, nothing, and what is no text are refused by name", () => {
    for (const input of [[1, 2], [[1]], [], 5, undefined, null, ["a", 1]]) {
      const refused = writeEmbeddings({ input }, GEMINI);
      expect(refused).toBeInstanceOf(GatewayError);
      expect((refused as GatewayError).param).toBe("input");
    }
  });

  test("answers are put together, as numbers or as base64", () => {
    const answers = [{ embeddings: [{ values: [0.5, -1] }] }, { embeddings: [{ values: [2, 0.25] }] }];
    expect(readEmbeddings(answers, CONTEXT)).toEqual({
      ...{ object: "list", model: "embedder", usage: { prompt_tokens: 7, total_tokens: 7 } },
      data: [
        { object: "embedding", index: 0, embedding: [0.5, -1] },
        { object: "embedding", index: 1, embedding: [2, 0.25] },
      ],
    });
    const [first] = readEmbeddings(answers, { ...CONTEXT, encoding: "base64" })!["data"] as Json[];
    const bytes = Buffer.from(first!["embedding"] as string, "base64");
    expect([bytes.readFloatLE(0), bytes.readFloatLE(4)]).toEqual([0.5, -1]);
    expect(readEmbeddings([{}], CONTEXT)).toBeNull();
  });

  test.skipIf(!HAS_RECORDINGS)("recorded calls (../shared/fixtures) are asked and answered so", () => {
    let seen = 0;
    for (const { name, op, request, body, model, provider } of recordedCalls(
      "batchEmbedContents",
      "predict",
    )) {
      if (request === null || !name.includes("embedding") || request.includes("inline_data")) continue;
      seen += 1;
      const action = op as EmbedCalls["action"];
      const asked = JSON.parse(request) as Json;
      const openai = readEmbedRequest(asked, action, { model, stream: false });
      if (openai instanceof GatewayError) throw new Error(openai.message);
      const { bodies } = calls(openai, { model, provider_kind: provider });
      expect([name, bodies]).toEqual([name, [asked]]);
      const answer = parseExact(body) as Json;
      const read = readEmbeddings([answer], CONTEXT)!;
      const plain = JSON.parse(body.toString()) as {
        embeddings?: Json[];
        predictions?: { embeddings: Json }[];
      };
      const vectors = plain.embeddings ?? plain.predictions!.map(({ embeddings }) => embeddings);
      expect((read["data"] as Json[]).map(({ embedding }) => embedding)).toEqual(
        vectors.map(({ values }) => values),
      );
      const { prompt_tokens } = read["usage"] as { prompt_tokens: number };
      expect(prompt_tokens).toBeGreaterThan(0);
      const written = writeEmbedAnswer(read, action)!;
      expect(readEmbeddings([written], CONTEXT)).toEqual(read);
    }
    expect(seen).toBeGreaterThan(10);
  });
});

describe("embeddings of Google's format elsewhere", () => {
  test("one content, by an older name of its fields too", () => {
    const body = { content: { parts: [{ text: "a" }, { text: "b" }] }, output_dimensionality: 4 };
    expect(readEmbedRequest(body, "embedContent", { model: "m", stream: false })).toEqual({
      ...{ model: "m", input: ["ab"], dimensions: 4 },
    });
  });

  test("a picture is refused by name", () => {
    const requests = [{ content: { parts: [{ inlineData: { mimeType: "image/png", data: "" } }] } }];
    const refused = readEmbedRequest({ requests }, "batchEmbedContents", { model: "m", stream: false });
    expect((refused as GatewayError).param).toBe("requests[0].content");
    expect(readEmbedRequest({}, "predict", { model: "m", stream: false })).toBeInstanceOf(GatewayError);
  });

  test("vectors in base64 come as numbers, in the order of their indices", () => {
    const base64 = Buffer.from(new Float32Array([1, 2]).buffer).toString("base64");
    const answer = {
      data: [
        { index: 1, embedding: [3] },
        { index: 0, embedding: base64 },
      ],
      usage: { prompt_tokens: 5 },
    };
    expect(writeEmbedAnswer(answer, "batchEmbedContents")).toEqual({
      ...{ embeddings: [{ values: [1, 2] }, { values: [3] }], usageMetadata: { promptTokenCount: 5 } },
    });
    expect(writeEmbedAnswer({ data: [] }, "embedContent")).toBeNull();
  });
});
