// Removes the answers that a filter means from the store of a data folder.

import { cardOfBytes } from "./card.ts";
import { type Environment, MOST_KEY_BYTES } from "./environment.ts";
import { isMeant, keysMeant, type PurgeFilter } from "./purge_filter.ts";
import { keysWith, walk } from "./walk.ts";
import type { Writes } from "./writes.ts";

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
  const meant = keysMeant(filter);
  if (meant === null) return 0;
  const { prefix, only } = meant;
  if (Math.max(prefix.length, only?.length ?? 0) > MOST_KEY_BYTES) return 0;
  const range = only === null ? keysWith(prefix) : { start: only, end: Buffer.concat([only, Buffer.of(0)]) };

  let removed = 0;
  let keys: Uint8Array[] = [];
  await walk(
    environment.cards,
    range,
    ({ key, value }) => {
      const card = cardOfBytes(value);
      // A card that cannot be read is one of an answer that could never be removed otherwise.
      if (card === null || isMeant({ ...card, created_ms: card.created_s * 1_000 }, filter)) keys.push(key);
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
