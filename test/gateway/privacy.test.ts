// Personal data: what reaches the provider, the store and the ledger, and what the client gets.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ENTITIES } from "../../src/config/entities.ts";
import { loadBuiltinEmbedder } from "../../src/inference/embedders/builtin/embedder.ts";
import { embedderMaker } from "../../src/inference/embedders/make_embedder.ts";
import { startInference } from "../../src/inference/inference.ts";
import { loadBuiltinNer } from "../../src/inference/ner/ner.ts";
import { RECOGNISED } from "../../src/privacy/recognisers/recognisers.ts";
import { chatChunks, chatCompletion, type Script, type SeenRequest } from "../scripted_upstream.ts";
import { errorOf, rig, type TestGateway } from "./harness.ts";

const room = rig();

function config(base_url: string, privacy: string, rest = ""): string {
  return `
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], retries: { attempts: 0 }, ${privacy} } }
${rest}`;
}

function lastText(request: SeenRequest): string {
  const { messages } = request.json() as { messages: { content: string }[] };
  return messages.at(-1)!.content;
}

/** Says again what its user said, plain or a few letters at a time. */
const parrot: Script = async (request, reply) => {
  const text = lastText(request);
  const { stream } = request.json() as { stream?: boolean };
  if (!stream) return reply.json(200, chatCompletion(text));
  const [opening, piece, ...rest] = chatChunks("x");
  await reply.sse(opening);
  for (const content of text.match(/.{1,3}/gsu) ?? []) {
    const choices = [{ index: 0, delta: { content }, finish_reason: null }];
    await reply.sse({ ...piece, choices });
  }
  for (const chunk of rest) await reply.sse(chunk);
  await reply.sse("[DONE]");
};

function said(content: string, extra: Record<string, unknown> = {}) {
  return { messages: [{ role: "user", content }], ...extra };
}

async function contentOf(response: Response): Promise<string> {
  const text = await response.text();
  if (text.startsWith("{")) return JSON.parse(text).choices[0].message.content;
  const data = text.split("\n").filter((line) => line.startsWith("data: {"));
  return data.map((line) => JSON.parse(line.slice(6)).choices[0]?.delta?.content ?? "").join("");
}

const TEXT = "Write to jo.doe@example.com or ann@example.org, not to jo.doe@example.com; call +49 30 901820.";

test("every kind that can be configured is recognised, and the reverse", () => {
  expect([...ENTITIES].sort()).toEqual([...RECOGNISED].sort());
});

describe("values that are redacted", () => {
  test.each([false, true])(
    "leave as placeholders and come back as they were (streamed: %s)",
    async (stream) => {
      const upstream = await room.upstream(parrot);
      const gateway = room.gateway(config(upstream.base_url, "privacy: { mode: redact }"));
      const response = await gateway.chat(said(TEXT, { stream }));
      expect(response.headers.get("x-venturi-redactions")).toBe("EMAIL=3, PHONE=1");
      expect(response.headers.get("server-timing")).toContain("privacy;dur=");
      expect(await contentOf(response)).toBe(TEXT);
      expect(lastText(upstream.requests[0]!)).toBe(
        "Write to [EMAIL_1] or [EMAIL_2], not to [EMAIL_1]; call [PHONE_1].",
      );
      await gateway.idle();
      expect(gateway.kept.rows()[0]!.redactions).toEqual({ EMAIL: 3, PHONE: 1 });
    },
  );

  test("are explained to the model, unless the configuration is against it; what holds none goes out as it came", async () => {
    const upstream = await room.upstream(parrot);
    const noted = room.gateway(config(upstream.base_url, "privacy: { mode: redact }"));
    const silent = room.gateway(
      config(upstream.base_url, "privacy: { mode: redact }", "privacy: { note: false }"),
    );
    const system = { role: "system", content: "Be brief." };
    const user = { role: "user", content: TEXT };
    await noted.chat({ messages: [system, user] });
    await noted.chat({ messages: [user] });
    await silent.chat({ messages: [system, user] });
    await noted.chat({ messages: [system, { role: "user", content: "Hello" }] });
    const roles = upstream.requests.map((request) => {
      const { messages } = request.json() as { messages: { role: string; content: string }[] };
      return messages
        .map(({ role, content }) => `${role}${content.includes("placeholders") ? "!" : ""}`)
        .join();
    });
    expect(roles).toEqual(["system!,user", "system!,user", "system,user", "system,user"]);
    expect(upstream.requests[3]!.text()).toContain('{"role":"system","content":"Be brief."}');
  });

  test("of a conversation keep their placeholders through its turns", async () => {
    const upstream = await room.upstream(parrot);
    const gateway = room.gateway(config(upstream.base_url, "privacy: { mode: redact }"));
    const messages = [
      { role: "user", content: "I am jo.doe@example.com" },
      { role: "assistant", content: "Hello jo.doe@example.com" },
      { role: "user", content: "And ann@example.org is my boss; am I jo.doe@example.com?" },
    ];
    await gateway.chat({ messages });
    expect(lastText(upstream.requests[0]!)).toBe("And [EMAIL_2] is my boss; am I [EMAIL_1]?");
  });

  test("of a conversation that has a name are known in its next call, which does not send them again", async () => {
    const upstream = await room.upstream((request, reply) => {
      const answer = lastText(request).includes("again") ? "It was [EMAIL_1], not [EMAIL_2]." : "Noted.";
      return reply.json(200, chatCompletion(answer));
    });
    const gateway = room.gateway(config(upstream.base_url, "privacy: { mode: redact }"));
    const ask = async (text: string, session: string) =>
      contentOf(await gateway.chat(said(text), { headers: { "x-venturi-session": session } }));
    expect(await ask("My address is jo.doe@example.com.", "s1")).toBe("Noted.");
    expect(await ask("And ann@example.org again?", "s1")).toBe(
      "It was jo.doe@example.com, not ann@example.org.",
    );
    expect(lastText(upstream.requests[1]!)).toBe("And [EMAIL_2] again?");
    // Nobody else's conversation has them, and no file holds them in clear.
    expect(await ask("And again?", "s2")).toBe("It was [EMAIL_1], not [EMAIL_2].");
    expect(filesHolding(gateway.kept.folder, ["jo.doe", "ann@example"])).toEqual([]);
  });

  test("are kept nowhere: two callers share the answer, and each gets its own values", async () => {
    const upstream = await room.upstream(parrot);
    const gateway = room.gateway(
      config(upstream.base_url, "privacy: { mode: redact }, cache: { exact: { ttl_s: 60 } }"),
    );
    const ask = async (address: string, extra: Record<string, unknown> = {}) => {
      const response = await gateway.chat(said(`I am ${address}.`, extra));
      return [response.headers.get("x-venturi-cache"), await contentOf(response)];
    };
    expect(await ask("jo@example.com")).toEqual(["miss", "I am jo@example.com."]);
    await gateway.idle();
    let answer = await ask("ann@example.org");
    while (answer[0] !== "hit") answer = await ask("ann@example.org");
    expect(answer[1]).toBe("I am ann@example.org.");
    expect(await ask("bob@example.net")).toEqual(["hit", "I am bob@example.net."]);
    expect(await ask("eve@example.net", { stream: true })).toEqual(["hit", "I am eve@example.net."]);
    // What the store holds has no value in it.
    await gateway.idle();
    expect(filesHolding(gateway.kept.folder, ["jo@example", "ann@example", "bob@example"])).toEqual([]);
  });

  test("of callers who share a stream come back to each of them", async () => {
    const gate = Promise.withResolvers<void>();
    let asked = 0;
    const upstream = await room.upstream(async (request, reply) => {
      asked += 1;
      await gate.promise;
      await parrot(request, reply);
    });
    const gateway = room.gateway(
      config(upstream.base_url, "privacy: { mode: redact }, cache: { exact: { ttl_s: 60 } }"),
    );
    const addresses = Array.from({ length: 20 }, (_, index) => `user${index}@example.com`);
    const calls = addresses.map((address) => gateway.chat(said(`I am ${address}.`, { stream: true })));
    while (gateway.gateway.calls.size < 20) await Bun.sleep(1);
    gate.resolve();
    const contents = await Promise.all((await Promise.all(calls)).map(contentOf));
    expect(contents).toEqual(addresses.map((address) => `I am ${address}.`));
    expect(asked).toBe(1);
  });
});

describe("a mode", () => {
  test("of audit changes nothing and counts; of mask does not restore; of block refuses", async () => {
    const upstream = await room.upstream(parrot);
    const audit = room.gateway(config(upstream.base_url, "privacy: { mode: audit }"));
    const counted = await audit.chat(said(TEXT));
    expect(counted.headers.get("x-venturi-redactions")).toBe("EMAIL=3, PHONE=1");
    expect(lastText(upstream.requests[0]!)).toBe(TEXT);

    const mask = room.gateway(config(upstream.base_url, "privacy: { mode: mask }"));
    const masked = await contentOf(await mask.chat(said(TEXT)));
    expect(masked).not.toContain("example");
    expect(lastText(upstream.requests[1]!)).toBe(masked);

    const block = room.gateway(config(upstream.base_url, "privacy: { mode: block }"));
    const refused = await block.chat(said(TEXT));
    expect(refused.status).toBe(400);
    const error = errorOf(await refused.text());
    expect(error).toMatchObject({ type: "invalid_request_error", code: "content_blocked" });
    expect((await block.chat(said("Hello"))).status).toBe(200);
    expect(upstream.requests.length).toBe(3);
  });

  test("of a key holds for every model, and the stricter of the two counts", async () => {
    const upstream = await room.upstream(parrot);
    const keys = `keys:
- { name: free, key: key-free }
- { name: strict, key: key-strict, privacy: block }`;
    const gateway = room.gateway(config(upstream.base_url, "privacy: { mode: audit }", keys));
    const ask = (key: string, model: string) =>
      gateway.chat(said(TEXT, { model }), { headers: { authorization: `Bearer ${key}` } });
    expect((await ask("key-free", "chat")).status).toBe(200);
    expect((await ask("key-free", "up/gpt")).status).toBe(200);
    expect((await ask("key-strict", "chat")).status).toBe(400);
    expect((await ask("key-strict", "up/gpt")).status).toBe(400);
  });

  test("lets nothing out that cannot be looked through", async () => {
    const upstream = await room.upstream((_request, reply) => reply.json(200, {}));
    const gateway = room.gateway(config(upstream.base_url, "privacy: { mode: redact }"));
    const image = await gateway.fetch("/v1/images/generations", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "chat", prompt: TEXT }),
    });
    expect(image.status).toBe(400);
    expect(errorOf(await image.text()).code).toBe("content_blocked");
    expect(upstream.requests.length).toBe(0);
  });

  test("looks for what it is told to, and for kinds of the configuration's own", async () => {
    const upstream = await room.upstream(parrot);
    const gateway = room.gateway(
      config(
        upstream.base_url,
        "privacy: { mode: redact, entities: [PHONE, STAFF_NUMBER] }",
        "privacy: { custom: [{ name: STAFF_NUMBER, pattern: 'ACME-[0-9]{6}' }] }",
      ),
    );
    const text = "ACME-123456 is ann@example.org, +49 30 901820.";
    expect(await contentOf(await gateway.chat(said(text)))).toBe(text);
    expect(lastText(upstream.requests[0]!)).toBe("[STAFF_NUMBER_1] is ann@example.org, [PHONE_1].");
  });
});

describe("names", () => {
  const NAMED = "Please tell Barbara Johnson from Chicago that Jo wrote from jo.doe@example.com.";
  const names = (rest = "") => `privacy: { mode: redact, entities: [EMAIL, PERSON, LOCATION] ${rest} }`;

  /** The inference process' work, done in the test's own. */
  function serveNames(gateway: TestGateway) {
    const inference = startInference({
      config: {
        data: gateway.kept.folder,
        embedders: [],
        names: ["builtin"],
        max_entries: 1_000,
        threads: 1,
      },
      is_distrusted: false,
      makeEmbedder: embedderMaker(loadBuiltinEmbedder),
      loadNer: loadBuiltinNer,
      onDamage: () => {},
      log: () => {},
    });
    if ("fault" in inference) throw new Error(inference.fault);
    room.after(() => inference.stop(100));
  }

  test("of people and places leave as placeholders too, and come back", async () => {
    const upstream = await room.upstream(parrot);
    const gateway = room.gateway(config(upstream.base_url, names(), "privacy: { names_budget_ms: 10000 }"));
    serveNames(gateway);
    const response = await gateway.chat(said(NAMED));
    expect(await contentOf(response)).toBe(NAMED);
    const sent = lastText(upstream.requests[0]!);
    expect(sent).toContain("[PERSON_1] from [LOCATION_1]");
    expect(sent).toContain("[EMAIL_1]");
    for (const value of ["Barbara", "Johnson", "Chicago", "jo.doe"]) expect(sent).not.toContain(value);
  });

  test("that cannot be looked for let nothing out, or what the configuration says", async () => {
    const upstream = await room.upstream(parrot);
    const ask = async (rest: string) => {
      const gateway = room.gateway(
        config(upstream.base_url, names(rest), "privacy: { names_budget_ms: 50 }"),
      );
      return gateway.chat(said(NAMED));
    };
    const refused = await ask("");
    expect(refused.status).toBe(400);
    expect(errorOf(await refused.text()).code).toBe("content_blocked");
    expect(upstream.requests.length).toBe(0);
    expect(await contentOf(await ask(", on_failure: recognisers-only"))).toBe(NAMED);
    expect(lastText(upstream.requests[0]!)).toBe(NAMED.replace("jo.doe@example.com", "[EMAIL_1]"));
    expect(await contentOf(await ask(", on_failure: pass"))).toBe(NAMED);
    expect(lastText(upstream.requests[1]!)).toBe(NAMED);
  });
});

/** The files below a folder that hold one of some texts. */
function filesHolding(folder: string, texts: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = readFileSync(path);
      return texts.some((text) => bytes.includes(text));
    });
}

test("200 planted values reach no provider, no file, no row and no metric, whatever becomes of the calls", async () => {
  const values = Array.from({ length: 200 }, (_, index) =>
    index % 2 === 0 ? `marker${index}@planted.example` : `+49 30 90${String(1_000 + index)}55`,
  );
  let calls = 0;
  const upstream = await room.upstream(async (request, reply) => {
    calls += 1;
    // Answers, errors, broken streams and rubbish in turn.
    if (calls % 5 === 1) return reply.json(500, { error: { message: request.text(), type: "server_error" } });
    if (calls % 5 === 2) return reply.json(200, { odd: request.text() });
    if (calls % 5 === 3 && request.path.endsWith("/chat/completions")) {
      await reply.sse(chatChunks("one")[1]);
      return reply.destroy();
    }
    if (!request.path.endsWith("/chat/completions")) return reply.json(200, { data: [] });
    return parrot(request, reply);
  });
  const gateway: TestGateway = room.gateway(
    config(upstream.base_url, "privacy: { mode: redact }, cache: { exact: { ttl_s: 60, stale_s: 60 } }"),
  );
  const post = async (path: string, body: object) => {
    const response = await gateway.fetch(path, {
      method: "POST",
      body: JSON.stringify({ model: "chat", ...body }),
    });
    await response.text().catch(() => {});
  };
  for (let at = 0; at < values.length; at += 10) {
    const some = values.slice(at, at + 10);
    // Without it, all rounds would be one request once their values are out.
    const all = `Round ${"abcdefghijklmnopqrst"[at / 10]}: ${some.join(" and ")}`;
    await post("/v1/chat/completions", {
      messages: [
        { role: "system", content: `Know ${some[0]}` },
        { role: "user", content: [{ type: "text", text: `I am ${some[1]}` }] },
        {
          role: "assistant",
          tool_calls: [
            { id: "c", type: "function", function: { name: "f", arguments: JSON.stringify({ a: some[2] }) } },
          ],
        },
        { role: "tool", tool_call_id: "c", content: JSON.stringify({ found: [some[3], { deep: some[4] }] }) },
        { role: "user", content: `${all}?` },
      ],
      tools: [{ type: "function", function: { name: "f", description: `Asks ${some[5]}`, parameters: {} } }],
      metadata: { who: some[6] },
      user: some[7],
      stream: at % 20 === 0,
    });
    await post("/v1/completions", { prompt: [all, `${some[8]}`], suffix: some[9] });
    await post("/v1/embeddings", { input: [...some, all] });
    await post("/v1/moderations", { input: all });
  }
  await gateway.idle();
  expect(upstream.requests.length).toBeGreaterThan(60);
  for (const request of upstream.requests) {
    for (const value of values) expect(request.text()).not.toContain(value);
  }
  expect(filesHolding(gateway.kept.folder, values)).toEqual([]);
  const rows = JSON.stringify(gateway.kept.rows());
  const metrics = await (await gateway.fetch("/metrics")).text();
  const told = [rows, metrics, gateway.kept.said.join("\n")].join("\n");
  for (const value of values) expect(told).not.toContain(value);
});
