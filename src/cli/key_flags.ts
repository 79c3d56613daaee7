// The flags of `venturi keys create` as the body that the admin API takes. What values may be is the API's to say.

/** A limit's flag: its name in the configuration, with dashes. */
export const LIMIT_FLAGS: readonly string[] = [
  "rpm",
  "tpm",
  "concurrency",
  "usd-per-day",
  "usd-per-month",
  "requests-per-hour",
  "requests-per-day",
  "tokens-per-hour",
  "tokens-per-day",
];

const TEXT_FLAGS = ["name", "tenant", "team", "tier", "expires", "note"] as const;

/** The body, or in words what is wrong with the flags. */
export function keyBody(values: Readonly<Record<string, string | undefined>>): object | string {
  if (values["name"] === undefined) return "--name is needed";
  const body: Record<string, unknown> = {};
  for (const flag of TEXT_FLAGS) if (values[flag] !== undefined) body[flag] = values[flag];
  const { models } = values;
  if (models !== undefined) {
    const patterns = models.split(",").map((pattern) => pattern.trim());
    if (patterns.includes(""))
      return "--models must be patterns with commas between them, such as chat,openai/*";
    body["models"] = patterns;
  }
  const limits: Record<string, number> = {};
  for (const flag of LIMIT_FLAGS) {
    const text = values[flag];
    if (text === undefined) continue;
    if (!/^\d+(\.\d+)?$/.test(text)) return `--${flag} must be a number, not "${text}"`;
    limits[flag.replaceAll("-", "_")] = Number(text);
  }
  if (Object.keys(limits).length > 0) body["limits"] = limits;
  return body;
}
