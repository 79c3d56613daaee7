// The `generationConfig`, both ways: how the answer is made and what it looks like.
// Source: https://ai.google.dev/api/generate-content#generationconfig

import { GatewayError } from "../../errors.ts";
import { isExactNumber } from "../../wire/exact_json.ts";
import { isFields, list, record } from "../fields.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest, OutputFormat } from "../neutral/request.ts";
import { camelFields, textOf, unknownFields } from "./names.ts";
import { toJsonSchema } from "./schema.ts";
import { readThinking, writeThinking } from "./thinking.ts";
import { withoutDialect } from "./tools.ts";

type Json = Readonly<Record<string, unknown>>;

/** Numbers, as they are called in the request and here. */
const NUMBERS = [
  ["maxOutputTokens", "max_tokens"],
  ["temperature", "temperature"],
  ["topP", "top_p"],
  ["topK", "top_k"],
  ["frequencyPenalty", "frequency_penalty"],
  ["presencePenalty", "presence_penalty"],
  ["seed", "seed"],
  ["candidateCount", "choices"],
] as const;

const KNOWN = new Set<string>([
  ...NUMBERS.map(([name]) => name),
  ...["stopSequences", "responseLogprobs", "logprobs", "thinkingConfig", "responseModalities"],
  ...["responseMimeType", "responseSchema", "responseJsonSchema"],
]);
/** Gemini takes no more stop sequences. */
const STOPS_MAX = 5;
const MODALITIES = new Set(["TEXT", "IMAGE", "AUDIO", "VIDEO"]);

/** What a `generationConfig` says, and what of it only Gemini knows. */
export interface ReadConfig {
  readonly said: Partial<ChatRequest>;
  readonly own?: Json;
}

/** Reads a `generationConfig`. */
export function readGenerationConfig(value: unknown): ReadConfig | GatewayError {
  if (value === undefined || value === null) return { said: {} };
  const config = camelFields(value);
  if (config === null) return wrongType("generationConfig", "an object");
  const numbers: Record<string, number> = {};
  for (const [name, neutral] of NUMBERS) {
    const number = config[name] ?? null;
    if (number === null) continue;
    // A seed may be longer than a double: it is kept, to be written again.
    if (typeof number !== "number" && !isExactNumber(number))
      return wrongType(`generationConfig.${name}`, "a number");
    numbers[neutral] = number as number;
  }
  const stop = config["stopSequences"] ?? [];
  if (!Array.isArray(stop) || !stop.every((text) => typeof text === "string"))
    return wrongType("generationConfig.stopSequences", "a list of texts");
  const { output, own: output_own } = readOutput(config);
  const modalities = list(config["responseModalities"]).map((name) => String(name).toUpperCase());
  const own = { ...unknownFields(config, KNOWN), ...output_own };
  return {
    said: {
      ...numbers,
      stop: stop as string[],
      output,
      reasoning: readThinking(config["thinkingConfig"]),
      logprobs: config["responseLogprobs"] === true ? { top: countOf(config["logprobs"]) } : null,
      modalities: modalities.filter((name) => MODALITIES.has(name)).map((name) => name.toLowerCase()),
    },
    ...(Object.keys(own).length === 0 ? {} : { own }),
  };
}

function wrongType(param: string, wanted: string): GatewayError {
  return new GatewayError("invalid_type", `'${param}' must be ${wanted}.`, { param });
}

function countOf(value: unknown): number {
  return typeof value === "number" && value > 0 ? Math.floor(value) : 0;
}

/** The output's format. A schema in Gemini's own words stays beside it as it came; one of several values is a text of its own kind. */
function readOutput(config: Json): { readonly output: OutputFormat | null; readonly own?: Json } {
  const { responseMimeType, responseSchema } = config;
  const type = textOf(responseMimeType);
  const json_schema = config["responseJsonSchema"] ?? config["_responseJsonSchema"];
  if (isFields(json_schema)) return { output: schemaFormat(json_schema) };
  const own = isFields(responseSchema) ? { responseSchema } : {};
  if (type === undefined || type === "application/json") {
    if (isFields(responseSchema)) return { output: schemaFormat(toJsonSchema(responseSchema)), own };
    return { output: type === undefined ? null : { kind: "json" } };
  }
  if (type === "text/plain" && !isFields(responseSchema)) return { output: { kind: "text" } };
  return { output: null, own: { responseMimeType: type, ...own } };
}

function schemaFormat(schema: Json): OutputFormat {
  const name = plainName(textOf(schema["title"]) ?? "");
  return { kind: "schema", name: name === "" ? "answer" : name, schema, strict: null };
}

/** A schema's name as OpenAI allows one: letters, digits, `_` and `-`, at most 64. */
function plainName(title: string): string {
  let name = "";
  for (const letter of title.slice(0, 64)) {
    const code = letter.charCodeAt(0) | 0x20;
    const is_letter = code >= 0x61 && code <= 0x7a;
    name += is_letter || (letter >= "0" && letter <= "9") || letter === "_" || letter === "-" ? letter : "_";
  }
  return name;
}

/** The `generationConfig` of a request. */
export function writeGenerationConfig(request: ChatRequest, model: string, losses: Losses): Json {
  const own = request.own?.format === "gemini" ? record(request.own.fields["generationConfig"]) : {};
  const { stop, logprobs, reasoning, modalities } = request;
  const numbers = NUMBERS.filter(([, neutral]) => request[neutral] !== null);
  const thinking = reasoning === null ? undefined : writeThinking(reasoning, model, losses);
  if (stop.length > STOPS_MAX) losses.lose("stop", "meaning");
  if (request.min_p !== null) losses.lose("min_p", "hint");
  if (request.logit_bias !== null) losses.lose("logit_bias", "meaning");
  return {
    ...Object.fromEntries(numbers.map(([name, neutral]) => [name, request[neutral]])),
    ...(stop.length === 0 ? {} : { stopSequences: stop.slice(0, STOPS_MAX) }),
    ...(logprobs === null
      ? {}
      : { responseLogprobs: true, ...(logprobs.top > 0 ? { logprobs: logprobs.top } : {}) }),
    ...(thinking === undefined ? {} : { thinkingConfig: thinking }),
    ...(modalities.length === 0 ? {} : { responseModalities: modalities.map((name) => name.toUpperCase()) }),
    ...writeOutput(request.output, own["responseSchema"] !== undefined),
    ...own,
  };
}

/**
 * Schemas go as JSON Schema, which Gemini takes whole: the subset of OpenAPI beside it has no `$ref`, no `additionalProperties`.
 * @param has_schema the request brought one in Gemini's own words
 */
function writeOutput(output: OutputFormat | null, has_schema: boolean): Json {
  switch (output?.kind) {
    case "json":
      return { responseMimeType: "application/json" };
    case "schema":
      return {
        responseMimeType: "application/json",
        ...(has_schema ? {} : { responseJsonSchema: withoutDialect(output.schema) }),
      };
    case "text":
      return { responseMimeType: "text/plain" };
    default:
      return {};
  }
}
