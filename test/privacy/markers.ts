// Values that can be told wherever they turn up: more than two hundred, of every kind that is recognised, and a search for them in bytes of any
// sort, however they are written there.

import { TOLD_BY_CONTEXT, TOLD_BY_THEMSELVES } from "./recognisers/values.cases.ts";

/** A value, and a text that holds it and tells what it is. */
export interface Marker {
  readonly entity: string;
  readonly value: string;
  readonly text: string;
}

/** Shorter values turn up by chance. */
const VALUE_MIN_CHARS = 9;
/** Values that turn up without anybody's doing. */
const COMMON = new Set(["1234567890", "123-456-789"]);

/** Kinds of one's own, for a configuration. */
export const CUSTOM_KINDS = `
    - { name: STAFF_NUMBER, pattern: "ACME-[0-9]{6}" }
    - { name: CASE_NAME, pattern: "Vorgang [A-Z][a-z]+ [0-9]{4}" }`;

const own: Marker[] = [
  ...["ACME-481273", "ACME-909817", "ACME-377201"].map((value) => ({ entity: "STAFF_NUMBER", value })),
  ...["Vorgang Kranich 4821", "Vorgang Eisvogel 9037"].map((value) => ({ entity: "CASE_NAME", value })),
].map((kind) => ({ ...kind, text: `It is about ${kind.value}, I think.` }));

const listed: Marker[] = [
  ...TOLD_BY_THEMSELVES.flatMap(([entity, values]) =>
    values.map((value) => ({ entity, value, text: `It is ${value}, I think.` })),
  ),
  ...TOLD_BY_CONTEXT.map(([text, entity, value]) => ({ entity, value, text })),
].filter(({ value }) => value.length >= VALUE_MIN_CHARS && !COMMON.has(value));

/** All of them. */
export const MARKERS: readonly Marker[] = [
  ...new Map([...own, ...listed].map((marker) => [marker.value, marker])).values(),
];

/** Names that the built-in model finds in these texts. */
export const NAMED: readonly Marker[] = [
  "Barbara Johnson",
  "Olga Novak",
  "Peter Schmidt",
  "Maria Fernandez",
  "Thomas Anderson",
].map((value) => ({ entity: "PERSON", value, text: `My name is ${value} and I wrote to you yesterday.` }));

/** A way in which a value may be written, and the bytes that are searched for. */
interface Needle {
  readonly value: string;
  readonly form: string;
  readonly bytes: Uint8Array;
}

/** Every way in which a value may be written. A value of several lines is told by the longest of them. */
export function formsOf(value: string): readonly (readonly [form: string, bytes: Buffer])[] {
  const line = value.split(/\n|\\n/).reduce((longest, one) => (one.length > longest.length ? one : longest));
  const escaped = JSON.stringify(line).slice(1, -1);
  const ascii = escaped.replace(
    /[^ -~]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return [
    ["UTF-8", Buffer.from(line)],
    ["JSON", Buffer.from(escaped)],
    ["JSON in ASCII", Buffer.from(ascii)],
    ["JSON in JSON", Buffer.from(JSON.stringify(escaped).slice(1, -1))],
    ["JSON with slashes", Buffer.from(escaped.replaceAll("/", "\\/"))],
    ["percent signs", Buffer.from(encodeURIComponent(line))],
    ["UTF-16LE", Buffer.from(line, "utf16le")],
    ["UTF-16BE", Buffer.from(line, "utf16le").swap16()],
    ...[0, 1, 2].flatMap((before): [string, Buffer][] => {
      const inner = base64Within(Buffer.from(line), before);
      const url = inner.replaceAll("+", "-").replaceAll("/", "_");
      return [
        [`Base64 behind ${before}`, Buffer.from(inner)],
        [`Base64url behind ${before}`, Buffer.from(url)],
      ];
    }),
  ];
}

/** What Base64 makes of bytes wherever they stand: its digits that hold nothing of what is before and behind them. */
function base64Within(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes])
    .toString("base64")
    .replaceAll("=", "");
  const first = Math.ceil((before * 8) / 6);
  return text.slice(first, Math.floor(((before + bytes.length) * 8) / 6));
}

/** Searches bytes for markers. */
export class MarkerSearch {
  /** Needles by their first four bytes. */
  readonly #needles = new Map<number, Needle[]>();
  /** Whether a needle begins with two bytes. */
  readonly #begins = new Uint8Array(0x10000);

  constructor(markers: readonly Marker[]) {
    for (const { value } of markers) {
      const known = new Set<string>();
      for (const [form, bytes] of formsOf(value)) {
        if (known.has(bytes.toString("latin1"))) continue;
        known.add(bytes.toString("latin1"));
        const first = headOf(bytes, 0);
        this.#begins[bytes[0]! | (bytes[1]! << 8)] = 1;
        this.#needles.set(first, [...(this.#needles.get(first) ?? []), { value, form, bytes }]);
      }
    }
  }

  /** The markers that some bytes hold, as "value (form)". */
  in(bytes: Uint8Array): string[] {
    const found = new Set<string>();
    for (let page = 0; page < bytes.length; page += PAGE_BYTES) {
      // Most of a mapped file was never written.
      if (Buffer.compare(bytes.subarray(page, page + PAGE_BYTES), NOTHING) !== 0)
        this.#search(bytes, page, found);
    }
    return [...found];
  }

  /** Searches for what begins in a page, or with its last zero in the one before. */
  #search(bytes: Uint8Array, page: number, found: Set<string>): void {
    const end = Math.min(page + PAGE_BYTES, bytes.length - 3);
    for (let at = Math.max(0, page - 1); at < end; at++) {
      if (this.#begins[bytes[at]! | (bytes[at + 1]! << 8)] === 0) continue;
      for (const needle of this.#needles.get(headOf(bytes, at)) ?? []) {
        const needle_end = at + needle.bytes.length;
        const has_room = needle_end <= bytes.length;
        if (has_room && Buffer.compare(bytes.subarray(at, needle_end), needle.bytes) === 0) {
          found.add(`${needle.value} (${needle.form})`);
        }
      }
    }
  }
}

const PAGE_BYTES = 4_096;
const NOTHING = Buffer.alloc(PAGE_BYTES);

function headOf(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
