// Guards that are asked over the network, for requests and for answers, as a client, the guard and the ledger see it.

import { describe, expect, test } from "vitest";
import {
  chatChunks,
  chatCompletion,
  type Reply,
  type Script,
  type ScriptedUpstream,
  type SeenRequest,
} from "../scripted_upstream.ts";
import { errorOf, rig } from "./harness.ts";

const room = rig();

/** What a webhook is asked. */
interface Asked {
  readonly version: number;
  readonly stage: string;
  readonly model: string;
  readonly tenant: string;
  readonly key: string;
  readonly request_id: string;
  readonly texts: readonly { readonly source: string; readonly text: string; readonly given?: number }[];
}

/** A webhook that answers by what it is asked. */
function judging(answer: (asked: Asked) => unknown): Script {
  return (request, reply) => reply.json(200, answer(request.json() as Asked));
}

/** Blocks, or takes out, what matches. */
function finds(pattern: RegExp, action: "block" | "redact" | "flag"): Script {
  return judging(({ texts }) => {
    const spans = texts.flatMap(({ text }, index) => {
      let start = 0;
      let from = 0;
      return Array.from(text.matchAll(new RegExp(pattern, "gu")), ({ 0: found, index: at }) => {
        start += [...text.slice(from, at)].length;
        from = at;
        return { text: index, start, end: start + [...found].length, replacement: "[gone]" };
      });
    });
    return spans.length === 0 ? { action: "allow" } : { action, reason: "it is about falcons", spans };
  });
}

const questions = (hook: ScriptedUpstream) => hook.requests.map((request) => request.json() as Asked);

/** A moderation endpoint that finds a category where a text has its name in it. */
const moderating: Script = (request, reply) => {
  const { input } = request.json() as { input: string[] };
  const results = input.map((text) => {
    const flagged = { hate: text.includes("hate"), violence: text.includes("violence") };
    const scores = { hate: flagged.hate ? 0.9 : 0.01, violence: flagged.violence ? 0.6 : 0.01 };
    return { flagged: flagged.hate || flagged.violence, categories: flagged, category_scores: scores };
  });
  return reply.json(200, { id: "modr-1", model: "omni-moderation-latest", results });
};

/** Says one text, plain or a few letters at a time. */
function says(text: string, size = 3): Script {
  return async (request, reply) => {
    const { stream } = request.json() as { stream?: boolean };
    if (!stream) return reply.json(200, chatCompletion(text));
    const [opening, piece, ...rest] = chatChunks("x");
    await reply.sse(opening);
    for (const content of text.match(new RegExp(`.{1,${size}}`, "gsu")) ?? []) {
      await reply.sse({ ...piece, choices: [{ index: 0, delta: { content }, finish_reason: null }] });
    }
    for (const chunk of rest) await reply.sse(chunk);
    await reply.sse("[DONE]");
  };
}

interface Setup {
  /** What the model says. */
  readonly model?: Script;
  readonly hook: Script | readonly Script[];
  readonly stage: "input" | "output";
  /** More of each webhook, and of the model. */
  readonly guard?: string;
  readonly rest?: string;
  readonly more?: string;
}

async function setUp({ model = says("All is well."), hook, stage, guard = "", rest = "", more = "" }: Setup) {
  const upstream = await room.upstream(model);
  const hooks = await Promise.all([hook].flat().map((script) => room.upstream(script)));
  const guards = hooks.map(
    ({ base_url }, index) =>
      `{ guard: webhook, url: "${base_url}/judge?v=1", headers: { authorization: "Bearer hook-secret" }, ${
        hooks.length > 1 ? `name: hook${index},` : ""
      } ${guard} }`,
  );
  const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [up-secret] } }
models: { chat: { targets: [up/gpt], retries: { attempts: 0 }, ${rest} guards: { ${stage}: [${guards.join(", ")}] } } }
${more}`);
  return { upstream, hooks, hook: hooks[0]!, gateway };
}

function said(content: string, extra: Record<string, unknown> = {}) {
  return { messages: [{ role: "user", content }], ...extra };
}

/** The text of an answer, and the error that it ends with. */
async function readAnswer(
  response: Response,
): Promise<{ content: string; code: string | null; text: string }> {
  const text = await response.text();
  if (text.startsWith("{")) {
    const { choices, error } = JSON.parse(text);
    return { content: choices?.[0].message.content ?? "", code: error?.code ?? null, text };
  }
  const events = text
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)));
  return {
    content: events.map(({ choices }) => choices?.[0]?.delta?.content ?? "").join(""),
    code: events.at(-1)?.error?.code ?? null,
    text,
  };
}

describe("a webhook that judges requests", () => {
  test("is told whose call it is and what is said by whom, and lets it pass", async () => {
    const { gateway, hook, upstream } = await setUp({
      hook: judging(() => ({ action: "allow" })),
      stage: "input",
    });
    const messages = [
      { role: "system", content: "You are Nora." },
      { role: "user", content: "Hello 😀" },
    ];
    const response = await gateway.chat({ messages }, { headers: { "x-request-id": "mine-1" } });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-venturi-guards")).toBeNull();
    expect(response.headers.get("server-timing")).toMatch(/guards;dur=/);
    const [asked] = hook.requests;
    expect(asked!.path).toBe("/v1/judge?v=1");
    expect(asked!.headers.get("authorization")).toBe("Bearer hook-secret");
    expect(asked!.headers.get("content-type")).toBe("application/json");
    expect(asked!.json()).toEqual({
      version: 1,
      stage: "input",
      model: "chat",
      tenant: "default",
      key: "anonymous",
      request_id: "mine-1",
      texts: [
        { source: "system", text: "You are Nora." },
        { source: "user", text: "Hello 😀" },
      ],
    });
    expect(upstream.requests).toHaveLength(1);
    await gateway.idle();
    expect(gateway.kept.rows()[0]!.guards).toEqual({});
  });

  test("flags", async () => {
    const { gateway } = await setUp({ hook: finds(/falcon/, "flag"), stage: "input" });
    const response = await gateway.chat(said("a falcon"));
    expect(response.status).toBe(200);
    expect(response.headers.get("x-venturi-guards")).toBe("webhook=flag");
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ guards: { webhook: "flag" } });
  });

  test("blocks, with its reason, and nobody else hears of the call", async () => {
    const { gateway, upstream } = await setUp({ hook: finds(/falcon/, "block"), stage: "input" });
    const response = await gateway.chat(said("a falcon"));
    expect(response.status).toBe(400);
    expect(response.headers.get("x-venturi-guards")).toBe("webhook=block");
    const { code, message } = errorOf(await response.text());
    expect(code).toBe("content_blocked");
    expect(message).toContain("it is about falcons (webhook)");
    expect(upstream.requests).toHaveLength(0);
    await gateway.idle();
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({ error: "content_blocked", guards: { webhook: "block" } });
    expect(JSON.stringify(row)).not.toContain("falcon");
  });

  test("takes out parts, in code points, of every text that has them", async () => {
    const { gateway, upstream } = await setUp({ hook: finds(/falcon/, "redact"), stage: "input" });
    const messages = [
      { role: "user", content: "😀😀 a falcon 😀 and a falcon." },
      { role: "assistant", content: "No." },
      { role: "user", content: [{ type: "text", text: "falcon" }] },
    ];
    const response = await gateway.chat({ messages });
    expect(response.headers.get("x-venturi-guards")).toBe("webhook=redact");
    const sent = upstream.requests[0]!.json() as { messages: { content: unknown }[] };
    expect(sent.messages.map(({ content }) => content)).toEqual([
      "😀😀 a [gone] 😀 and a [gone].",
      "No.",
      [{ type: "text", text: "[gone]" }],
    ]);
  });

  test("is not told personal data that is redacted, and the client gets its values all the same", async () => {
    const { gateway, hook } = await setUp({
      hook: judging(() => ({ action: "allow" })),
      stage: "input",
      rest: "privacy: { mode: redact },",
      model: (request, reply) => {
        const { messages } = request.json() as { messages: { content: string }[] };
        return reply.json(200, chatCompletion(messages.at(-1)!.content));
      },
    });
    const response = await gateway.chat(said("I am jo@mine.test."));
    expect((await readAnswer(response)).content).toBe("I am jo@mine.test.");
    const asked = hook.requests[0]!.text();
    expect(asked).not.toContain("jo@mine.test");
    expect(asked).toContain("I am [EMAIL_1].");
  });

  test.each(["allow", "flag"])("with the action %s never does more than that", async (action) => {
    const { gateway } = await setUp({
      hook: finds(/falcon/, "block"),
      stage: "input",
      guard: `action: ${action}`,
    });
    const response = await gateway.chat(said("a falcon"));
    expect(response.status).toBe(200);
    expect(response.headers.get("x-venturi-guards")).toBe(action === "allow" ? null : "webhook=flag");
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ guards: { webhook: action } });
  });

  test("sees what the guards within the process left", async () => {
    const { gateway, hook, upstream } = await setUp({
      hook: judging(() => ({ action: "allow" })),
      stage: "input",
    });
    void upstream;
    const both = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], guards: { input: [{ guard: webhook, url: "${hook.base_url}" },
  { guard: denied_words, words: [falcon], action: redact }] } } }`);
    void gateway;
    expect((await both.chat(said("a falcon"))).status).toBe(200);
    expect(questions(hook)[0]!.texts[0]!.text).toBe("a [removed]");
  });
});

const FAILURES: readonly (readonly [string, Script, string])[] = [
  ["answers 500", (_, reply) => reply.json(500, { action: "allow" }), "status 500"],
  ["redirects", (_, reply) => reply.json(302, {}, { location: "http://127.0.0.1:1/" }), "status 302"],
  ["answers what is no JSON", (_, reply) => raw(reply, "nonsense"), "no JSON"],
  ["answers a list", (_, reply) => reply.json(200, []), "no JSON object"],
  ["answers an unknown action", judging(() => ({ action: "maybe" })), "'action' must be"],
  ["answers a reason that is none", judging(() => ({ action: "flag", reason: 7 })), "'reason' must be"],
  ["redacts nothing", judging(() => ({ action: "redact" })), "'spans' must be"],
  [
    "redacts a text that is not there",
    judging(() => ({ action: "redact", spans: [{ text: 3, start: 0, end: 1 }] })),
    "'spans[0].text' must be",
  ],
  [
    "redacts behind the end",
    judging(() => ({ action: "redact", spans: [{ text: 0, start: 0, end: 1_000 }] })),
    "'spans[0].end' must be",
  ],
  ["answers too much", (_, reply) => raw(reply, `{"action":"allow"${" ".repeat(2_000_000)}}`), "more than"],
  ["breaks off", (_, reply) => reply.destroy(), "could not be reached"],
  ["takes too long", (_, reply) => reply.never(), "within 150 ms"],
];

async function raw(reply: Reply, text: string): Promise<void> {
  await reply.head(200, { "content-type": "application/json" });
  await reply.chunk(text);
  await reply.end();
}

describe.each(FAILURES)("a webhook that %s", (_, hook, why) => {
  const time = `timeout_ms: ${why.includes("150 ms") ? 150 : 10_000}`;

  test("blocks the request by default, and the ledger says why", async () => {
    const { gateway, upstream } = await setUp({ hook, stage: "input", guard: time });
    const response = await gateway.chat(said("Hello"));
    expect(response.status).toBe(400);
    expect(response.headers.get("x-venturi-guards")).toBe("webhook_failed=block");
    const { code, message } = errorOf(await response.text());
    expect(code).toBe("content_blocked");
    expect(message).toContain(why);
    expect(message).not.toMatch(/secret|127\.0\.0\.1/);
    expect(upstream.requests).toHaveLength(0);
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ guards: { webhook_failed: "block" } });
  });

  test("lets it pass where that is said", async () => {
    const guard = `${time}, on_failure: flag`;
    const { gateway } = await setUp({ hook, stage: "input", guard });
    const response = await gateway.chat(said("Hello"));
    expect(response.status).toBe(200);
    expect(response.headers.get("x-venturi-guards")).toBe("webhook_failed=flag");
    await gateway.chat(said("Hello"));
    const told = gateway.kept.said.filter((line) => line.includes("the guard webhook of chat failed"));
    expect(told).toEqual([expect.stringContaining(why)]);
  });

  test.each([false, true])("blocks an answer (streamed: %s) by default", async (stream) => {
    const { gateway } = await setUp({ hook, stage: "output", guard: time });
    const { content, code } = await readAnswer(await gateway.chat(said("Hello", { stream })));
    expect([content, code]).toEqual(["", "content_blocked"]);
    await gateway.idle();
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({ error: "content_blocked", guards: { webhook_failed: "block" } });
    expect(row!.usage.output_tokens).toBeGreaterThan(0);
  });

  test.each([false, true])("lets an answer (streamed: %s) pass where that is said", async (stream) => {
    const guard = `${time}, on_failure: allow`;
    const { gateway } = await setUp({ hook, stage: "output", guard });
    const { content, code } = await readAnswer(await gateway.chat(said("Hello", { stream })));
    expect([content, code]).toEqual(["All is well.", null]);
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ error: null, guards: { webhook_failed: "allow" } });
  });
});

test("a guard that only tells does not refuse when it cannot be asked", async () => {
  const { gateway } = await setUp({
    hook: (_, reply) => reply.destroy(),
    stage: "input",
    guard: "action: flag",
  });
  const response = await gateway.chat(said("Hello"));
  expect(response.status).toBe(200);
  expect(response.headers.get("x-venturi-guards")).toBe("webhook_failed=flag");
});

describe("several guards", () => {
  test("are asked at once", async () => {
    let waiting = 0;
    const all = Promise.withResolvers<void>();
    const hook: Script = async (_, reply) => {
      if (++waiting === 3) all.resolve();
      await all.promise;
      await reply.json(200, { action: "allow" });
    };
    const { gateway } = await setUp({ hook: [hook, hook, hook], stage: "input", guard: "timeout_ms: 8000" });
    expect((await gateway.chat(said("Hello"))).status).toBe(200);
  });

  test("have the first that blocks decide, and the others are let go", async () => {
    const aborted = Promise.withResolvers<void>();
    const slow: Script = (request, reply) => {
      void request.aborted.then(aborted.resolve);
      return reply.never();
    };
    const { gateway } = await setUp({
      hook: [slow, finds(/falcon/, "block")],
      stage: "input",
      guard: "timeout_ms: 8000",
    });
    const response = await gateway.chat(said("a falcon"));
    expect(response.headers.get("x-venturi-guards")).toBe("hook1=block");
    await aborted.promise;
  });

  test("all take out what they find", async () => {
    const { gateway, upstream } = await setUp({
      hook: [finds(/red falcon/, "redact"), finds(/falcon|hawk/, "redact")],
      stage: "input",
    });
    const response = await gateway.chat(said("a red falcon, a hawk and a falcon"));
    expect(response.headers.get("x-venturi-guards")?.split(", ").sort()).toEqual([
      "hook0=redact",
      "hook1=redact",
    ]);
    const sent = upstream.requests[0]!.json() as { messages: { content: string }[] };
    expect(sent.messages[0]!.content).toBe("a [gone], a [gone] and a [gone]");
  });
});

describe.each(["input", "output"] as const)("a call under a slow guard (%s)", (stage) => {
  async function asking() {
    const begun = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const setup = await setUp({
      hook: (request, reply) => {
        begun.resolve();
        void request.aborted.then(aborted.resolve);
        return reply.never();
      },
      stage,
      guard: "timeout_ms: 60000",
      more: "",
    });
    return { ...setup, begun: begun.promise, aborted: aborted.promise };
  }

  test.each([false, true])("whose client is gone asks no more (streamed: %s)", async (stream) => {
    const { gateway, begun, aborted } = await asking();
    const leaving = new AbortController();
    const call = gateway.chat(said("Hello", { stream }), { signal: leaving.signal });
    const read = call.then((response) => response.text()).catch(() => "gone");
    await begun;
    leaving.abort();
    expect(await read).toBe("gone");
    await aborted;
    await gateway.idle();
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({ status: 499, error: "client_closed" });
    if (stage === "output") expect(row!.usage.output_tokens).toBeGreaterThan(0);
  });

  test("whose time is over is told so", async () => {
    const { gateway, hook, aborted } = await asking();
    const response = await gateway.chat(said("Hello"), { headers: { "x-venturi-deadline-ms": "1000" } });
    expect(response.status).toBe(504);
    expect(errorOf(await response.text()).code).toBe("deadline_exceeded");
    // On a busy machine, time may be over before anybody is asked.
    if (hook.requests.length > 0) await aborted;
    await gateway.idle();
    expect(gateway.kept.rows()).toHaveLength(1);
  });
});

describe("a provider's moderation", () => {
  async function moderated(
    guard: string,
    stage = "input",
    model: Script = says("All is well."),
    script = moderating,
  ) {
    const upstream = await room.upstream(model);
    const provider = await room.upstream(script);
    const gateway = room.gateway(`
providers:
  up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] }
  openai: { kind: openai, base_url: "${provider.base_url}", api_keys: [mod-1, mod-2] }
models: { chat: { targets: [up/gpt], guards: { ${stage}: [${guard}] } } }`);
    return { gateway, upstream, provider };
  }

  test("blocks by its name alone, by what people and tools say", async () => {
    const { gateway, provider, upstream } = await moderated("moderation");
    const messages = [
      { role: "system", content: "Never hate." },
      { role: "user", content: "Hello" },
      { role: "assistant", content: "hate?" },
      { role: "user", content: "Fine." },
    ];
    expect((await gateway.chat({ messages })).status).toBe(200);
    const [asked] = provider.requests;
    expect(asked!.path).toBe("/v1/moderations");
    expect(asked!.json()).toEqual({ model: "omni-moderation-latest", input: ["Hello", "Fine."] });
    expect(asked!.headers.get("authorization")).toBe("Bearer mod-1");
    const response = await gateway.chat(said("I hate you"));
    expect(response.status).toBe(400);
    expect(response.headers.get("x-venturi-guards")).toBe("moderation=block");
    const { code, message } = errorOf(await response.text());
    expect(code).toBe("content_blocked");
    expect(message).toContain("it has hate (moderation)");
    expect(upstream.requests).toHaveLength(1);
  });

  test.each([
    ["categories: [hate]", "I hate violence", "block"],
    ["categories: [hate]", "violence", null],
    ["thresholds: { violence: 0.7 }", "violence", null],
    ["thresholds: { violence: 0.5 }", "violence", "block"],
    ["thresholds: { violence: 0.7 }", "hate", "block"],
    ["action: flag", "hate", "flag"],
  ])("acts by its settings (%s on %s: %s)", async (settings, text, action) => {
    const { gateway } = await moderated(`{ guard: moderation, ${settings} }`);
    const response = await gateway.chat(said(text));
    expect(response.status).toBe(action === "block" ? 400 : 200);
    expect(response.headers.get("x-venturi-guards")).toBe(action === null ? null : `moderation=${action}`);
  });

  test.each([
    ["{ guard: moderation, categories: [hats] }", moderating, "categories.hats' must be"],
    ["{ guard: moderation, thresholds: { hats: 0.4 } }", moderating, "category_scores.hats' must be"],
    [
      "moderation",
      (_: SeenRequest, reply: Reply) => reply.json(200, { results: [] }),
      "'results' must have 1",
    ],
    [
      "moderation",
      (_: SeenRequest, reply: Reply) => reply.json(200, { results: [{}] }),
      "categories' must be",
    ],
    ["moderation", (_: SeenRequest, reply: Reply) => reply.json(401, {}), "status 401"],
  ])("that is not understood fails (%s)", async (guard, script, why) => {
    const { gateway } = await moderated(guard, "input", undefined, script as Script);
    const response = await gateway.chat(said("Hello"));
    expect(response.headers.get("x-venturi-guards")).toBe("moderation_failed=block");
    expect(errorOf(await response.text()).message).toContain(why);
  });

  test("takes another key after one was refused", async () => {
    const { gateway, provider } = await moderated("moderation", "input", undefined, (request, reply) =>
      request.headers.get("authorization") === "Bearer mod-1"
        ? reply.json(401, {})
        : moderating(request, reply),
    );
    expect((await gateway.chat(said("Hello"))).status).toBe(400);
    for (let round = 0; round < 3; round++) expect((await gateway.chat(said("Hello"))).status).toBe(200);
    expect(provider.requests.map(({ headers }) => headers.get("authorization"))).toEqual([
      "Bearer mod-1",
      ...Array.from({ length: 3 }, () => "Bearer mod-2"),
    ]);
  });

  test("judges long texts in pieces, and finds what lies across two", async () => {
    const { gateway, provider } = await moderated("moderation");
    const long = `${"word ".repeat(1_599)}and hate${" word".repeat(60_000)}`;
    expect((await gateway.chat(said(long))).status).toBe(400);
    const sizes = provider.requests.flatMap((request) =>
      (request.json() as { input: string[] }).input.map((text) => text.length),
    );
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8_000);
  });

  test.each([false, true])("judges answers (streamed: %s)", async (stream) => {
    const { gateway } = await moderated("moderation", "output", says(`${"Well. ".repeat(200)}I hate you.`));
    const { content, code } = await readAnswer(await gateway.chat(said("Hello", { stream })));
    expect(code).toBe("content_blocked");
    expect(content).not.toContain("hate");
    if (stream) expect(content.length).toBeGreaterThan(0);
  });
});

describe.each([false, true])("a webhook that judges answers (streamed: %s)", (stream) => {
  const long = `${"One two three four five. ".repeat(40)}Then a falcon came. ${"And more of it. ".repeat(40)}`;

  test("lets them pass as they came", async () => {
    const { gateway, hook } = await setUp({
      hook: judging(() => ({ action: "allow" })),
      stage: "output",
      model: says(long),
    });
    const { content, code, text } = await readAnswer(await gateway.chat(said("Hello", { stream })));
    expect([content, code]).toEqual([long, null]);
    if (stream) expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    for (const { stage, model, texts } of questions(hook)) {
      expect([stage, model, texts[0]!.source]).toEqual(["output", "chat", "assistant"]);
    }
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ status: 200, error: null, guards: {} });
  });

  test("takes out parts", async () => {
    const { gateway } = await setUp({
      hook: finds(/a falcon/, "redact"),
      stage: "output",
      model: says(long),
    });
    const { content, code } = await readAnswer(await gateway.chat(said("Hello", { stream })));
    expect([content, code]).toEqual([long.replace("a falcon", "[gone]"), null]);
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ guards: { webhook: "redact" } });
  });

  test("blocks them, and they are paid for", async () => {
    const { gateway } = await setUp({ hook: finds(/falcon/, "block"), stage: "output", model: says(long) });
    const response = await gateway.chat(said("Hello", { stream }));
    expect(response.status).toBe(stream ? 200 : 400);
    const { content, code, text } = await readAnswer(response);
    expect(code).toBe("content_blocked");
    expect(text).toContain("it is about falcons (webhook)");
    expect(content).not.toContain("falcon");
    expect(long.startsWith(content)).toBe(true);
    await gateway.idle();
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({ error: "content_blocked", guards: { webhook: "block" } });
    expect(row!.usage.output_tokens).toBeGreaterThan(0);
  });

  test("is not told values of the request, which come back behind it", async () => {
    const { gateway, hook } = await setUp({
      hook: finds(/falcon/, "redact"),
      stage: "output",
      rest: "privacy: { mode: redact },",
      model: says("Write to [EMAIL_1], falcon, not to [EMAIL_2]."),
    });
    const { content } = await readAnswer(await gateway.chat(said("I am jo@mine.test.", { stream })));
    expect(content).toBe("Write to jo@mine.test, [gone], not to [EMAIL_2].");
    expect(hook.requests.map((request) => request.text()).join()).not.toContain("jo@mine.test");
  });

  test("is told what the guards within the process left", async () => {
    const { gateway, upstream, hook } = await setUp({
      hook: finds(/falcon/, "redact"),
      stage: "output",
      model: says(long),
    });
    void gateway;
    const both = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], guards: { output: [{ guard: webhook, url: "${hook.base_url}" },
  { guard: denied_words, words: [falcon], action: redact }] } } }`);
    const { content } = await readAnswer(await both.chat(said("Hello", { stream })));
    expect(content).toBe(long.replace("falcon", "[removed]"));
    expect(hook.requests.map((request) => request.text()).join()).not.toContain("falcon");
  });

  test("judges kept answers each time that they are given", async () => {
    const { gateway, upstream, hook } = await setUp({
      hook: finds(/a falcon/, "redact"),
      stage: "output",
      rest: "cache: { exact: { ttl_s: 60 } },",
      model: says(long),
    });
    // Until an answer is found where it is kept, it is found with the call that got it.
    for (const outcomes of [["miss"], ["hit", "joined"]]) {
      const response = await gateway.chat(said("Hello", { stream }));
      expect(outcomes).toContain(response.headers.get("x-venturi-cache"));
      expect((await readAnswer(response)).content).toBe(long.replace("a falcon", "[gone]"));
      await gateway.idle();
    }
    expect(upstream.requests).toHaveLength(1);
    const asked = hook.requests.length;
    hook.use(finds(/falcon/, "block"));
    const { content, code } = await readAnswer(await gateway.chat(said("Hello", { stream })));
    expect([content, code]).toEqual(["", "content_blocked"]);
    // What is there as a whole is judged as a whole.
    expect(hook.requests.length).toBe(asked + 1);
    expect(upstream.requests).toHaveLength(1);
  });

  test("judges those who wait for the same answer, each for itself", async () => {
    const gate = Promise.withResolvers<void>();
    const { gateway, upstream } = await setUp({
      hook: finds(/a falcon/, "redact"),
      stage: "output",
      rest: "cache: { exact: { ttl_s: 60 } },",
      model: async (request, reply) => {
        await gate.promise;
        await says(long)(request, reply);
      },
    });
    const calls = Array.from({ length: 4 }, () => gateway.chat(said("Hello", { stream })));
    while (gateway.gateway.calls.size < 4) await Bun.sleep(1);
    gate.resolve();
    const answers = await Promise.all((await Promise.all(calls)).map(readAnswer));
    for (const { content } of answers) expect(content).toBe(long.replace("a falcon", "[gone]"));
    expect(upstream.requests).toHaveLength(1);
  });

  test("judges reasoning, tool calls and all choices", async () => {
    const call = (args: string) => [
      { index: 0, id: "c", type: "function", function: { name: "f", arguments: args } },
    ];
    const { gateway, hook } = await setUp({
      hook: finds(/falcon/, "redact"),
      stage: "output",
      model: async (request, reply) => {
        const { stream } = request.json() as { stream?: boolean };
        if (!stream) {
          const message = {
            role: "assistant",
            content: "falcon 1",
            reasoning_content: "falcon 2",
            tool_calls: call('{"a":"falcon 3"}'),
          };
          const other = { role: "assistant", content: "falcon 4" };
          return reply.json(200, {
            ...chatCompletion("x"),
            choices: [
              { index: 0, message, finish_reason: "tool_calls" },
              { index: 1, message: other, finish_reason: "stop" },
            ],
          });
        }
        const [opening, piece, ...rest] = chatChunks("x");
        await reply.sse(opening);
        const say = (index: number, delta: unknown) =>
          reply.sse({ ...piece, choices: [{ index, delta, finish_reason: null }] });
        await say(0, { reasoning_content: "fal" });
        await say(1, { content: "falc" });
        await say(0, { reasoning_content: "con 2" });
        await say(0, { content: "falcon 1" });
        await say(1, { content: "on 4" });
        await say(0, { tool_calls: call('{"a":"fal') });
        await say(0, { tool_calls: [{ index: 0, function: { arguments: 'con 3"}' } }] });
        for (const chunk of rest) await reply.sse(chunk);
        await reply.sse("[DONE]");
      },
    });
    const text = await (await gateway.chat(said("Hello", { stream, n: 2 }))).text();
    expect(text).not.toContain("falcon");
    for (const nr of [1, 2, 3, 4]) expect(text).toContain(`${nr}`);
    expect(text.match(/\[gone\]/g)).toHaveLength(4);
    const asked = questions(hook).flatMap(({ texts }) => texts.map((one) => one.text));
    expect(asked.sort()).toEqual(["falcon 1", "falcon 2", "falcon 4", '{"a":"falcon 3"}'].sort());
  });
});

describe("a judged stream", () => {
  test("comes to its client while it flows, but for what is held", async () => {
    const gate = Promise.withResolvers<void>();
    const { gateway, hook } = await setUp({
      hook: judging(() => ({ action: "allow" })),
      stage: "output",
      model: async (_, reply) => {
        const [opening, piece, ...rest] = chatChunks("x");
        const say = (content: string) =>
          reply.sse({ ...piece, choices: [{ index: 0, delta: { content }, finish_reason: null }] });
        await reply.sse(opening);
        for (let nr = 0; nr < 10; nr++) await say(`${nr}`.repeat(60));
        await gate.promise;
        for (const chunk of rest) await reply.sse(chunk);
        await reply.sse("[DONE]");
      },
    });
    const response = await gateway.chat(said("Hello", { stream: true }));
    const reader = response.body!.getReader();
    let text = "";
    // All but the last hundred characters is there before the stream goes on.
    while (!text.includes("7777")) text += Buffer.from((await reader.read()).value ?? []).toString();
    expect(text).not.toContain("9999");
    gate.resolve();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      text += Buffer.from(value).toString();
    }
    expect(text).toContain("9999");
    expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    const windows = questions(hook).map(({ texts }) => texts[0]!);
    expect(windows[0]!.given).toBe(0);
    // Windows overlap: what has gone out is asked about again, and said to be so.
    for (const { given, text: asked } of windows) expect(given).toBeLessThan(asked.length);
  });

  test("is not held where guards only tell, and the ledger has what they found", async () => {
    const gate = Promise.withResolvers<void>();
    const { gateway } = await setUp({
      hook: async (request, reply) => {
        await gate.promise;
        await finds(/falcon/, "block")(request, reply);
      },
      stage: "output",
      guard: "action: flag, timeout_ms: 8000",
      model: says("a falcon, and more"),
    });
    const response = await gateway.chat(said("Hello", { stream: true }));
    const reader = response.body!.getReader();
    let text = "";
    while (!text.includes("[DONE]")) text += Buffer.from((await reader.read()).value ?? []).toString();
    gate.resolve();
    while (!(await reader.read()).done);
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ status: 200, error: null, guards: { webhook: "flag" } });
  });

  test("that is blocked ends upstream as well, in the middle", async () => {
    const aborted = Promise.withResolvers<void>();
    const { gateway } = await setUp({
      hook: finds(/falcon/, "block"),
      stage: "output",
      model: async (request, reply) => {
        void request.aborted.then(aborted.resolve);
        const [opening, piece] = chatChunks("x");
        await reply.sse(opening);
        for (const content of ["Well. ".repeat(100), "a falcon", " flew. ".repeat(100)]) {
          await reply.sse({ ...piece, choices: [{ index: 0, delta: { content }, finish_reason: null }] });
        }
        await reply.never();
      },
    });
    const { content, code } = await readAnswer(await gateway.chat(said("Hello", { stream: true })));
    expect(code).toBe("content_blocked");
    expect(content).not.toContain("falcon");
    await aborted.promise;
  });

  test("that its provider breaks off says so, without what was not judged", async () => {
    const { gateway } = await setUp({
      hook: judging(() => ({ action: "allow" })),
      stage: "output",
      model: async (_, reply) => {
        const [opening, piece] = chatChunks("x");
        await reply.sse(opening);
        await reply.sse({
          ...piece,
          choices: [{ index: 0, delta: { content: "a falcon" }, finish_reason: null }],
        });
        reply.destroy();
      },
    });
    const { content, code } = await readAnswer(await gateway.chat(said("Hello", { stream: true })));
    expect([content, code]).toEqual(["", "upstream_stream_interrupted"]);
  });

  test("that comes faster than it is judged is held back at its provider", async () => {
    const gate = Promise.withResolvers<void>();
    let sent_bytes = 0;
    const text = "One two three four. ".repeat(2_000);
    const { gateway } = await setUp({
      hook: async (_, reply) => {
        await gate.promise;
        await reply.json(200, { action: "allow" });
      },
      stage: "output",
      guard: "timeout_ms: 30000",
      model: async (_, reply) => {
        const [opening, piece, ...rest] = chatChunks("x");
        await reply.sse(opening);
        for (let nr = 0; nr < 800; nr++) {
          await reply.sse({
            ...piece,
            choices: [{ index: 0, delta: { content: text }, finish_reason: null }],
          });
          sent_bytes += text.length;
        }
        for (const chunk of rest) await reply.sse(chunk);
        await reply.sse("[DONE]");
      },
    });
    const call = gateway.chat(said("Hello", { stream: true })).then(readAnswer);
    // Nothing is sent any more, long before all is.
    for (let before = -1; before !== sent_bytes || sent_bytes === 0; ) {
      before = sent_bytes;
      await Bun.sleep(300);
    }
    expect(sent_bytes).toBeLessThan(20 * 1024 * 1024);
    gate.resolve();
    const { content, code } = await call;
    expect([content.length, code]).toEqual([800 * text.length, null]);
  });

  test("of a size that fills the gate comes to all who follow it", async () => {
    const text = `${"One two three four. ".repeat(15)}A falcon. `.repeat(2_000);
    const gate = Promise.withResolvers<void>();
    const { gateway, upstream } = await setUp({
      hook: finds(/A falcon/, "redact"),
      stage: "output",
      rest: "cache: { exact: { ttl_s: 60 } },",
      guard: "timeout_ms: 30000",
      model: async (request, reply) => {
        await gate.promise;
        await says(text, 1_000)(request, reply);
      },
    });
    const calls = Array.from({ length: 3 }, () => gateway.chat(said("Hello", { stream: true })));
    while (gateway.gateway.calls.size < 3) await Bun.sleep(1);
    gate.resolve();
    for (const { content, code } of await Promise.all((await Promise.all(calls)).map(readAnswer))) {
      expect(code).toBeNull();
      expect(content === text.replaceAll("A falcon", "[gone]")).toBe(true);
    }
    expect(upstream.requests).toHaveLength(1);
  });

  test("whose first client leaves a full gate goes on for those who follow", async () => {
    const text = "One two three four. ".repeat(60_000);
    let asked = 0;
    const { gateway, hook, upstream } = await setUp({
      // The first one's guard never answers.
      hook: (_, reply) => (asked++ === 0 ? reply.never() : reply.json(200, { action: "allow" })),
      stage: "output",
      rest: "cache: { exact: { ttl_s: 60 } },",
      guard: "timeout_ms: 30000",
      model: says(text, 2_000),
    });
    const leaving = new AbortController();
    const first = await gateway.chat(said("Hello", { stream: true }), { signal: leaving.signal });
    await hook.waitFor(() => hook.requests.length === 1);
    const second = await gateway.chat(said("Hello", { stream: true }));
    expect(second.headers.get("x-venturi-cache")).toBe("joined");
    await hook.waitFor(() => hook.requests.length > 1);
    leaving.abort();
    await first.text().catch(() => "");
    const { content, code } = await readAnswer(second);
    expect([content.length, code]).toEqual([text.length, null]);
    expect(upstream.requests).toHaveLength(1);
  });

  test("with much that is no text goes on", async () => {
    const { gateway } = await setUp({
      hook: judging(() => ({ action: "allow" })),
      stage: "output",
      model: async (_, reply) => {
        const [opening, piece, ...rest] = chatChunks("x");
        await reply.sse(opening);
        for (let nr = 0; nr < 8; nr++) {
          const choice = { index: 0, delta: { content: `${nr}` }, finish_reason: null };
          await reply.sse({ ...piece, choices: [choice], padding: "x".repeat(200_000) });
        }
        for (const chunk of rest) await reply.sse(chunk);
        await reply.sse("[DONE]");
      },
    });
    const { content, code } = await readAnswer(await gateway.chat(said("Hello", { stream: true })));
    expect([content, code]).toEqual(["01234567", null]);
  });

  test("may be cut into pieces anywhere", async () => {
    const text = "😀 One two. A falcon 😀 flew. ".repeat(12);
    for (let size = 1; size < 24; size += 2) {
      const { gateway } = await setUp({
        hook: finds(/A falcon 😀/, "redact"),
        stage: "output",
        model: says(text, size),
      });
      const { content, code } = await readAnswer(await gateway.chat(said("Hello", { stream: true })));
      expect([content, code]).toEqual([text.replaceAll("A falcon 😀", "[gone]"), null]);
    }
  });

  test("may be cut into bytes anywhere", async () => {
    const text = "😀 One two. A falcon 😀 flew. ".repeat(12);
    const [opening, piece, ...rest] = chatChunks("x");
    const chunks = (text.match(/.{1,5}/gsu) ?? []).map((content) => ({
      ...piece,
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
    }));
    const events = [opening, ...chunks, ...rest].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
    const bytes = Buffer.from(`${events.join("")}data: [DONE]\n\n`);
    for (const size of [1, 7, 61, 997]) {
      const { gateway } = await setUp({
        hook: finds(/A falcon 😀/, "redact"),
        stage: "output",
        model: async (_, reply) => {
          await reply.head(200, { "content-type": "text/event-stream" });
          for (let at = 0; at < bytes.length; at += size) await reply.chunk(bytes.subarray(at, at + size));
          await reply.end();
        },
      });
      const { content, code } = await readAnswer(await gateway.chat(said("Hello", { stream: true })));
      expect([content, code]).toEqual([text.replaceAll("A falcon 😀", "[gone]"), null]);
    }
  });

  test.each([
    ["an event that is too long", `data: {"choices":[{"delta":{"content":"falcon${"x".repeat(5_000_000)}`],
    ["an event that is no JSON", "data: falcon\n\n"],
  ])("with %s cannot be judged, and does not pass", async (_, odd) => {
    const { gateway } = await setUp({
      hook: judging(() => ({ action: "allow" })),
      stage: "output",
      model: async (_request, reply) => {
        const [opening, piece] = chatChunks("x");
        await reply.sse(opening);
        await reply.sse({
          ...piece,
          choices: [{ index: 0, delta: { content: "Well. " }, finish_reason: null }],
        });
        await reply.chunk(odd);
        await reply.end();
      },
    });
    const text = await (await gateway.chat(said("Hello", { stream: true }))).text();
    expect(text).toContain("content_blocked");
    expect(text).not.toContain("falcon");
  });
});

test.each([false, true])("legacy completions are judged (streamed: %s)", async (stream) => {
  const { gateway, hook } = await setUp({
    hook: finds(/falcon/, "redact"),
    stage: "output",
    model: async (_, reply) => {
      const whole = (text: string, finish_reason: string | null) => ({
        ...{ id: "c", object: "text_completion", created: 1, model: "gpt" },
        choices: [{ index: 0, text, logprobs: null, finish_reason }],
      });
      if (!stream) return reply.json(200, whole("a falcon flew", "stop"));
      for (const text of ["a fal", "con f", "lew"]) await reply.sse(whole(text, null));
      await reply.sse(whole("", "stop"));
      await reply.sse("[DONE]");
    },
  });
  const body = JSON.stringify({ model: "chat", prompt: "Say it.", stream });
  const text = await (await gateway.fetch("/v1/completions", { method: "POST", body })).text();
  const said_texts = Array.from(text.matchAll(/"text":"([^"]*)"/g), ([, part]) => part);
  expect(said_texts.join("")).toBe("a [gone] flew");
  expect(questions(hook)[0]!.texts[0]!.text).toBe("a falcon flew");
});

describe("guards of a key", () => {
  const keys = `
keys:
  - { name: strict, key: k-strict, guards: { input: [{ guard: denied_words, words: [falcon] }], output: [{ guard: denied_words, words: [hawk], action: redact }] } }
  - { name: free, key: k-free }`;
  const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

  test("hold for every model that is called with it, besides the model's own", async () => {
    const { gateway, upstream } = await setUp({
      hook: finds(/owl/, "block"),
      stage: "input",
      model: says("a hawk"),
      more: keys,
    });
    expect((await gateway.chat(said("a falcon"), as("k-strict"))).status).toBe(400);
    expect((await gateway.chat(said("a falcon", { model: "up/gpt" }), as("k-strict"))).status).toBe(400);
    expect((await gateway.chat(said("an owl"), as("k-strict"))).headers.get("x-venturi-guards")).toBe(
      "webhook=block",
    );
    expect(upstream.requests).toHaveLength(0);
    const { content } = await readAnswer(await gateway.chat(said("Hello"), as("k-strict")));
    expect(content).toBe("a [removed]");
    const free = await readAnswer(await gateway.chat(said("a falcon"), as("k-free")));
    expect(free.content).toBe("a hawk");
  });

  test.each([
    ["input: [{ guard: denied_words, words: [falcon] }]"],
    ["output: [secrets]"],
    ["output: [{ guard: webhook, url: 'http://127.0.0.1:1', action: flag, on_failure: block }]"],
  ])("are not got around by what is passed on unread (%s)", async (guards) => {
    const upstream = await room.upstream((_, reply) => reply.json(200, { data: [] }));
    const gatewayOf = (of_key: string) =>
      room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
keys: [{ name: a, key: k-a, guards: { ${of_key} } }]`);
    const gateway = gatewayOf(guards);
    for (const path of ["/up/v1/chat/completions", "/v1/audio/transcriptions"]) {
      const response = await gateway.fetch(path, { ...as("k-a"), method: "POST", body: new FormData() });
      expect(response.status).toBe(400);
      expect(errorOf(await response.text()).code).toBe("content_blocked");
    }
    expect(upstream.requests).toHaveLength(0);
    const mild = gatewayOf("output: [{ guard: links, hosts: [], action: flag }]");
    expect((await mild.fetch("/v1/files", as("k-a"))).status).toBe(200);
  });

  test("that block a stream do not end it for others", async () => {
    const gate = Promise.withResolvers<void>();
    const upstream = await room.upstream(async (request, reply) => {
      await gate.promise;
      await says("Well, a hawk, and more.")(request, reply);
    });
    const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], cache: { exact: { ttl_s: 60 } } } }
keys:
  - { name: strict, key: k-strict, guards: { output: [{ guard: denied_words, words: [hawk] }] } }
  - { name: free, key: k-free }`);
    const strict = gateway.chat(said("Hello", { stream: true }), as("k-strict"));
    await upstream.waitFor(() => upstream.requests.length === 1);
    const free = gateway.chat(said("Hello", { stream: true }), as("k-free"));
    await upstream.waitFor(() => upstream.requests.length === 2);
    gate.resolve();
    expect((await readAnswer(await strict)).code).toBe("content_blocked");
    expect(await readAnswer(await free)).toMatchObject({ content: "Well, a hawk, and more.", code: null });
  });
});

describe("a model that may fall back to a stricter one", () => {
  test("gives it nothing that it must not get", async () => {
    const first = await room.upstream((_, reply) => reply.json(500, {}));
    const second = await room.upstream(says("Write to [EMAIL_1]."));
    const gateway = room.gateway(`
providers:
  one: { kind: openai, base_url: "${first.base_url}", api_keys: [none] }
  two: { kind: openai, base_url: "${second.base_url}", api_keys: [none] }
models:
  loose: { targets: [one/a], fallbacks: [middle], retries: { attempts: 0 } }
  middle: { targets: [one/b], fallbacks: [strict], retries: { attempts: 0 } }
  strict: { targets: [two/c], privacy: { mode: redact, entities: [EMAIL] }, guards: { input: [{ guard: denied_words, words: [falcon] }] } }`);
    const response = await gateway.chat(said("I am jo@mine.test.", { model: "loose" }));
    expect((await readAnswer(response)).content).toBe("Write to jo@mine.test.");
    expect(second.requests[0]!.text()).not.toContain("jo@mine.test");
    expect((await gateway.chat(said("a falcon", { model: "loose" }))).status).toBe(400);
    expect(second.requests).toHaveLength(1);
  });
});
