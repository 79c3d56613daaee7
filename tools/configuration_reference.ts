// The reference of the configuration, written from its schema: every key with what it is, what it may be, and what it is by default.
// What stands in several places (limits, timeouts, guards …) is told once.

import * as z from "zod";
import { config_schema } from "../src/config/schema.ts";

/** What of JSON Schema the configuration's schema uses. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

interface Row {
  readonly key: string;
  readonly type: string;
  readonly standard: string;
  readonly what: string;
}

const HEAD = `# Configuration

<!-- Written by \`npm run generate\` from src/config/schema.ts: change it there. -->

Every key of \`venturi.yaml\`. The file is watched: changes take effect when it is saved, and one with a fault changes nothing.
\`venturi check\` tells what is wrong with one, by line and column; \`venturi.schema.json\` is the same for editors:

\`\`\`yaml
# yaml-language-server: $schema=./venturi.schema.json
providers:
  openai: { kind: openai, api_keys: ["\${OPENAI_API_KEY}"] }
models:
  chat: { targets: [openai/gpt-4o-mini], fallbacks: [sim/echo] }
\`\`\`

Values may come from the environment, as \`\${NAME}\`, \`\${NAME:-default}\`, \`env.NAME\` or \`os.environ/NAME\`; \`$\${\` stands for the
characters \`\${\`. In the tables \`NAME\` is a name of your own, and \`[]\` an entry of a list. What has no default and is not marked *needed* may be left out.
`;

/** Kinds of providers are many: they are told in words. */
const ENUM_MAX = 12;

/** The whole page. */
export function configurationReference(): string {
  const schema = z.toJSONSchema(config_schema, { target: "draft-7", io: "input" }) as Schema;
  const shared = sharedParts(schema);
  const sections = Object.entries(schema.properties ?? {}).map(([name, part]) => {
    const is_value =
      part.properties === undefined && part.additionalProperties === undefined && part.items === undefined;
    if (!is_value) return `## ${name}\n\n${part.description ?? ""}\n\n${table(rowsWithin(part, "", shared))}`;
    return `## ${name}\n\n${table([rowOf(name, part, false, shared), ...deeper(part, name, shared)])}`;
  });
  const parts = [...shared].map(([id, name]) => {
    const part = JSON.parse(id) as Schema;
    return `## ${name}\n\n${placesOf(schema, id)
      .map((place) => `\`${place}\``)
      .join(", ")}.\n\n${table(rowsWithin(part, "", new Map([...shared].filter(([one]) => one !== id))))}`;
  });
  return [HEAD, ...sections, "# What stands in several places\n", ...parts].join("\n");
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ key, type, standard, what }) => `| \`${key}\` | ${what} | ${type} | ${standard} |`,
  );
  return `${["| key | | value | default |", "| --- | --- | --- | --- |", ...lines].join("\n")}\n`;
}

/** Objects that stand in several places, by their JSON, with the name that they have there. */
function sharedParts(schema: Schema): ReadonlyMap<string, string> {
  const seen = new Map<string, { count: number; name: string }>();
  visit(schema, "", (part, path) => {
    if (Object.keys(part.properties ?? {}).length < 2) return;
    const id = idOf(part);
    const known = seen.get(id);
    if (known === undefined) seen.set(id, { count: 1, name: path.replace(/.*\./, "").replace(/\[\]$/, "") });
    else known.count += 1;
  });
  const shared = new Map<string, string>();
  for (const [id, { count, name }] of seen)
    if (count > 1) shared.set(id, Object.hasOwn(schema.properties ?? {}, name) ? `${name}-entry` : name);
  // What stands within what is shared is told there.
  for (const id of [...shared.keys()]) {
    const own = [...shared.keys()].some(
      (other) =>
        other !== id &&
        other.includes(id.slice(1, -1)) &&
        placesOf(schema, id).every((place) =>
          placesOf(schema, other).some(
            (outer) => place.startsWith(`${outer}.`) || place.startsWith(`${outer}[`),
          ),
        ),
    );
    if (own) shared.delete(id);
  }
  return shared;
}

function placesOf(schema: Schema, id: string): string[] {
  const places: string[] = [];
  visit(schema, "", (part, path) => {
    if (part.properties !== undefined && idOf(part) === id) places.push(path);
  });
  return places;
}

/** What an object is, whatever is said of it where it stands. */
function idOf({ type, properties, required, additionalProperties }: Schema): string {
  return JSON.stringify({ type, properties, required, additionalProperties });
}

function visit(schema: Schema, path: string, see: (schema: Schema, path: string) => void): void {
  see(schema, path);
  for (const [name, part] of Object.entries(schema.properties ?? {}))
    visit(part, path === "" ? name : `${path}.${name}`, see);
  if (typeof schema.additionalProperties === "object")
    visit(schema.additionalProperties, `${path}.NAME`, see);
  if (schema.items !== undefined) visit(schema.items, `${path}[]`, see);
  for (const part of alternatives(schema)) visit(part, path, see);
}

function alternatives(schema: Schema): readonly Schema[] {
  return (schema.anyOf ?? schema.oneOf ?? []).flatMap((one) =>
    alternatives(one).length > 0 ? alternatives(one) : [one],
  );
}

/** Rows of what is within a part. */
function rowsWithin(schema: Schema, path: string, shared: ReadonlyMap<string, string>): Row[] {
  const rows: Row[] = [];
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const key = path === "" ? name : `${path}.${name}`;
    const is_needed = (schema.required ?? []).includes(name) && part.default === undefined;
    rows.push(rowOf(key, part, is_needed, shared), ...deeper(part, key, shared));
  }
  if (path === "" || schema.properties === undefined) rows.push(...deeper(schema, path, shared));
  return rows;
}

/** Rows of what a value holds, but for what is told elsewhere. */
function deeper(schema: Schema, key: string, shared: ReadonlyMap<string, string>): Row[] {
  if (schema.properties !== undefined && key !== "")
    return shared.has(idOf(schema)) ? [] : rowsWithin(schema, key, shared);
  const { additionalProperties: record, items } = schema;
  const rows: Row[] = [];
  const inside = (part: Schema, own: string): void => {
    if (
      part.properties !== undefined ||
      part.items !== undefined ||
      alternatives(part).length > 0 ||
      typeof part.additionalProperties === "object"
    )
      rows.push(...deeper(part, own, shared));
  };
  if (typeof record === "object") inside(record, key === "" ? "NAME" : `${key}.NAME`);
  if (items !== undefined) inside(items, `${key}[]`);
  for (const part of alternatives(schema)) {
    const kind = part.properties?.["guard"]?.const;
    if (kind !== undefined && part.properties !== undefined) {
      const { guard: _, ...properties } = part.properties;
      rows.push(...rowsWithin({ ...part, properties }, `${key}(${String(kind)})`, shared));
    } else inside(part, key);
  }
  return rows;
}

function rowOf(
  key: string,
  schema: Schema,
  is_needed: boolean,
  shared: ReadonlyMap<string, string> = new Map(),
): Row {
  return {
    key,
    type: escaped(typeOf(schema, shared)),
    standard: is_needed ? "*needed*" : standardOf(schema.default),
    what: escaped(schema.description ?? ""),
  };
}

function standardOf(value: unknown): string {
  if (value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0))
    return "";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

function typeOf(schema: Schema, shared: ReadonlyMap<string, string>): string {
  const named = schema.properties === undefined ? undefined : shared.get(idOf(schema));
  if (named !== undefined) return `[${named}](#${named})`;
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined)
    return schema.enum.length > ENUM_MAX
      ? "one of the known names"
      : schema.enum.map((one) => `\`${String(one)}\``).join(", ");
  const all = alternatives(schema);
  if (all.length > 0) return [...new Set(all.map((one) => typeOf(one, shared)))].join(" or ");
  switch (schema.type) {
    case "integer":
      return `whole number${rangeOf(schema)}`;
    case "number":
      return `number${rangeOf(schema)}`;
    case "boolean":
      return "`true`, `false`";
    case "array":
      return `list of ${schema.items === undefined ? "anything" : plural(typeOf(schema.items, shared))}`;
    case "object":
      return schema.properties === undefined ? "map" : "map of the keys below";
    default:
      return "text";
  }
}

function plural(type: string): string {
  if (type === "text") return "texts";
  return type === "map of the keys below" ? "maps of the keys below" : type;
}

function rangeOf({ minimum, exclusiveMinimum, maximum }: Schema): string {
  const most = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? null : maximum;
  if (exclusiveMinimum !== undefined)
    return ` over ${exclusiveMinimum}${most === null ? "" : `, to ${shown(most)}`}`;
  if (minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER)
    return most === null ? ` from ${shown(minimum)}` : ` from ${shown(minimum)} to ${shown(most)}`;
  return most === null ? "" : ` to ${shown(most)}`;
}

function shown(number: number): string {
  return number.toLocaleString("en-US");
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ").replaceAll("<", "&lt;");
}
