// What users of gateways complain of when a provider or a client goes away, each as a case: a client's leaving that does not stop its
// call or bills it wrongly, a dead provider that looks like a finished answer, timeouts that do not fire.

import { describe, expect, test } from "vitest";
import { chatChunks, chatCompletion, type Script } from "../scripted_upstream.ts";
import { errorOf, eventsOf, rig, type TestGateway } from "./harness.ts";

const room = rig();

const SSE = { "content-type": "text/event-stream" };
const OVERLOADED = { error: { message: "Overloaded", type: "overloaded_error", code: "overloaded" } };
const ok: Script = async (request, reply) => {
  if (!(request.json() as { stream?: boolean }).stream)
    return reply.json(200, chatCompletion("from the second"));
  for (const chunk of chatChunks("from the second")) await reply.sse(chunk);
  return reply.sse("[DONE]");
};
/** A stream whose first words come, and then `next` happens. */
const begins =
  (next: Script): Script =>
  async (request, reply) => {
    await reply.head(200, SSE);
    for (const chunk of chatChunks("one two three").slice(0, 3)) await reply.sse(chunk);
    return next(request, reply);
  };
const never: Script = (_, reply) => reply.never();

/** Two providers, the second of which answers, and a model that asks one after the other. */
async function pair(
  first: Script,
  { provider = "", model = "retries: { attempts: 0 }" }: { provider?: string; model?: string } = {},
) {
  const one = await room.upstream(first);
  const other = await room.upstream(ok);
  const gateway = room.gateway(`
providers:
  first: { kind: openai, base_url: "${one.base_url}", api_keys: [none]${provider} }
  second: { kind: openai, base_url: "${other.base_url}", api_keys: [none] }
models: { chat: { targets: [first/a, second/b], price: { input_per_mtok: 1, output_per_mtok: 2 }, ${model} } }
`);
  return { one, other, gateway };
}

/** Asks, and leaves when `when` resolves. */
async function leaveWhen(gateway: TestGateway, stream: boolean, when: Promise<unknown>): Promise<void> {
  const leaving = new AbortController();
  const asked = gateway.chat({ stream }, { signal: leaving.signal }).then((response) => response.text());
  const left = expect(asked).rejects.toThrow();
  await when;
  leaving.abort();
  await left;
}

/** What a client can read of a stream: its text, its errors, whether it says that it is done. */
function readStream(body: string): { text: string; error: string | null; is_done: boolean } {
  const data = eventsOf(body).flatMap((event) => event.data ?? []);
  const chunks = data
    .filter((one) => one !== "[DONE]")
    .map(
      (one) => JSON.parse(one) as { choices?: { delta?: { content?: string } }[]; error?: { code: string } },
    );
  return {
    text: chunks.map(({ choices }) => choices?.[0]?.delta?.content ?? "").join(""),
    error: chunks.find(({ error }) => error !== undefined)?.error?.code ?? null,
    is_done: data.at(-1) === "[DONE]",
  };
}

describe("a client that leaves", () => {
  test.each([
    ["a plain call", false, never],
    ["a stream before its first word", true, never],
    ["a stream in the middle", true, begins(never)],
  ])("stops %s upstream, and nobody else is asked for it", async (_, stream, script) => {
    const { one, other, gateway } = await pair(script, { model: "retries: { attempts: 2 }" });
    await leaveWhen(
      gateway,
      stream,
      one.waitFor(() => one.requests.length === 1),
    );
    await one.requests[0]!.aborted;
    await gateway.idle();
    expect([one.requests.length, other.requests.length]).toEqual([1, 0]);
    expect(gateway.kept.rows()).toMatchObject([{ status: 499, error: "client_closed" }]);
  });

  test("is billed for what came, marked as estimated: neither for nothing nor for all", async () => {
    const { one, gateway } = await pair(begins(never));
    const leaving = new AbortController();
    const response = await gateway.chat({ stream: true, max_tokens: 4_000 }, { signal: leaving.signal });
    const reader = response.body!.getReader();
    await reader.read();
    leaving.abort();
    await one.requests[0]!.aborted;
    await gateway.idle();
    const [row] = gateway.kept.rows();
    expect(row).toMatchObject({ status: 499, estimated: true });
    expect(row!.usage.output_tokens).toBeGreaterThan(0);
    expect(row!.usage.output_tokens).toBeLessThan(100);
    expect(row!.cost_nano_usd).toBeGreaterThan(0);
  });

  test("gives back what it held at once, not when its call would have ended", async () => {
    const upstream = await room.upstream(never);
    const gateway = room.gateway(`
providers: { first: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [first/a], limits: { concurrency: 1 } } }
`);
    await leaveWhen(
      gateway,
      false,
      upstream.waitFor(() => upstream.requests.length === 1),
    );
    await gateway.idle();
    upstream.use(ok);
    expect((await gateway.chat()).status).toBe(200);
  });
});

describe("a provider that dies", () => {
  test.each<[string, Script]>([
    ["resets the connection", (_, reply) => reply.destroy()],
    ["closes the connection", (_, reply) => reply.fin()],
    ["says in the stream that it is overloaded", (_, reply) => reply.sse(OVERLOADED).then(() => reply.end())],
    [
      "says in the stream that its rate is over",
      (_, reply) => reply.sse({ error: { ...OVERLOADED.error, code: 429 } }),
    ],
    ["ends without a finish reason", (_, reply) => reply.end()],
  ])("and %s in the middle of a stream never looks as if the answer were whole", async (_, script) => {
    const { one, other, gateway } = await pair(begins(script), { model: "retries: { attempts: 2 }" });
    const { text, error, is_done } = readStream(await (await gateway.chat({ stream: true })).text());
    expect(text).toBe("one two");
    expect(error).not.toBeNull();
    expect(is_done).toBe(false);
    // Nothing is said twice: what has begun is not begun anew.
    expect([one.requests.length, other.requests.length]).toEqual([1, 0]);
  });

  test.each<[string, Script]>([
    ["resets the connection", (_, reply) => reply.destroy()],
    ["closes the connection", (_, reply) => reply.fin()],
    ["begins a stream and closes it", (_, reply) => reply.head(200, SSE).then(() => reply.fin())],
    [
      "begins a stream with a role and resets it",
      (_, reply) => reply.sse(chatChunks("x")[0]).then(() => reply.destroy()),
    ],
    ["says that it is overloaded under 200", (_, reply) => reply.sse(OVERLOADED).then(() => reply.end())],
    [
      "says so in an event called error",
      async (_, reply) => {
        await reply.head(200, SSE);
        await reply.chunk(`event: error\ndata: ${JSON.stringify(OVERLOADED)}\n\n`);
        return reply.end();
      },
    ],
  ])("and %s before the first word lets another answer, whole", async (_, script) => {
    const { gateway } = await pair(script);
    const { text, error, is_done } = readStream(await (await gateway.chat({ stream: true })).text());
    expect({ text, error, is_done }).toEqual({ text: "from the second", error: null, is_done: true });
  });

  test.each<[string, Script]>([
    ["resets the connection", (_, reply) => reply.destroy()],
    [
      "sends half of its answer",
      (_, reply) => reply.raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{").then(() => reply.fin()),
    ],
    ["sends an error under 200", (_, reply) => reply.json(200, OVERLOADED)],
    ["sends nothing under 200", (_, reply) => reply.head(200).then(() => reply.end())],
    [
      "sends a page under 200",
      (_, reply) =>
        reply
          .head(200, { "content-type": "text/html" })
          .then(() => reply.chunk("<html></html>"))
          .then(() => reply.end()),
    ],
  ])("and %s in place of a plain answer is never a 200", async (_, script) => {
    const { one, gateway } = await pair(script);
    const answered = await gateway.chat();
    expect([answered.status, answered.headers.get("x-venturi-provider")]).toEqual([200, "second"]);
    const alone = await gateway.chat({ model: "first/a" });
    expect(alone.status).toBeGreaterThanOrEqual(500);
    expect(errorOf(await alone.text()).message).not.toBe("");
    expect(one.requests.length).toBeGreaterThan(1);
  });
});

describe("a provider that is silent", () => {
  test.each([
    ["a plain call", false],
    ["a stream", true],
  ])("is given up at first_byte_ms, and another answers: %s", async (_, stream) => {
    const { one, gateway } = await pair(never, { provider: ", timeouts: { first_byte_ms: 50 }" });
    const response = await gateway.chat({ stream });
    expect(response.headers.get("x-venturi-provider")).toBe("second");
    expect(await response.text()).toContain("second");
    await one.requests[0]!.aborted;
  });

  test("after its first words is given up at idle_ms, with an error and no end", async () => {
    const { gateway } = await pair(begins(never), { provider: ", timeouts: { idle_ms: 50 }" });
    const { text, error, is_done } = readStream(await (await gateway.chat({ stream: true })).text());
    expect({ text, error, is_done }).toEqual({
      ...{ text: "one two", error: "upstream_stream_interrupted", is_done: false },
    });
  });

  test("and drips forever is cut off by stream_deadline_ms", async () => {
    const { one, gateway } = await pair(
      async (request, reply) => {
        let is_gone = false;
        void request.aborted.then(() => {
          is_gone = true;
        });
        await reply.head(200, SSE);
        while (!is_gone) {
          await reply.sse(chatChunks("drip ")[1]);
          await Bun.sleep(5);
        }
      },
      { model: "stream_deadline_ms: 100" },
    );
    const { text, error, is_done } = readStream(await (await gateway.chat({ stream: true })).text());
    expect(text).toContain("drip");
    expect([error, is_done]).toEqual(["deadline_exceeded", false]);
    await one.requests[0]!.aborted;
  });

  test("costs a client no more than its deadline over all tries: 504, which its SDK tries again", async () => {
    const { one, gateway } = await pair(never, {
      ...{ provider: ", timeouts: { first_byte_ms: 60000 }", model: "retries: { attempts: 5 }" },
    });
    const response = await gateway.chat({}, { headers: { "x-venturi-deadline-ms": "80" } });
    expect(response.status).toBe(504);
    expect(errorOf(await response.text())).toMatchObject({
      type: "timeout_error",
      code: "deadline_exceeded",
    });
    await one.requests[0]!.aborted;
  });
});
