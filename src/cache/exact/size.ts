// How much the answers take: the pages that LMDB's trees have, which it counts itself. Free pages are not among them.

import type { Environment } from "./environment.ts";

/** Sizes of a store. */
export interface StoreSize {
  readonly entries: number;
  /** Bytes of all pages in use. */
  readonly bytes: number;
  /** Bytes up to the last page that was ever used. */
  readonly file_bytes: number;
}

/** Looks how large a store is: tens of microseconds. Throws where it is closed. */
export function sizeOf({ root, answers, cards, used, blocked, refreshes }: Environment): StoreSize {
  const cards_stats = countsOf(cards.getStats());
  const root_stats = countsOf(root.getStats());
  const others = [answers, used, blocked, refreshes].map((database) => countsOf(database.getStats()));
  const all = [cards_stats, root_stats, ...others];
  const page_bytes = root_stats["pageSize"] ?? 0;
  const pages = (stats: Record<string, number>) =>
    (stats["treeBranchPageCount"] ?? 0) + (stats["treeLeafPageCount"] ?? 0) + (stats["overflowPages"] ?? 0);
  return {
    entries: cards_stats["entryCount"] ?? 0,
    bytes: page_bytes * all.reduce((sum, stats) => sum + pages(stats), 0),
    file_bytes: page_bytes * ((root_stats["lastPageNumber"] ?? 0) + 1),
  };
}

function countsOf(stats: object): Record<string, number> {
  return Object.fromEntries(Object.entries(stats).filter(([, value]) => typeof value === "number"));
}
