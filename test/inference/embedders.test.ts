import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { EmbedderSource, InferenceConfig, ProviderSource } from "../../src/inference/config.ts";
import { builtinEmbedder } from "../../src/inference/embedders/builtin_embedder.ts";
import { type Embedder, normalised } from "../../src/inference/embedders/embedder.ts";
import { EmbedderSet } from "../../src/inference/embedders/embedder_set.ts";
import { embedderMaker } from "../../src/inference/embedders/make_embedder.ts";
import { providerEmbedder } from "../../src/inference/embedders/provider_embedder.ts";
import { remembering } from "../../src/inference/embedders/remembering.ts";
import { transformersEmbedder } from "../../src/inference/embedders/transformers_embedder.ts";
import { Pool } from "../../src/inference/pool.ts";
import { type Reply, type ScriptedUpstream, type SeenRequest, startUpstream } from "../scripted_upstream.ts";
import { standIn } from "./stand_in.ts";
import { TINY_DIMS, tinyVector, writeTinyModel } from "./tiny_model.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function kept(embedder: Embedder): Embedder {
  ends.push(() => embedder.close?.());
  return embedder;
}

/** An upstream that gives each text of a request a vector of its length, in reverse order. */
function answerLengths(request: SeenRequest, reply: Reply): unknown {
  const { input } = request.json() as { input: string[] };
  const data = input.map((text, index) => ({ object: "embedding", index, embedding: [3, text.length] }));
  return reply.json(200, { object: "list", data: data.toReversed() });
}

async function provider(
  script: (request: SeenRequest, reply: Reply) => unknown,
  changes: Partial<ProviderSource> = {},
): Promise<{ readonly upstream: ScriptedUpstream; readonly embedder: Embedder }> {
  const upstream = await startUpstream(script);
  ends.push(() => upstream.stop());
  const source: ProviderSource = {
    kind: "provider",
    provider: "up",
    model: "embed-1",
    url: `${upstream.base_url}/embeddings`,
    headers: { authorization: "Bearer secret-of-a-test" },
    timeout_ms: 5_000,
    batch_max: 16,
    ...changes,
  };
  return { upstream, embedder: providerEmbedder(source) };
}

const lengthVector = (text: string) => normalised(Float32Array.of(3, text.length))!;

describe("a provider's embeddings", () => {
  test("are asked for as the API wants it, and come in the order of the texts", async () => {
    const { upstream, embedder } = await provider(answerLengths);
    const texts = ["one", "three", "a"];
    expect(await embedder.embed(texts)).toEqual(texts.map(lengthVector));
    expect(upstream.requests).toHaveLength(1);
    const [request] = upstream.requests;
    expect(request).toMatchObject({ method: "POST", path: "/v1/embeddings" });
    expect(request!.headers.get("authorization")).toBe("Bearer secret-of-a-test");
    expect(request!.json()).toEqual({ model: "embed-1", input: texts, encoding_format: "float" });
    expect(embedder.name).toBe("provider:up/embed-1");
  });

  test("of what is asked at the same time come in one request, of not too many texts", async () => {
    const { upstream, embedder } = await provider(answerLengths, { batch_max: 4 });
    const texts = Array.from({ length: 10 }, (_, at) => "x".repeat(at));
    const all = await Promise.all(texts.map((text) => embedder.embed([text])));
    expect(all).toEqual(texts.map((text) => [lengthVector(text)]));
    const sizes = upstream.requests.map((request) => (request.json() as { input: string[] }).input.length);
    expect(sizes.toSorted()).toEqual([2, 4, 4]);
  });

  test.each<readonly [string, string, (request: SeenRequest, reply: Reply) => unknown]>([
    ["a refusal", "the provider answers with status 429", (_, reply) => reply.json(429, { error: {} })],
    ["no JSON", "the provider's answer is no list of embeddings", (_, reply) => reply.json(200, "data")],
    [
      "no list",
      "the provider's answer is no list of embeddings",
      (_, reply) => reply.json(200, { data: {} }),
    ],
    [
      "a list of nothing",
      "the provider's answer lacks embeddings",
      (_, reply) => reply.json(200, { data: [] }),
    ],
    [
      "more than was asked for",
      "the provider's answer is no list of embeddings",
      (_, reply) => reply.json(200, { data: [0, 1, 2].map((index) => ({ index, embedding: [1] })) }),
    ],
    [
      "what is no number",
      "the provider's answer lacks embeddings",
      (_, reply) => reply.json(200, { data: [{ index: 0, embedding: [1, "x"] }] }),
    ],
    [
      "nothing but zeros",
      "the provider's answer lacks embeddings",
      (_, reply) => reply.json(200, { data: [{ index: 0, embedding: [0, 0] }] }),
    ],
    [
      "too much",
      "the provider's answer is too long",
      (_, reply) => reply.json(200, { data: [], padding: "x".repeat(1_000_000) }),
    ],
    [
      "the way to somewhere else",
      "the provider cannot be asked",
      (_, reply) => reply.json(307, {}, { location: "http://127.0.0.1:9/" }),
    ],
    ["nothing", "the provider cannot be asked", (_, reply) => reply.destroy()],
  ])("where the answer is %s are a fault that says so", async (_what, fault, script) => {
    const { embedder } = await provider(script);
    const answer = await embedder.embed(["some words"]);
    expect(answer).toEqual({ fault: expect.stringContaining(fault) });
    expect(JSON.stringify(answer)).not.toContain("some words");
    expect(JSON.stringify(answer)).not.toContain("secret");
  });

  test("of other dimensions than before, or than configured, are a fault", async () => {
    let dims = 3;
    const script = (_: SeenRequest, reply: Reply) =>
      reply.json(200, { data: [{ index: 0, embedding: new Array(dims).fill(1) }] });
    const { embedder } = await provider(script);
    expect(await embedder.embed(["a"])).toHaveLength(1);
    dims = 4;
    const fault = "the provider's embeddings have 4 numbers instead of 3";
    expect(await embedder.embed(["b"])).toEqual({ fault });
    const configured = await provider(script, { dims: 3 });
    expect(await configured.embedder.embed(["b"])).toEqual({ fault });
  });

  test("that do not come are given up", async () => {
    const { embedder, upstream } = await provider((_, reply) => reply.never(), { timeout_ms: 50 });
    expect(await embedder.embed(["a"])).toEqual({ fault: "the provider did not answer within 50 ms" });
    upstream.use(answerLengths);
    expect(await embedder.embed(["a"])).toEqual([lengthVector("a")]);
  });

  test("of too many texts are not asked for", async () => {
    const { embedder, upstream } = await provider(answerLengths);
    expect(await embedder.embed(new Array(1_025).fill("x"))).toEqual({ fault: "too many texts wait" });
    expect(upstream.requests).toHaveLength(0);
  });
});

describe("what is remembered", () => {
  function counting(fail: () => boolean = () => false) {
    const asked: string[][] = [];
    const embedder: Embedder = {
      name: "counted",
      async embed(texts) {
        asked.push([...texts]);
        await Promise.resolve();
        return fail() ? { fault: "not now" } : texts.map(lengthVector);
      },
    };
    return { asked, embedder };
  }

  test("is not embedded again, nor while it is being embedded", async () => {
    const { asked, embedder } = counting();
    const remembered = remembering(embedder);
    const [first, second] = await Promise.all([
      remembered.embed(["a", "bb", "a"]),
      remembered.embed(["bb", "ccc"]),
    ]);
    expect(first).toEqual(["a", "bb", "a"].map(lengthVector));
    expect(second).toEqual(["bb", "ccc"].map(lengthVector));
    expect(await remembered.embed(["ccc", "a"])).toEqual(["ccc", "a"].map(lengthVector));
    expect(asked).toEqual([["a", "bb"], ["ccc"]]);
  });

  test("is not what failed, and not more than so many texts", async () => {
    let is_failing = true;
    const { asked, embedder } = counting(() => is_failing);
    const remembered = remembering(embedder, 2);
    expect(await remembered.embed(["a"])).toEqual({ fault: "not now" });
    is_failing = false;
    for (const text of ["a", "b", "c", "c", "a"]) {
      expect(await remembered.embed([text])).toEqual([lengthVector(text)]);
    }
    expect(asked).toEqual([["a"], ["a"], ["b"], ["c"], ["a"]]);
    // More texts than are remembered, all at once.
    expect(await remembered.embed(["1", "22", "333", "4444"])).toEqual(
      ["1", "22", "333", "4444"].map(lengthVector),
    );
  });
});

describe("the embedders of a configuration", () => {
  const config = (...embedders: EmbedderSource[]): InferenceConfig => ({
    data: "unused",
    embedders,
    max_entries: 10,
    threads: 1,
  });

  test("are made when they are asked for, and what fails is said once", async () => {
    const said: string[] = [];
    let fault: string | null = "out of order";
    let made = 0;
    const set = new EmbedderSet(
      () => {
        made += 1;
        return { name: "space", embed: (texts) => (fault === null ? texts.map(lengthVector) : { fault }) };
      },
      (line) => said.push(line),
    );
    set.configure(config({ kind: "builtin" }));
    expect([made, set.faultOf("builtin")]).toEqual([0, null]);
    const embedder = set.get("builtin");
    if ("fault" in embedder) throw new Error(embedder.fault);
    expect(embedder.name).toBe("space");
    for (let time = 0; time < 3; time++)
      expect(await embedder.embed(["a"])).toEqual({ fault: "out of order" });
    expect(set.faultOf("builtin")).toBe("out of order");
    fault = null;
    expect(await embedder.embed(["a"])).toEqual([lengthVector("a")]);
    expect(said).toEqual(["builtin: out of order", "builtin works again"]);
    expect([made, set.faultOf("builtin")]).toEqual([1, null]);
    expect(set.get("another")).toEqual({ fault: "no embedder of this name is configured" });
    set.configure(config({ kind: "builtin" }));
    expect(set.get("builtin")).toBe(embedder);
    set.configure(config());
    expect(set.get("builtin")).toHaveProperty("fault");
  });

  test("stand for what their sources say", async () => {
    const said: string[] = [];
    const make = embedderMaker(() => standIn(16));
    const set = new EmbedderSet(make, (line) => said.push(line));
    ends.push(() => set.close());
    set.configure(config({ kind: "builtin" }, { kind: "transformers", model: "some/model" }));
    const builtin = set.get("builtin");
    if ("fault" in builtin) throw new Error(builtin.fault);
    expect(builtin.embed(["a b"])).toEqual([standIn(16).embed("a b")]);
    expect(set.get("transformers:some/model")).toMatchObject({ name: "transformers:some/model" });
    expect(builtinEmbedder(() => ({ fault: "no weights" }))).toEqual({ fault: "no weights" });
  });

  test("that cannot be made are told of, and not tried at every text", () => {
    const said: string[] = [];
    let made = 0;
    const set = new EmbedderSet(
      () => {
        made += 1;
        return { fault: "no weights" };
      },
      (line) => said.push(line),
    );
    set.configure(config({ kind: "builtin" }));
    for (let time = 0; time < 5; time++) expect(set.get("builtin")).toEqual({ fault: "no weights" });
    expect([made, said]).toEqual([1, ["builtin: no weights"]]);
  });
});

describe("a pool of threads", () => {
  const file = new URL("./pool_thread.ts", import.meta.url);
  function pool(threads: number, queue_max = 8): Pool {
    const made = new Pool({ file, threads, queue_max, data: { greeting: "hello" } });
    ends.push(() => made.close());
    return made;
  }

  test("runs functions of a file, in as many threads as it has", async () => {
    const two = pool(2);
    expect(await two.run("greet", "you")).toEqual({ value: "hello you" });
    const ids = await Promise.all([two.run("meet", 2), two.run("meet", 2)]);
    expect(new Set(ids.map((id) => JSON.stringify(id))).size).toBe(2);
  });

  test("says what went wrong, and goes on", async () => {
    const one = pool(1);
    expect(await one.run("fail", "it is broken")).toEqual({ fault: "it is broken" });
    expect(await one.run("missing", null)).toHaveProperty("fault");
    expect(await one.run("greet", "again")).toEqual({ value: "hello again" });
  });

  test("has no more tasks waiting than it may", async () => {
    const one = pool(1, 2);
    await one.run("greet", "first");
    const done = await Promise.all(Array.from({ length: 6 }, () => one.run("linger", 20)));
    expect(done.filter((outcome) => "fault" in outcome)).toEqual(
      new Array(3).fill({ fault: "too many tasks wait" }),
    );
  });
});

const has_transformers = (() => {
  try {
    Bun.resolveSync("@huggingface/transformers", import.meta.dirname);
    return true;
  } catch {
    return false;
  }
})();

describe("a model of transformers.js", () => {
  test.skipIf(has_transformers)("without the package is a fault that says what to install", async () => {
    const embedder = kept(transformersEmbedder({ kind: "transformers", model: "any/model" }, 1));
    const fault = expect.stringContaining("install @huggingface/transformers to use this model");
    expect(await embedder.embed(["a"])).toEqual({ fault });
    expect(await embedder.embed(["a"])).toEqual({ fault });
  });

  test.skipIf(!has_transformers)("gives the means of its tokens' vectors", { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "venturi-model-"));
    ends.push(() => rmSync(folder, { recursive: true }));
    writeTinyModel(join(folder, "tiny"));
    const embedder = kept(transformersEmbedder({ kind: "transformers", model: join(folder, "tiny") }, 1));
    const embedded = await embedder.embed(["How do I pay?", "refund order", "REFUND"]);
    if ("fault" in embedded) throw new Error(embedded.fault);
    const expected = [["how", "do", "i", "pay", "?"], ["refund", "order"], ["refund"]].map(tinyVector);
    for (const [at, vector] of embedded.entries()) {
      for (let dim = 0; dim < TINY_DIMS; dim++) expect(vector[dim]).toBeCloseTo(expected[at]![dim]!, 5);
    }
  });

  test.skipIf(!has_transformers)("that is not there is a fault", { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "venturi-model-"));
    ends.push(() => rmSync(folder, { recursive: true }));
    const embedder = kept(transformersEmbedder({ kind: "transformers", model: folder }, 1));
    expect(await embedder.embed(["a"])).toEqual({
      fault: expect.stringContaining("the model cannot be loaded"),
    });
  });
});
