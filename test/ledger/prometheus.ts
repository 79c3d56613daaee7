// A strict reader of Prometheus' text format (exposition format 0.0.4), as promtool's `check metrics` would take it: what is no part of
// the format is a fault, and so is what scrapers would take and misread.

/** A metric family. */
export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** One line. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const HELP = new RegExp(`^# HELP (${NAME}) (.+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/;
const VALUE = /^([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|\+Inf|-Inf|NaN)$/;

/** Reads a whole text; throws at its first fault. */
export function parsePrometheus(text: string): Family[] {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families: { name: string; type: Family["type"]; help: string; samples: Sample[] }[] = [];
  const seen = new Set<string>();
  let help: RegExpExecArray | null = null;
  for (const line of text.slice(0, -1).split("\n")) {
    const fail = (why: string) => new Error(`${why}: ${line}`);
    if (line.startsWith("#")) {
      if (help === null) {
        help = HELP.exec(line);
        if (help === null) throw fail("no HELP where one should be");
        continue;
      }
      const type = TYPE.exec(line);
      if (type === null || type[1] !== help[1]) throw fail("no TYPE behind its HELP");
      if (families.some(({ name }) => name === type[1])) throw fail("told twice");
      families.push({ name: type[1]!, type: type[2] as Family["type"], help: help[2]!, samples: [] });
      help = null;
      continue;
    }
    if (help !== null) throw fail("no TYPE behind its HELP");
    const family = families.at(-1);
    const parts = SAMPLE.exec(line);
    if (family === undefined || parts === null) throw fail("no sample");
    const [, name = "", labels_text = "", value = ""] = parts;
    if (!VALUE.test(value)) throw fail("no number");
    const allowed =
      family.type === "histogram"
        ? ["_bucket", "_sum", "_count"].map((end) => family.name + end)
        : [family.name];
    if (!allowed.includes(name)) throw fail(`not of ${family.name}`);
    const labels = labelsOf(labels_text, fail);
    const key = `${name}${JSON.stringify(Object.entries(labels).sort())}`;
    if (seen.has(key)) throw fail("the same sample twice");
    seen.add(key);
    family.samples.push({ name, labels, value: numberOf(value) });
  }
  for (const family of families) check(family);
  return families;
}

function numberOf(text: string): number {
  if (text === "NaN") return Number.NaN;
  return text.endsWith("Inf") ? (text.startsWith("-") ? -Infinity : Infinity) : Number(text);
}

function labelsOf(text: string, fail: (why: string) => Error): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const parts = LABEL.exec(rest);
    if (parts === null) throw fail("no label");
    const [whole, name = "", value = ""] = parts;
    if (name in labels || name.startsWith("__")) throw fail(`label ${name}`);
    labels[name] = value.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
    rest = rest.slice(whole.length);
  }
  return labels;
}

function check({ name, type, samples }: Family): void {
  const fail = (why: string) => new Error(`${name}: ${why}`);
  if (type === "counter" && !name.endsWith("_total")) throw fail("counters end in _total");
  if (type !== "counter" && name.endsWith("_total")) throw fail("only counters end in _total");
  if (type === "counter" && samples.some(({ value }) => !(value >= 0))) throw fail("a counter below 0");
  if (type !== "histogram") return;
  const rows = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _, ...own } = sample.labels;
    const key = JSON.stringify(Object.entries(own).sort());
    rows.set(key, [...(rows.get(key) ?? []), sample]);
  }
  for (const row of rows.values()) {
    const buckets = row.filter((sample) => sample.name.endsWith("_bucket"));
    const bounds = buckets.map(({ labels }) => numberOf(labels["le"] ?? ""));
    const counts = buckets.map(({ value }) => value);
    if (bounds.at(-1) !== Infinity) throw fail("no bucket for all");
    if (!isGrowing(bounds, false) || !isGrowing(counts, true)) throw fail("buckets must grow");
    const count = row.find((sample) => sample.name.endsWith("_count"))?.value;
    if (count !== counts.at(-1)) throw fail("the last bucket is not the count");
    if (!row.some((sample) => sample.name.endsWith("_sum"))) throw fail("no sum");
  }
}

function isGrowing(numbers: readonly number[], may_stay: boolean): boolean {
  return numbers.every(
    (one, index) => index === 0 || one > numbers[index - 1]! || (may_stay && one === numbers[index - 1]),
  );
}

/** Names of metrics that a PromQL expression asks for; it must not be one that this does not understand. */
export function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\{[^}]*\}/g, "")
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, "")
    .replaceAll(/\[[^\]]*\]/g, "");
  return [...bare.matchAll(/\bventuri_\w+/g)].map(([name]) => name);
}
