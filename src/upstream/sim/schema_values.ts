// Single values for a JSON Schema: strings within their lengths and formats, numbers within their bounds.
// Values speak of the property that they are for, so that a call's arguments can be read.

/** A JSON Schema that is an object. */
export type Schema = Readonly<Record<string, unknown>>;

/** Strings are made no longer than this for `minLength`; characters. */
const LENGTH_MAX = 10_000;
/** How far from its lower bound a number lies at most. */
const SPREAD = 100;

const FORMATS: Readonly<Record<string, string>> = {
  "date-time": "2025-01-01T12:00:00Z",
  date: "2025-01-01",
  time: "12:00:00Z",
  duration: "P1D",
  email: "someone@example.com",
  "idn-email": "someone@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/",
  "uri-reference": "/example",
  url: "https://example.com/",
  iri: "https://example.com/",
  uuid: "3f2b1a90-7c4d-4e5f-8a6b-0c1d2e3f4a5b",
  "json-pointer": "/example",
  regex: "^example$",
  byte: "ZXhhbXBsZQ==",
};

const WORDS = ["lorem", "ipsum", "dolor", "amet", "tempor", "magna", "aliqua", "veniam"] as const;

/** A string of a known `format`, or the property's name and a word, within `minLength` and `maxLength`. */
export function sampleString(schema: Schema, name: string, random: (bound: number) => number): string {
  const format = typeof schema.format === "string" ? FORMATS[schema.format] : undefined;
  const word = WORDS[random(WORDS.length)] ?? WORDS[0];
  if (format !== undefined) return format;
  const least = typeof schema.minLength === "number" ? Math.min(schema.minLength, LENGTH_MAX) : 0;
  const most = typeof schema.maxLength === "number" ? schema.maxLength : Number.POSITIVE_INFINITY;
  let text = name === "" ? word : `${name} ${word}`;
  while (text.length < least) text += ` ${word}`;
  // Lengths count code points; a name cut between them stays text.
  if (text.length > most) text = [...text].slice(0, most).join("");
  return text;
}

/** A number within `minimum`, `maximum` and their exclusive forms that is a multiple of `multipleOf`. */
export function sampleNumber(schema: Schema, whole: boolean, random: (bound: number) => number): number {
  const step =
    typeof schema.multipleOf === "number" && schema.multipleOf > 0 ? schema.multipleOf : whole ? 1 : 0.5;
  const low = lowest(schema, step);
  const high = highest(schema, step);
  const from = low ?? (high === null ? 1 : high - SPREAD * step);
  const to = Math.min(high ?? Number.POSITIVE_INFINITY, from + SPREAD * step);
  const first = Math.ceil(from / step);
  const last = Math.floor(to / step);
  // No multiple between the bounds: numbers without `multipleOf` still have the bounds and what lies between them.
  if (first > last) return low !== null && high !== null ? (low + high) / 2 : from;
  const value = (first + random(last - first + 1)) * step;
  return Number.isSafeInteger(step) ? value : Number(value.toPrecision(12));
}

/** The least value allowed; an exclusive bound is left by one step, or by half of what lies between the bounds. */
function lowest(schema: Schema, step: number): number | null {
  const least = typeof schema.minimum === "number" ? schema.minimum : null;
  const above = typeof schema.exclusiveMinimum === "number" ? schema.exclusiveMinimum : null;
  if (above === null || (least !== null && least > above)) return least;
  return above + inward(schema, step);
}

function highest(schema: Schema, step: number): number | null {
  const most = typeof schema.maximum === "number" ? schema.maximum : null;
  const below = typeof schema.exclusiveMaximum === "number" ? schema.exclusiveMaximum : null;
  if (below === null || (most !== null && most < below)) return most;
  return below - inward(schema, step);
}

/** How far inside an exclusive bound to stay. */
function inward(schema: Schema, step: number): number {
  const low = schema.exclusiveMinimum ?? schema.minimum;
  const high = schema.exclusiveMaximum ?? schema.maximum;
  if (typeof low !== "number" || typeof high !== "number") return step;
  return Math.min(step, (high - low) / 4);
}
