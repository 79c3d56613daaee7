// Validates what the gateway answers against OpenAI's own OpenAPI description, read in place from the fixtures.
// The description is turned once into one JSON Schema document; a schema is compiled when it is first asked for.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const FILE = join(import.meta.dirname, "../../../shared/fixtures/_openapi/openai-openapi.yaml");

/** Why nothing can be validated here, for `describe.skipIf`; null where the description is there. */
export const OPENAPI_MISSING: string | null = existsSync(FILE)
  ? null
  : "OpenAI's OpenAPI description is not beside the checkout (shared/fixtures/_openapi/openai-openapi.yaml)";

type Json = Record<string, unknown>;

/** What is wrong with a value, one line each, with JSON pointers into it; empty where it is valid. */
export type Problems = readonly string[];

/**
 * Validates the JSON body of an answer. `path` is as requested: with or without `/v1` and a query. Error statuses are
 * validated as errors. A method, path or status that OpenAI does not describe is a problem.
 */
export function validateAnswer(method: string, path: string, status: number, body: unknown): Problems {
  if (status >= 400) return validateError(body);
  const operation = operationOf(method, path);
  if (operation === null) return [`OpenAI describes no ${method} ${path}`];
  const responses = operation.responses as Json | undefined;
  const answer = follow(responses?.[String(status)]);
  const schema = jsonPath(answer, ["content", "application/json", "schema"]);
  if (schema === undefined) return [`OpenAI describes no JSON for status ${status} of ${method} ${path}`];
  return validate(`${method} ${pathKey(path)} ${status}`, schema, body);
}

/** Validates the data of one event of a stream, parsed. `path` is where the stream was asked for. */
export function validateChunk(path: string, data: unknown): Problems {
  const key = pathKey(path);
  if (key.endsWith("/chat/completions")) return validateSchema("CreateChatCompletionStreamResponse", data);
  if (key.endsWith("/completions")) return validate("legacy chunk", legacyChunk(), data);
  if (key.endsWith("/responses")) return validateSchema("ResponseStreamEvent", data);
  return [`OpenAI describes no stream of ${path}`];
}

/** Validates an error body. */
export function validateError(body: unknown): Problems {
  return validateSchema("ErrorResponse", body);
}

/** Validates against a schema of the description, by its name. */
export function validateSchema(name: string, value: unknown): Problems {
  return validate(name, { $ref: `#/components/schemas/${name}` }, value);
}

let loaded: { readonly description: Json; readonly ajv: Ajv2020 } | null = null;
const compiled = new Map<string, ValidateFunction>();

function load(): { readonly description: Json; readonly ajv: Ajv2020 } {
  if (loaded === null) {
    if (OPENAPI_MISSING !== null) throw new Error(OPENAPI_MISSING);
    const description = Bun.YAML.parse(readFileSync(FILE, "utf8")) as Json;
    const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false, logger: false });
    addFormats.default(ajv);
    ajv.addFormat("unixtime", { type: "number", validate: Number.isSafeInteger });
    const components = { schemas: toJsonSchema(jsonPath(description, ["components", "schemas"])) };
    ajv.addSchema({ $id: "openai", components });
    loaded = { description, ajv };
  }
  return loaded;
}

function validate(name: string, schema: unknown, value: unknown): Problems {
  const { ajv } = load();
  let check = compiled.get(name);
  if (check === undefined) {
    check = ajv.compile(absolute(toJsonSchema(schema)) as Json);
    compiled.set(name, check);
  }
  if (check(value)) return [];
  return (check.errors ?? []).map(
    (error) =>
      `${error.instancePath || "/"} ${error.message ?? error.keyword} ${JSON.stringify(error.params)}`,
  );
}

/**
 * A schema as JSON Schema 2020-12 has it: the description is OpenAPI 3.1 with remains of 3.0, `nullable` and
 * `exclusiveMinimum: true` among them.
 */
function toJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(toJsonSchema);
  if (typeof schema !== "object" || schema === null) return schema;
  const turned: Json = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, toJsonSchema(value)]),
  );
  if (typeof turned.$recursiveRef === "string") {
    // The two recursive schemas of the description are filters that nest themselves.
    turned.$ref = "#/components/schemas/CompoundFilter";
    delete turned.$recursiveRef;
  }
  for (const [flag, bound] of [
    ["exclusiveMinimum", "minimum"],
    ["exclusiveMaximum", "maximum"],
  ] as const) {
    if (turned[flag] === true) {
      turned[flag] = turned[bound];
      delete turned[bound];
    } else if (turned[flag] === false) delete turned[flag];
  }
  // Only where it is the keyword: a property may have this name too.
  if (typeof turned.nullable !== "boolean") return turned;
  const { nullable, ...rest } = turned;
  return nullable ? { anyOf: [rest, { type: "null" }] } : rest;
}

/** The schema with its references into the description's document. */
function absolute(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(absolute);
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) =>
      key === "$ref" && typeof value === "string"
        ? [key, value.replace(/^#/, "openai#")]
        : [key, absolute(value)],
    ),
  );
}

/** The description has no schema for legacy chunks: an answer whose `finish_reason` and `usage` are null before the end. */
function legacyChunk(): unknown {
  const answer = structuredClone(
    jsonPath(load().description, ["components", "schemas", "CreateCompletionResponse"]),
  );
  const finish_reason = jsonPath(answer, [
    "properties",
    "choices",
    "items",
    "properties",
    "finish_reason",
  ]) as Json;
  finish_reason.nullable = true;
  const properties = jsonPath(answer, ["properties"]) as Json;
  properties.usage = { anyOf: [properties.usage, { type: "null" }] };
  return answer;
}

/** The operation of a method and a path, or null. */
function operationOf(method: string, path: string): Json | null {
  const steps = pathKey(path).split("/");
  const paths = jsonPath(load().description, ["paths"]) as Json;
  for (const [template, item] of Object.entries(paths)) {
    const expected = template.split("/");
    const fits = expected.every((step, index) => step.startsWith("{") || step === steps[index]);
    const operation = (item as Json)[method.toLowerCase()];
    if (fits && expected.length === steps.length && operation !== undefined) return operation as Json;
  }
  return null;
}

/** A path without version and query. */
function pathKey(path: string): string {
  return path.replace(/\?.*$/, "").replace(/^\/v1(?=\/)/, "");
}

/** What a reference within the description stands for; other values are themselves. */
function follow(value: unknown): unknown {
  const reference = jsonPath(value, ["$ref"]);
  if (typeof reference !== "string") return value;
  return jsonPath(load().description, reference.replace("#/", "").split("/"));
}

function jsonPath(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Json)[key];
  }
  return found;
}
