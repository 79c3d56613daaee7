// Rows for tests of the ledger: drawn from a seed, with every kind of call in them.

import { NO_USAGE } from "../../../src/dialects/usage.ts";
import type { LedgerRow } from "../../../src/ledger/row.ts";

/** A row, with what a test wants otherwise. */
export function ledgerRow(changes: Partial<LedgerRow> = {}): LedgerRow {
  const id = changes.id ?? crypto.randomUUID();
  return {
    id,
    request_id: id,
    time: Date.UTC(2026, 10, 26, 6, 30, 5),
    tenant: "acme",
    team: "shop",
    key: "checkout",
    user: "u1",
    feature: "search",
    tags: {},
    model: "chat",
    provider: "openai",
    served_model: "gpt-4o-mini",
    status: 200,
    error: null,
    finish_reason: "stop",
    stream: false,
    usage: {
      ...NO_USAGE,
      input_tokens: 100,
      cached_input_tokens: 40,
      output_tokens: 20,
      reasoning_tokens: 5,
    },
    cost_nano_usd: 1234,
    price_version: "test-1",
    saved_nano_usd: 0,
    cache: "miss",
    similarity: null,
    attempts: [{ provider: "openai", model: "gpt-4o-mini", outcome: "ok" }],
    redactions: {},
    routing: null,
    ...{ refusal: false, judged: null, shadow: null, replay_of: null },
    guards: {},
    timings_us: { total: 1000 },
    trace: null,
    sampled: false,
    endpoint: null,
    estimated: false,
    ...changes,
  };
}

/** Numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

/** A row that is drawn. */
export function drawnRow(random: () => number, time: number, names = 4): LedgerRow {
  const pick = (prefix: string, count = names) => `${prefix}${Math.floor(random() * count)}`;
  const maybe = (text: string) => (random() < 0.2 ? null : text);
  const count = (most: number) => Math.floor(random() * most);
  const fails = random() < 0.1;
  const is_hit = random() < 0.1;
  return ledgerRow({
    cache: is_hit ? "hit" : "miss",
    saved_nano_usd: is_hit ? count(1e9) : 0,
    id: `${Math.floor(random() * 1e15)}-${time}`,
    time,
    tenant: pick("tenant", 2),
    team: maybe(pick("team", 2)),
    key: maybe(pick("key")),
    user: maybe(pick("user")),
    feature: maybe(pick("feature")),
    model: maybe(pick("model")),
    provider: maybe(pick("provider", 2)),
    served_model: maybe(pick("served")),
    status: fails ? 500 : 200,
    error: fails ? "upstream_error" : null,
    usage: {
      ...NO_USAGE,
      input_tokens: count(5000),
      cached_input_tokens: count(1000),
      output_tokens: count(2000),
      reasoning_tokens: count(500),
      searches: count(3),
    },
    cost_nano_usd: random() < 0.1 ? null : count(1e9),
    estimated: random() < 0.1,
  });
}
