// How targets do is told between hosts, softly: where another host has opened a breaker, the next failure here opens it too, and a
// success here says that it is well from here; how fast a target answers is taken from others only while nothing was measured here.

import type { Plan, TargetPlan } from "../config/plan.ts";
import type { Health } from "../routing/health/health.ts";
import type { Valkey } from "../valkey/connection.ts";

/** How often it is told, and for how long it is believed, in milliseconds. */
const TELL_MS = 2_000;
const BELIEVED_MS = 10_000;
/** Targets that are told of. */
const TARGETS_MAX = 500;

/** KEYS: what hosts have told. ARGV: the host, its word, for how long words are believed. Gives the others' words: host, word, … */
export const HEALTH_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], now .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], 10 * ARGV[3])
local others, all = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local at, word = string.match(all[i+1], '^(%d+) (.*)$')
  if not at or now - at > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then
    others[#others+1] = all[i]
    others[#others+1] = word
  end
end
return others
`;

/** What a host tells of a target: whether its breaker is open, and how often it has opened; average times to the first byte in ms, 0: unknown. */
type Word = readonly [is_open: number, opened: number, plain_ms: number, stream_ms: number];

/** What is told with. */
export interface SharedHealthOptions {
  readonly valkey: Valkey;
  readonly prefix: string;
  readonly host: string;
  plan(): Plan;
  readonly health: Health;
}

/** Tells how targets do, and hears it of others, until it is stopped. */
export class SharedHealth {
  readonly #options: SharedHealthOptions;
  readonly #timer: NodeJS.Timeout;
  /** How often a breaker elsewhere had opened when it was last heeded. */
  readonly #heeded = new Map<string, number>();
  #is_busy = false;

  constructor(options: SharedHealthOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.tell(), TELL_MS);
  }

  /** Tells and hears now. A server that cannot be reached changes nothing. */
  async tell(): Promise<void> {
    if (this.#is_busy) return;
    this.#is_busy = true;
    const { valkey, prefix, host } = this.#options;
    try {
      const targets = this.#targets();
      const own = Object.fromEntries([...targets].map(([id, target]) => [id, this.#wordOf(target)]));
      const reply = await valkey.run("health", {
        keys: [`${prefix}:{all}:health`],
        args: [host, JSON.stringify(own), BELIEVED_MS],
      });
      const words = Array.isArray(reply) ? reply.map(String) : [];
      for (let at = 0; at + 1 < words.length; at += 2) this.#hear(words[at]!, words[at + 1]!, targets);
    } catch {
      // Leases say that the state is lost.
    } finally {
      this.#is_busy = false;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #targets(): Map<string, TargetPlan> {
    const targets = new Map<string, TargetPlan>();
    for (const { targets: own } of this.#options.plan().models.values()) {
      for (const target of own) if (targets.size < TARGETS_MAX) targets.set(idOf(target), target);
    }
    return targets;
  }

  #wordOf(target: TargetPlan): Word {
    const health = this.#options.health.of(target);
    const { opened } = health.breaker;
    const is_open = health.look(target.breaker) === "free" ? 0 : 1;
    return [is_open, opened, Math.round(health.averageMs(false)), Math.round(health.averageMs(true))];
  }

  #hear(host: string, line: string, targets: ReadonlyMap<string, TargetPlan>): void {
    const words = readWords(line);
    for (const [id, target] of targets) {
      const word = words[id];
      if (!isWord(word)) continue;
      const [is_open, opened, plain_ms, stream_ms] = word;
      const health = this.#options.health.of(target);
      const place = `${host} ${id}`;
      if (is_open === 1 && this.#heeded.get(place) !== opened) health.expectFailure(target.breaker);
      this.#heeded.set(place, is_open === 1 ? opened : -1);
      if (plain_ms > 0) health.assume(plain_ms, false);
      if (stream_ms > 0) health.assume(stream_ms, true);
    }
  }
}

/** What a target is called between hosts: whose configurations may differ. */
function idOf({ provider, model }: TargetPlan): string {
  const { name, origin, base_path } = provider;
  return `${name} ${origin.host}:${origin.port}${base_path} ${model}`;
}

/** What a host has told; nothing where that cannot be understood. */
function readWords(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isWord(value: unknown): value is Word {
  return Array.isArray(value) && value.length === 4 && value.every(Number.isFinite);
}
