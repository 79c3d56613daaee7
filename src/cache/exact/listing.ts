// Which answers there are, without reading any: for whoever looks through them.

import { CacheKey, tenantPrefix } from "../key.ts";
import { cardOfBytes } from "./card.ts";
import { type Environment, MOST_KEY_BYTES } from "./environment.ts";
import { keysWith, walk } from "./walk.ts";

/** What answers are looked for. */
export interface ListingQuery {
  readonly tenant?: string | undefined;
  /** As clients ask for it, or `provider/model`. */
  readonly model?: string | undefined;
  /** Only behind this key, as `key` of the last one seen: the next page. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** An answer that is kept. */
export interface ListedAnswer {
  /** As `CacheKey.hex` gives it. */
  readonly key: string;
  readonly tenant: string;
  /** What it is narrowed to within the tenant, such as `key:checkout`; empty for the whole of it. */
  readonly within: string;
  readonly model: string;
  readonly served_by: string;
  readonly tags: readonly string[];
  readonly bytes: number;
  readonly created_s: number;
  /** Until then it may be given; milliseconds since 1970. */
  readonly ends_ms: number;
}

/** Lists answers in the order of their keys, a little at a time. Throws where the store is closed. */
export async function listAnswers(environment: Environment, query: ListingQuery): Promise<ListedAnswer[]> {
  const { tenant, model, after, limit } = query;
  const prefix = tenant === undefined ? Buffer.alloc(0) : tenantPrefix(tenant);
  const last = after === undefined ? null : Buffer.from(after, "hex");
  if (Math.max(prefix.length, last?.length ?? 0) > MOST_KEY_BYTES) return [];
  const range = keysWith(prefix);
  const start = last === null ? range.start : Buffer.concat([last, Buffer.of(0)]);
  const found: ListedAnswer[] = [];
  await walk(
    environment.cards,
    { ...range, ...(start === undefined ? {} : { start }) },
    ({ key, value, version }) => {
      if (found.length >= limit) return;
      const card = cardOfBytes(value);
      const parsed = CacheKey.parse(key);
      if (card === null || parsed === null) return;
      if (model !== undefined && card.model !== model && card.served_by !== model) return;
      found.push({ key: parsed.hex, ...parsed.scope, ...card, ends_ms: version });
    },
    async () => found.length < limit,
  );
  return found;
}
