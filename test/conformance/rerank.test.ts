// Reranks through the gateway, at every kind of provider that has them.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { errorOf, rig, type TestGateway } from "../gateway/harness.ts";
import type { Script } from "../scripted_upstream.ts";

const FIXTURES = new URL("../../../shared/fixtures/", import.meta.url).pathname;
const there = existsSync(`${FIXTURES}index.jsonl`);
if (!there) console.warn("skipped: the recorded traffic (../shared/fixtures) is not here");

const room = rig();

type Json = Readonly<Record<string, unknown>>;

async function start(kind: string, script: Script, more = "") {
  const upstream = await room.upstream(script);
  const base_url = kind === "cohere" ? upstream.base_url.replace(/\/v1$/, "") : upstream.base_url;
  const gateway = room.gateway(`
providers: { up: { kind: ${kind}, base_url: "${base_url}", api_keys: [sk-up] } }
models: { rank: { targets: [up/ranker], retries: { attempts: 0 }${more} } }
`);
  return { upstream, gateway };
}

function rerank(gateway: TestGateway, body: Json, path = "/v1/rerank"): Promise<Response> {
  return gateway.fetch(path, {
    method: "POST",
    body: JSON.stringify({ model: "rank", query: "ruby", ...body }),
  });
}

const DOCUMENTS = ["Ruby is red", { text: "Paris is in France", id: 7 }];

describe.runIf(there)("recorded reranks", () => {
  for (const line of there ? readFileSync(`${FIXTURES}index.jsonl`, "utf8").trim().split("\n") : []) {
    const { case: name, op, provider } = JSON.parse(line) as Record<string, string>;
    if (op !== "rerank") continue;
    test(name!, async () => {
      const recorded = JSON.parse(readFileSync(`${FIXTURES}${name}/request.json`, "utf8")) as {
        body: string;
      };
      const said: Json = JSON.parse(readFileSync(`${FIXTURES}${name}/response.body`, "utf8"));
      const { upstream, gateway } = await start(provider!, (_, reply) => reply.json(200, said));
      const asked: Json = JSON.parse(recorded.body);
      const response = await rerank(gateway, { ...asked, model: "rank" });
      expect(await response.json()).toEqual(said);
      expect(upstream.requests[0]!.json()).toEqual({ ...asked, model: "ranker" });
      expect(upstream.requests[0]!.path).toBe(provider === "cohere" ? "/v2/rerank" : "/v1/rerank");
      await gateway.idle();
      const { usage } = gateway.kept.rows()[0]!;
      if (provider === "cohere") expect(usage.searches).toBe(1);
      else expect(usage.input_tokens).toBe(17);
    });
  }
});

test("servers of the format get what came, with the model's name", async () => {
  for (const kind of ["jina", "openai", "vllm", "together"]) {
    const answer = {
      ...{
        model: "ranker",
        results: [{ index: 0, relevance_score: 0.9, document: { text: "Ruby is red" } }],
      },
      usage: { total_tokens: 12 },
    };
    const { upstream, gateway } = await start(kind, (_, reply) => reply.json(200, answer));
    const asked = { documents: DOCUMENTS, top_n: 1, return_documents: true, max_chunks_per_doc: 3 };
    const response = await rerank(gateway, asked);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(answer);
    expect(upstream.requests[0]!.json()).toEqual({ model: "ranker", query: "ruby", ...asked });
    expect(upstream.requests[0]!.path).toBe("/v1/rerank");
    await gateway.idle();
    expect(gateway.kept.rows()[0]!.usage.input_tokens).toBe(12);
  }
});

test("Cohere gets texts; documents that are wanted back come from the request; its own clients' path", async () => {
  const results = [
    { index: 1, relevance_score: 0.8 },
    { index: 0, relevance_score: 0.1 },
  ];
  const { upstream, gateway } = await start("cohere", (_, reply) =>
    reply.json(200, { id: "r", results, meta: { billed_units: { search_units: 2 } } }),
  );
  const response = await rerank(
    gateway,
    { documents: DOCUMENTS, return_documents: true, top_n: 2, rank_fields: ["text"] },
    "/v2/rerank",
  );
  expect(response.headers.get("x-venturi-dropped")).toBe("rank_fields");
  expect(((await response.json()) as Json)["results"]).toEqual([
    { ...results[0], document: { text: "Paris is in France", id: 7 } },
    { ...results[1], document: { text: "Ruby is red" } },
  ]);
  expect(upstream.requests[0]!.json()).toEqual({
    ...{ model: "ranker", query: "ruby", documents: ["Ruby is red", "Paris is in France"], top_n: 2 },
  });
  const wrong = await rerank(gateway, { documents: ["a", { title: "no text" }] });
  expect([wrong.status, errorOf(await wrong.text()).param]).toEqual([400, "documents[1]"]);
});

test("Voyage says it in other words", async () => {
  const data = [{ index: 1, relevance_score: 0.5, document: "Paris is in France" }];
  const { upstream, gateway } = await start("voyage", (_, reply) =>
    reply.json(200, { object: "list", data, model: "rerank-2.5", usage: { total_tokens: 26 } }),
  );
  const response = await rerank(gateway, { documents: DOCUMENTS, top_n: 1, return_documents: true });
  expect(await response.json()).toEqual({
    model: "rerank-2.5",
    results: [{ index: 1, relevance_score: 0.5, document: { text: "Paris is in France" } }],
    usage: { total_tokens: 26 },
  });
  expect(upstream.requests[0]!.path).toBe("/v1/rerank");
  expect(upstream.requests[0]!.json()).toEqual({
    ...{ model: "ranker", query: "ruby", documents: ["Ruby is red", "Paris is in France"] },
    ...{ top_k: 1, return_documents: true },
  });
  await gateway.idle();
  expect(gateway.kept.rows()[0]!.usage.input_tokens).toBe(26);
});

test("personal data does not leave, and is there again in documents that come back", async () => {
  const { upstream, gateway } = await start(
    "cohere",
    (_, reply) => reply.json(200, { results: [{ index: 0, relevance_score: 0.8 }] }),
    ", privacy: { mode: redact }",
  );
  const documents = ["write to jo.doe@example.com", { text: "or ann@example.org" }];
  const asked = { query: "who is jo.doe@example.com", documents, return_documents: true };
  const response = await rerank(gateway, asked);
  expect(upstream.requests[0]!.json()).toMatchObject({
    query: "who is [EMAIL_1]",
    documents: ["write to [EMAIL_1]", "or [EMAIL_2]"],
  });
  expect(((await response.json()) as Json)["results"]).toEqual([
    { index: 0, relevance_score: 0.8, document: { text: "write to jo.doe@example.com" } },
  ]);
});

test("guards see the query and the documents", async () => {
  const { upstream, gateway } = await start(
    "jina",
    (_, reply) => reply.json(200, { results: [] }),
    ", guards: { input: [{ guard: denied_words, words: [forbidden] }] }",
  );
  for (const body of [{ query: "forbidden", documents: ["a"] }, { documents: ["a", { text: "forbidden" }] }])
    expect((await rerank(gateway, body)).status).toBe(400);
  expect((await rerank(gateway, { documents: ["a"] })).status).toBe(200);
  expect(upstream.requests.length).toBe(1);
});

test("answers are kept by query and documents", async () => {
  const { upstream, gateway } = await start(
    "jina",
    (_, reply) => reply.json(200, { results: [], usage: { total_tokens: 1 } }),
    ", cache: { exact: { ttl_s: 60 } }",
  );
  const outcomes: (string | null)[] = [];
  for (const documents of [["a"], ["a"], ["b"]]) {
    const response = await rerank(gateway, { documents });
    await response.text();
    outcomes.push(response.headers.get("x-venturi-cache"));
    await gateway.idle();
  }
  expect(outcomes.map((outcome) => outcome === "miss")).toEqual([true, false, true]);
  expect(upstream.requests.length).toBe(2);
});

test("who has none says so, and a request without documents is refused", async () => {
  const gateway = room.gateway("{}");
  const none = await rerank(gateway, { model: "sim/echo", documents: ["a"] });
  expect([none.status, errorOf(await none.text()).message]).toEqual([
    400,
    expect.stringContaining("has no /rerank"),
  ]);
  const wrong = await rerank(gateway, { model: "sim/echo" });
  expect([wrong.status, errorOf(await wrong.text()).param]).toEqual([400, "documents"]);
});
