// Upstreams for the load tests: one that fails in every way that can be failed over, one that never does.
// Both answer with the text that they were asked with, so that a client can tell its answer from another's.

import { type Reply, type ScriptedUpstream, type SeenRequest, startUpstream } from "../scripted_upstream.ts";

/** Numbers from 0 to 1, the same at every run. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface ChatRequest {
  readonly stream?: boolean;
  readonly messages: readonly { readonly content: string }[];
}

/** Answers with the last message. */
export async function echo(request: SeenRequest, reply: Reply): Promise<void> {
  const { stream, messages } = request.json() as ChatRequest;
  const content = messages.at(-1)!.content;
  if (stream !== true) {
    await reply.json(200, {
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    });
    return;
  }
  for (const part of [content.slice(0, 4), content.slice(4)]) {
    void reply.sse({ choices: [{ index: 0, delta: { content: part }, finish_reason: null }] });
  }
  void reply.sse({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  await reply.sse("[DONE]");
}

/** What a call can meet, with its share of all calls; the rest are answered. Each is over before the answer's first content. */
const FAILURES: readonly (readonly [share: number, fail: (request: SeenRequest, reply: Reply) => unknown])[] =
  [
    [0.08, (_request, reply) => reply.json(500, { error: { message: "broken", type: "server_error" } })],
    [0.08, (_request, reply) => reply.destroy()],
    [0.08, (_request, reply) => reply.fin()],
    [0.04, (_request, reply) => reply.raw("HTTP/1.1 200 OK\r\ncontent-le").then(() => reply.destroy())],
    [0.04, (_request, reply) => reply.raw("<html>no HTTP</html>").then(() => reply.destroy())],
    [
      0.04,
      (_request, reply) =>
        reply
          .raw(
            'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"choices":[{"message":',
          )
          .then(() => reply.destroy()),
    ],
    [
      0.04,
      (_request, reply) =>
        reply.sse({ error: { message: "overloaded", type: "server_error" } }).then(() => reply.fin()),
    ],
    [0.1, (request, reply) => Bun.sleep(40).then(() => echo(request, reply))],
  ];

/** An upstream that fails at random. */
export function startFlaky(seed: number): Promise<ScriptedUpstream> {
  const random = seededRandom(seed);
  return startUpstream((request, reply) => {
    let dice = random();
    for (const [share, fail] of FAILURES) {
      dice -= share;
      if (dice < 0) return fail(request, reply);
    }
    return echo(request, reply);
  });
}

/** One that always answers. */
export function startSteady(): Promise<ScriptedUpstream> {
  return startUpstream(echo);
}
