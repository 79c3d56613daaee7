// Providers whose moods change: each is well for a while, then slow, gone, silent, over its limits or a liar, and well again.
// What they answer names the call that asked, so that a client can tell its answer from another's.

import { type Reply, type ScriptedUpstream, type SeenRequest, startUpstream } from "../scripted_upstream.ts";
import { echo, seededRandom } from "./flaky_upstream.ts";

type Act = (request: SeenRequest, reply: Reply) => unknown;

const OVERLOADED = { error: { message: "overloaded", type: "server_error", code: "overloaded" } };
const isStream = (request: SeenRequest) => (request.json() as { stream?: boolean }).stream === true;

/** What a provider may be like, by name. */
export const MOODS = {
  well: echo,
  slow: (request, reply) => Bun.sleep(150).then(() => echo(request, reply)),
  crawling: (request, reply) => Bun.sleep(1_500).then(() => echo(request, reply)),
  gone: (_request, reply) => reply.destroy(),
  silent: (_request, reply) => reply.never(),
  failing: (_request, reply) => reply.json(500, OVERLOADED),
  overloaded: (_request, reply) => reply.json(529, OVERLOADED),
  limited: (_request, reply) => reply.json(429, OVERLOADED, { "retry-after": "1" }),
  "an error under 200": (request, reply) =>
    isStream(request) ? reply.sse(OVERLOADED).then(() => reply.fin()) : reply.json(200, OVERLOADED),
  "an empty answer": (request, reply) =>
    reply.head(200, { "content-type": isStream(request) ? "text/event-stream" : "application/json" }),
  "half an answer": (_request, reply) =>
    reply
      .raw(
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"choices":[{"message":',
      )
      .then(() => reply.destroy()),
  "a page in place of JSON": (_request, reply) =>
    reply
      .head(200, { "content-type": "text/html" })
      .then(() => reply.chunk("<html>Bad gateway</html>"))
      .then(() => reply.end()),
  "a stream that dies": async (request, reply) => {
    if (!isStream(request)) return reply.destroy();
    await reply.sse({ choices: [{ index: 0, delta: { content: "call" }, finish_reason: null }] });
    return reply.destroy();
  },
  "a stream that stalls": async (request, reply) => {
    if (!isStream(request)) return reply.never();
    await reply.sse({ choices: [{ index: 0, delta: { content: "call" }, finish_reason: null }] });
    return reply.never();
  },
} satisfies Record<string, Act>;

const names = Object.keys(MOODS) as (keyof typeof MOODS)[];

/** How long a mood lasts, at least and at most, in milliseconds. */
const MOOD_MS = [200, 2_000] as const;
/** The share of its time that a provider is well. */
const WELL = 0.25;

/** A provider with moods. */
export interface MoodyUpstream {
  readonly upstream: ScriptedUpstream;
  /** How many calls met which mood. */
  readonly met: ReadonlyMap<string, number>;
}

/** Starts one; the order of its moods is the same for a seed. */
export async function startMoody(seed: number): Promise<MoodyUpstream> {
  const random = seededRandom(seed);
  const met = new Map<string, number>();
  let mood: keyof typeof MOODS = "well";
  let until_ms = 0;
  const upstream = await startUpstream((request, reply) => {
    const now_ms = performance.now();
    if (now_ms >= until_ms) {
      mood = random() < WELL ? "well" : names[Math.floor(random() * names.length)]!;
      until_ms = now_ms + MOOD_MS[0] + random() * (MOOD_MS[1] - MOOD_MS[0]);
    }
    met.set(mood, (met.get(mood) ?? 0) + 1);
    return MOODS[mood](request, reply);
  });
  return { upstream, met };
}
