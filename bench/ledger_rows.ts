// Rows as a busy month gives them: five million calls by default, of a few hundred keys and some thousand users, with the usual
// rush in the middle of a day. Drawn from a fixed seed, so that every run writes the same.

import { NO_USAGE } from "../src/dialects/usage.ts";
import type { LedgerRow } from "../src/ledger/row.ts";
import { writeRow } from "../src/ledger/row_line.ts";

const DAY_MS = 86_400_000;
/** How many different names there are. */
const KEYS = 300;
const USERS = 5_000;
const FEATURES = 12;
const MODELS: readonly (readonly [model: string, provider: string, price: number])[] = [
  ["gpt-4o-mini", "openai", 150],
  ["gpt-4o", "openai", 2500],
  ["claude-haiku-4-5", "anthropic", 1000],
  ["claude-sonnet-4-5", "anthropic", 3000],
  ["llama-3.3-70b-versatile", "groq", 590],
  ["mistral-small", "mistral", 100],
];

/** Numbers from 0 to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** The lines of so many rows, in the order of their time, over the 30 days before `end_ms`; in batches. */
export function* monthOfRows(count: number, batch_rows: number, end_ms: number): Generator<string[]> {
  const random = randomFrom(2026);
  const pick = (most: number) => Math.floor(random() * most);
  // Few have much of it, many have little.
  const skewed = (most: number) => Math.floor(random() ** 2.5 * most);
  let batch: string[] = [];
  for (let index = 0; index < count; index++) {
    const day = Math.floor((index / count) * 30);
    const of_day = (index / count) * 30 - day;
    // Slow at night, fast by day.
    const time = Math.floor(end_ms - (30 - day - of_day - Math.sin(2 * Math.PI * of_day) / 8) * DAY_MS);
    const key = skewed(KEYS);
    const [model, provider, price] = MODELS[(key + skewed(3)) % MODELS.length]!;
    const input_tokens = 200 + skewed(6000);
    const output_tokens = 20 + skewed(1200);
    const fails = random() < 0.02;
    // What is rare, and looked for all the same.
    const is_limited = !fails && index % 20_011 === 7;
    const is_kept = !fails && !is_limited && index % 41 === 3;
    const is_tested = index % 499 === 5;
    const id = idOf(time, index, random);
    const row: LedgerRow = {
      id,
      request_id: `req_${id.replaceAll("-", "")}`,
      time,
      tenant: `tenant-${key % 20}`,
      team: `team-${key % 40}`,
      key: `key-${key}`,
      user: random() < 0.5 ? `user-${(key * 17 + skewed(20)) % USERS}` : null,
      feature: `feature-${(key + pick(3)) % FEATURES}`,
      tags: random() < 0.2 ? { env: "production", release: "2026.11.3" } : {},
      model: random() < 0.7 ? "chat" : `${provider}/${model}`,
      provider,
      served_model: model,
      status: fails ? 503 : is_limited ? 429 : 200,
      error: fails ? "upstream_error" : is_limited ? "rate_limit_exceeded" : null,
      finish_reason: fails ? null : "stop",
      stream: random() < 0.6,
      usage:
        fails || is_limited || is_kept
          ? NO_USAGE
          : { ...NO_USAGE, input_tokens, cached_input_tokens: pick(input_tokens), output_tokens },
      cost_nano_usd: fails || is_limited || is_kept ? 0 : input_tokens * price + output_tokens * 4 * price,
      price_version: "2026-11-20",
      saved_nano_usd: is_kept ? input_tokens * price : 0,
      cache: is_kept ? "hit" : "bypass",
      similarity: null,
      attempts: [{ provider, model, outcome: fails ? "503" : "ok" }],
      redactions: random() < 0.1 ? { EMAIL: 1 } : {},
      routing: is_tested ? { route: "ab", model: index % 2 === 0 ? "cheap" : "dear", split: true } : null,
      judged: index % 97 === 0 ? { refused: index % 9_700 === 0, cut: false, json: null, tools: null } : null,
      ...{ refusal: false, shadow: null, replay_of: null },
      guards: {},
      timings_us: { total: 400_000 + pick(4_000_000), first_byte: 300_000 + pick(300_000), overhead: 90 },
      estimated: random() < 0.01,
      trace: null,
      endpoint: "/chat/completions",
      sampled: random() < 0.1,
    };
    batch.push(writeRow(row));
    if (batch.length === batch_rows) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** A UUID of version 7: ordered by time, as the gateway's are. */
function idOf(time_ms: number, index: number, random: () => number): string {
  const time = time_ms.toString(16).padStart(12, "0");
  const order = (index % 4096).toString(16).padStart(3, "0");
  const word = () =>
    Math.floor(random() * 65_536)
      .toString(16)
      .padStart(4, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${order}-8${word().slice(1)}-${word()}${word()}${word()}`;
}
