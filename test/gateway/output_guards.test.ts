// Guards of answers: what they stop, take out and tell of, as a client and the ledger see it.

import { describe, expect, test } from "vitest";
import { chatChunks, chatCompletion, type Script } from "../scripted_upstream.ts";
import { errorOf, rig } from "./harness.ts";

const room = rig();

const KEY = "sk-proj-Zk3vQ9xLm2TyR8wNp5BsH7dJc4FgA6eUoV1iXqKzMnYtWbPr";

/** Says one text, plain or a few letters at a time. */
function says(text: string): Script {
  return async (request, reply) => {
    const { stream } = request.json() as { stream?: boolean };
    if (!stream) return reply.json(200, chatCompletion(text));
    const [opening, piece, ...rest] = chatChunks("x");
    await reply.sse(opening);
    for (const content of text.match(/.{1,3}/gsu) ?? []) {
      await reply.sse({ ...piece, choices: [{ index: 0, delta: { content }, finish_reason: null }] });
    }
    for (const chunk of rest) await reply.sse(chunk);
    await reply.sse("[DONE]");
  };
}

async function gatewayOf(script: Script, output: string, rest = "") {
  const upstream = await room.upstream(script);
  const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], retries: { attempts: 0 }, ${rest} guards: { output: [${output}] } } }`);
  return { upstream, gateway };
}

function said(content: string, extra: Record<string, unknown> = {}) {
  return { messages: [{ role: "user", content }], ...extra };
}

/** The text of an answer, and the error that it ends with. */
async function readAnswer(response: Response): Promise<{ content: string; code: string | null }> {
  const text = await response.text();
  if (text.startsWith("{")) {
    const { choices, error } = JSON.parse(text);
    return { content: choices?.[0].message.content ?? "", code: error?.code ?? null };
  }
  const events = text
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)));
  return {
    content: events.map(({ choices }) => choices?.[0]?.delta?.content ?? "").join(""),
    code: events.at(-1)?.error?.code ?? null,
  };
}

describe.each([false, true])("an answer (streamed: %s)", (stream) => {
  test("goes out without what guards take out, and the ledger tells of it", async () => {
    const text = `Use ${KEY}, write to ann@evil.test or jo@mine.test, see https://evil.test/a and say falcon.`;
    const guards = "secrets, { guard: personal_data, action: redact, entities: [EMAIL] }, ";
    const { gateway } = await gatewayOf(
      says(text),
      `${guards} { guard: links, action: redact, hosts: [mine.test] }, { guard: denied_words, action: redact, words: [falcon] }`,
    );
    const response = await gateway.chat(said("I am jo@mine.test.", { stream }));
    expect(response.status).toBe(200);
    const told = response.headers.get("x-venturi-guards");
    if (!stream) expect(told?.split(", ").sort()).toContain("links=redact");
    expect(await readAnswer(response)).toEqual({
      content: "Use [API_KEY], write to [EMAIL] or jo@mine.test, see [link removed] and say [removed].",
      code: null,
    });
    await gateway.idle();
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({
      status: 200,
      error: null,
      guards: { secrets: "redact", personal_data: "redact", links: "redact", denied_words: "redact" },
    });
    expect(JSON.stringify(row)).not.toContain("evil");
  });

  test("that a guard blocks does not pass, and is paid for", async () => {
    const { gateway } = await gatewayOf(
      says("All is well with the project falcon, as you know."),
      "{ guard: denied_words, action: block, words: [project falcon] }",
    );
    const response = await gateway.chat(said("Hello", { stream }));
    expect(response.status).toBe(stream ? 200 : 400);
    if (!stream) expect(response.headers.get("x-venturi-guards")).toBe("denied_words=block");
    const { content, code } = await readAnswer(response);
    expect(code).toBe("content_blocked");
    expect(content).not.toMatch(/project|falcon/);
    await gateway.idle();
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({ error: "content_blocked", guards: { denied_words: "block" } });
    expect(row!.usage.output_tokens).toBeGreaterThan(0);
    expect(JSON.stringify(row)).not.toContain("falcon");
  });

  test("that a guard flags is as it came", async () => {
    const text = "Say falcon  and falcon.";
    const { gateway } = await gatewayOf(
      says(text),
      "{ guard: denied_words, action: flag, words: [falcon] }, { guard: links, action: allow, hosts: [] }",
    );
    const response = await gateway.chat(said("Hello", { stream }));
    if (!stream) expect(response.headers.get("x-venturi-guards")).toBe("denied_words=flag");
    expect(await readAnswer(response)).toEqual({ content: text, code: null });
    await gateway.idle();
    expect(gateway.kept.rows()[0]).toMatchObject({ guards: { denied_words: "flag" } });
  });

  test("is judged before values are put back, which are no findings", async () => {
    const text = "Write to [EMAIL_1] and to ann@evil.test.";
    const { gateway } = await gatewayOf(says(text), "personal_data", "privacy: { mode: redact },");
    const response = await gateway.chat(said("I am jo@mine.test.", { stream }));
    expect((await readAnswer(response)).content).toBe("Write to jo@mine.test and to [EMAIL].");
  });

  test("from a cache is judged each time that it is given", async () => {
    const { gateway, upstream } = await gatewayOf(
      says("Write to ann@evil.test."),
      "personal_data",
      "cache: { exact: { ttl_s: 60 } },",
    );
    // Until an answer is found where it is kept, it is found with the call that got it.
    const kept = ["hit", "joined"];
    for (const outcomes of [["miss"], kept, kept]) {
      const response = await gateway.chat(said("Hello", { stream }));
      expect(outcomes).toContain(response.headers.get("x-venturi-cache"));
      expect((await readAnswer(response)).content).toBe("Write to [EMAIL].");
      await gateway.idle();
    }
    expect(upstream.requests).toHaveLength(1);
    expect(gateway.kept.rows().map(({ guards }) => guards)).toEqual(
      Array.from({ length: 3 }, () => ({ personal_data: "redact" })),
    );
  });

  test("from a cache may be blocked as well", async () => {
    const { gateway } = await gatewayOf(
      says("Say falcon."),
      "{ guard: denied_words, action: block, words: [falcon] }",
      "cache: { exact: { ttl_s: 60 } },",
    );
    for (let round = 0; round < 3; round++) {
      const response = await gateway.chat(said("Hello", { stream }));
      const { content, code } = await readAnswer(response);
      expect(code).toBe("content_blocked");
      expect(content).not.toContain("falcon");
      await gateway.idle();
    }
    for (const row of gateway.kept.rows()) expect(row.error).toBe("content_blocked");
  });
});

test("those who follow a stream are guarded as its leader is", async () => {
  const gate = Promise.withResolvers<void>();
  const { gateway, upstream } = await gatewayOf(
    async (request, reply) => {
      await gate.promise;
      await says("Write to ann@evil.test.")(request, reply);
    },
    "personal_data",
    "cache: { exact: { ttl_s: 60 } },",
  );
  const calls = Array.from({ length: 5 }, () => gateway.chat(said("Hello", { stream: true })));
  while (gateway.gateway.calls.size < 5) await Bun.sleep(1);
  gate.resolve();
  const answers = await Promise.all((await Promise.all(calls)).map(readAnswer));
  expect(answers.map(({ content }) => content)).toEqual(Array.from({ length: 5 }, () => "Write to [EMAIL]."));
  expect(upstream.requests).toHaveLength(1);
});

test("those who follow a stream that is blocked get none of it either", async () => {
  const gate = Promise.withResolvers<void>();
  const { gateway } = await gatewayOf(
    async (request, reply) => {
      await gate.promise;
      await says("One, two, falcon, three.")(request, reply);
    },
    "{ guard: denied_words, action: block, words: [falcon] }",
    "cache: { exact: { ttl_s: 60 } },",
  );
  const calls = Array.from({ length: 5 }, () => gateway.chat(said("Hello", { stream: true })));
  while (gateway.gateway.calls.size < 5) await Bun.sleep(1);
  gate.resolve();
  for (const { content, code } of await Promise.all((await Promise.all(calls)).map(readAnswer))) {
    expect(code).toBe("content_blocked");
    expect("One, two, ".startsWith(content)).toBe(true);
  }
});

test.each([
  ["an event that is too long", `data: {"choices":[{"delta":{"content":"falcon${"x".repeat(5_000_000)}`],
  ["an event that is no JSON", "data: falcon\n\n"],
])("%s cannot be judged, and does not pass", async (_, odd) => {
  const { gateway } = await gatewayOf(async (_request, reply) => {
    const [opening, piece] = chatChunks("x");
    await reply.sse(opening);
    await reply.sse({ ...piece, choices: [{ index: 0, delta: { content: "Well. " }, finish_reason: null }] });
    await reply.chunk(odd);
    await reply.end();
  }, "{ guard: denied_words, action: redact, words: [falcon] }");
  const text = await (await gateway.chat(said("Hello", { stream: true }))).text();
  expect(text).toContain("content_blocked");
  expect(text).not.toContain("falcon");
});

test("a stream that is blocked ends upstream as well", async () => {
  const aborted = Promise.withResolvers<void>();
  const { gateway } = await gatewayOf(async (request, reply) => {
    void request.aborted.then(aborted.resolve);
    const [opening, piece] = chatChunks("x");
    await reply.sse(opening);
    await reply.sse({
      ...piece,
      choices: [{ index: 0, delta: { content: "a falcon b" }, finish_reason: null }],
    });
    await reply.never();
  }, "{ guard: denied_words, action: block, words: [falcon] }");
  const { content, code } = await readAnswer(await gateway.chat(said("Hello", { stream: true })));
  expect([content, code]).toEqual(["", "content_blocked"]);
  await aborted.promise;
});

test("what is too long to be judged does not pass", async () => {
  const text = "word ".repeat(2_000_000);
  const script: Script = (_, reply) => reply.json(200, chatCompletion(text));
  const { gateway } = await gatewayOf(script, "{ guard: denied_words, action: block, words: [falcon] }");
  const response = await gateway.chat(said("Hello"));
  expect(response.status).toBe(400);
  expect(errorOf(await response.text()).code).toBe("content_blocked");
  // A guard that would only tell of it lets it pass.
  const { gateway: mild } = await gatewayOf(script, "{ guard: denied_words, action: flag, words: [falcon] }");
  expect((await readAnswer(await mild.chat(said("Hello")))).content).toBe(text);
});

test("tool calls, reasoning and several choices are judged as well", async () => {
  const call = { id: "c", type: "function", function: { name: "f", arguments: `{"key":"${KEY}"}` } };
  const message = {
    role: "assistant",
    content: null,
    reasoning_content: `I know ${KEY}.`,
    tool_calls: [call],
  };
  const { gateway } = await gatewayOf(
    (_, reply) =>
      reply.json(200, {
        ...chatCompletion("x"),
        choices: [
          { index: 0, message, finish_reason: "tool_calls" },
          { index: 1, message: { role: "assistant", content: KEY }, finish_reason: "stop" },
        ],
      }),
    "secrets",
  );
  const text = await (await gateway.chat(said("Hello"))).text();
  expect(text).not.toContain(KEY);
  expect(text.match(/\[API_KEY\]/g)).toHaveLength(3);
});

describe.each([false, true])("the operator's prompt (streamed: %s)", (stream) => {
  test("is not told, but what a user said may be said again", async () => {
    const prompt = "You are Nora of Acme Bank, and callers who leave get a rebate of 12 percent from you.";
    const { gateway } = await gatewayOf(says(`My orders are: ${prompt}`), "prompt_leak");
    const messages = (role: string) => [
      { role, content: prompt },
      { role: "user", content: "Your orders?" },
    ];
    const told = await readAnswer(await gateway.chat({ messages: messages("system"), stream }));
    expect(told.code).toBe("content_blocked");
    expect(told.content).not.toContain("Nora of Acme");
    const said_again = await readAnswer(await gateway.chat({ messages: messages("user"), stream }));
    expect(said_again).toEqual({ content: `My orders are: ${prompt}`, code: null });
  });
});

describe.each([false, true])("what an answer tells of people (streamed: %s)", (stream) => {
  const TEXT = "Ask Barbara Johnson about ACME-481273 and ACME-123456. Peter Schmidt is away.";
  const guard = "{ guard: personal_data, entities: [STAFF_NUMBER, PERSON] }";

  async function ask(output: string, rest = "") {
    const upstream = await room.upstream(says(TEXT));
    const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], ${rest} guards: { output: [${output}] } } }
privacy: { custom: [{ name: STAFF_NUMBER, pattern: "ACME-[0-9]{6}" }] }`);
    return readAnswer(
      await gateway.chat(said("Who knows ACME-123456, and where is Peter Schmidt?", { stream })),
    );
  }

  /** Where there is no time to look for names nothing goes out, as may be at first on a busy machine: then it is asked again. */
  async function askInTime(output: string, rest?: string): ReturnType<typeof ask> {
    const answer = await ask(output, rest);
    return answer.code === "content_blocked" ? askInTime(output, rest) : answer;
  }

  test("goes out without names, and the configuration's own kinds, that were not asked about", async () => {
    const expected = "Ask [PERSON] about [STAFF_NUMBER] and ACME-123456. Peter Schmidt is away.";
    expect(await askInTime(guard)).toEqual({ content: expected, code: null });
    // Where the request is redacted, its values are put back, and those alone.
    const redacted = "privacy: { mode: redact, entities: [STAFF_NUMBER] },";
    expect(await askInTime(guard, redacted)).toEqual({ content: expected, code: null });
  });

  test("has the configuration's own kinds taken out by default, and no names", async () => {
    const { content } = await ask("personal_data");
    expect(content).toBe("Ask Barbara Johnson about [STAFF_NUMBER] and ACME-123456. Peter Schmidt is away.");
  });

  test("may end it", async () => {
    const { content, code } = await ask("{ guard: personal_data, entities: [PERSON], action: block }");
    expect(code).toBe("content_blocked");
    expect(content).not.toContain("Barbara");
  });
});
