// What costs are told by, and for which times.

/** Times that costs are told of. */
export const RANGES = [
  ["1d", "24 hours"],
  ["7d", "7 days"],
  ["30d", "30 days"],
  ["90d", "90 days"],
] as const;
/** One of them. */
export type Range = (typeof RANGES)[number][0];
/** The same time again, before: what movers are compared with. */
export const BEFORE: Readonly<Record<Range, string>> = {
  "1d": "2d",
  "7d": "14d",
  "30d": "60d",
  "90d": "180d",
};

/** What costs are told by. */
export const FIELDS = [
  ["feature", "Feature"],
  ["tenant", "Tenant"],
  ["team", "Team"],
  ["user", "User"],
  ["key", "Key"],
  ["model", "Model"],
  ["served_model", "Answering model"],
  ["provider", "Provider"],
] as const;
/** One of them. */
export type Field = (typeof FIELDS)[number][0];

/** What a field is called. */
export function nameOf(by: Field): string {
  return FIELDS.find(([field]) => field === by)![1];
}
