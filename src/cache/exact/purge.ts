// What answers are removed by: whose they are, what they answer for, what they are marked with, or their key.

import { tenantPrefix } from "../key.ts";
import { type Card, cardOfBytes } from "./card.ts";
import { type Environment, MOST_KEY_BYTES } from "./environment.ts";
import { keysWith, walk } from "./walk.ts";
import type { Writes } from "./writes.ts";

/** Which answers: those for which all hold that are given. Nothing is meant where nothing is given, unless `all` is. */
export interface PurgeFilter {
  readonly tenant?: string;
  /** A model as clients ask for it, or `provider/model` as its provider calls it. */
  readonly model?: string;
  /** `name=value`, or `name` for whatever value. */
  readonly tag?: string;
  /** One answer's key, as `CacheKey.hex` gives it. */
  readonly key_hex?: string;
  readonly all?: true;
  /** Only those that were made before then. */
  readonly before_ms?: number;
}

/** Removes an answer and all that is known of it; inside of a transaction. */
export function removeAnswer({ answers, cards, used }: Environment, key: Uint8Array): void {
  void answers.remove(key);
  void cards.remove(key);
  void used.remove(key);
}

/**
 * Removes what the filter means and says how many answers that were. Answers that are put meanwhile may stay or go. Throws where
 * the store is closed; ends early where it cannot be written.
 */
export async function purgeAnswers(
  environment: Environment,
  writes: Writes,
  filter: PurgeFilter,
): Promise<number> {
  const { tenant, model, tag, key_hex, all, before_ms = Number.POSITIVE_INFINITY } = filter;
  if (tenant === undefined && model === undefined && tag === undefined && key_hex === undefined && !all)
    return 0;
  const only = key_hex === undefined ? null : Buffer.from(key_hex, "hex");
  if (only !== null && (only.length === 0 || only.toString("hex") !== key_hex?.toLowerCase())) return 0;
  const prefix = tenant === undefined ? Buffer.alloc(0) : tenantPrefix(tenant);
  if (Math.max(prefix.length, only?.length ?? 0) > MOST_KEY_BYTES) return 0;
  if (only !== null && !only.subarray(0, prefix.length).equals(prefix)) return 0;
  const range = only === null ? keysWith(prefix) : { start: only, end: Buffer.concat([only, Buffer.of(0)]) };

  let removed = 0;
  let keys: Uint8Array[] = [];
  await walk(
    environment.cards,
    range,
    ({ key, value }) => {
      const card = cardOfBytes(value);
      // A card that cannot be read is one of an answer that could never be removed otherwise.
      const is_old = card === null || card.created_s * 1_000 < before_ms;
      if (is_old && (card === null || isMeant(card, model, tag))) keys.push(key);
    },
    async () => {
      const found = keys;
      keys = [];
      if (found.length === 0) return true;
      const is_done = await writes.all(0, () => {
        for (const key of found) removeAnswer(environment, key);
      });
      if (is_done) removed += found.length;
      return is_done;
    },
  );
  return removed;
}

function isMeant(card: Card, model: string | undefined, tag: string | undefined): boolean {
  const is_model = model === undefined || card.model === model || card.served_by === model;
  const is_tag = tag === undefined || card.tags.some((own) => own === tag || own.startsWith(`${tag}=`));
  return is_model && is_tag;
}
