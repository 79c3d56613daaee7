// The simulator's endpoints: from method, path and body to an answer, without any state.
// Requests are checked in the order in which a provider would: path, JSON, model, then the fields.

import { SIM_MODELS } from "../../config/providers.ts";
import { type Answer, errorAnswer, plainAnswer, type Refusal, refusal } from "./answer.ts";
import { answerChat } from "./chat.ts";
import { answerCompletion, promptTexts } from "./completions.ts";
import { answerEmbeddings, DEFAULT_DIMENSIONS } from "./embeddings.ts";
import { CREATED_S, isSimModel, type SimModel } from "./models.ts";
import { answerModerations } from "./moderations.ts";
import { hexHash } from "./random.ts";
import {
  type ChatRequest,
  type CompletionRequest,
  chat_request,
  check,
  completion_request,
  type EmbeddingsRequest,
  embeddings_request,
  moderations_request,
} from "./request.ts";
import { toolName } from "./speech.ts";
import { contentText } from "./usage.ts";

/** UTF-16 units of all choices of an answer. */
const ANSWER_UNITS_MAX = 64 * 1024 * 1024;
/** Numbers of all vectors of an answer. */
const NUMBERS_MAX = 4 * 1024 * 1024;

/** Digits of the hash that names an answer. */
const ID_DIGITS = 29;

type Fields = Readonly<Record<string, unknown>>;
type Endpoint = (model: SimModel, fields: Fields, id: string) => Answer;

const ENDPOINTS: readonly (readonly [suffix: string, endpoint: Endpoint])[] = [
  ["/chat/completions", chat],
  ["/completions", completion],
  ["/embeddings", embeddings],
  ["/moderations", moderations],
];

/** Answers a request. `path` may have a query; what comes before the endpoint's name in it does not matter. */
export function answerRequest(method: string, path: string, body: Uint8Array): Answer {
  const query = path.indexOf("?");
  const plain_path = query < 0 ? path : path.slice(0, query);
  const id = hexHash(body, ID_DIGITS);
  if (method === "GET") {
    if (plain_path.endsWith("/models"))
      return plainAnswer(id, { object: "list", data: SIM_MODELS.map(modelCard) });
    const name = /\/models\/([^/]+)$/.exec(plain_path)?.[1];
    if (name !== undefined)
      return isSimModel(name) ? plainAnswer(id, modelCard(name)) : unknownModel(id, name);
  }
  const endpoint =
    method === "POST" ? ENDPOINTS.find(([suffix]) => plain_path.endsWith(suffix))?.[1] : undefined;
  if (endpoint === undefined) {
    const message = `Unknown request URL: ${method} ${plain_path}. Please check the URL for typos.`;
    return errorAnswer(id, refusal(message, null, "unknown_url", 404));
  }
  const fields = parseObject(body);
  if (fields === null) {
    const message = "We could not parse the JSON body of your request. The API expects a JSON object.";
    return errorAnswer(id, refusal(message, null, null));
  }
  const model = fields.model ?? (endpoint === moderations ? "echo" : undefined);
  if (model === undefined) {
    return errorAnswer(
      id,
      refusal("You must provide a model parameter.", "model", "missing_required_parameter"),
    );
  }
  if (typeof model !== "string") {
    return errorAnswer(id, refusal("Invalid type for 'model': expected a string.", "model", "invalid_type"));
  }
  if (!isSimModel(model)) return unknownModel(id, model);
  return failure(model, id) ?? endpoint(model, fields, id);
}

/** The answer to a request that is larger than `limit_bytes`. */
export function answerTooLarge(limit_bytes: number): Answer {
  const message = `The request is larger than ${limit_bytes} bytes.`;
  return errorAnswer(hexHash(message, ID_DIGITS), refusal(message, null, "body_too_large", 413));
}

/** What the models say that answer nothing else; null for the others. */
function failure(model: SimModel, id: string): Answer | null {
  if (model === "error-429") {
    const message = "Rate limit reached for model `error-429`. Please try again in 1s.";
    const refused = { status: 429, message, type: "requests", param: null, code: "rate_limit_exceeded" };
    return errorAnswer(id, refused, [["retry-after", "1"]]);
  }
  if (model === "error-500") {
    const message = "The server had an error while processing your request. Sorry about that!";
    return errorAnswer(id, { status: 500, message, type: "server_error", param: null, code: null });
  }
  if (model === "hang") {
    return { wait_ms: Number.POSITIVE_INFINITY, status: 200, headers: [], body: [], ending: "cut" };
  }
  return null;
}

function chat(model: SimModel, fields: Fields, id: string): Answer {
  const checked = check(chat_request, fields);
  if (!checked.ok) return errorAnswer(id, checked.refused);
  const refused = badToolChoice(checked.value) ?? tooMuchChat(checked.value);
  return refused === null ? answerChat(model, checked.value, id) : errorAnswer(id, refused);
}

function completion(model: SimModel, fields: Fields, id: string): Answer {
  const checked = check(completion_request, fields);
  if (!checked.ok) return errorAnswer(id, checked.refused);
  const refused = tooMuchCompletion(checked.value);
  return refused === null ? answerCompletion(model, checked.value, id) : errorAnswer(id, refused);
}

function embeddings(model: SimModel, fields: Fields, id: string): Answer {
  const checked = check(embeddings_request, fields);
  if (!checked.ok) return errorAnswer(id, checked.refused);
  const refused = tooManyNumbers(checked.value);
  return refused === null ? answerEmbeddings(model, checked.value, id) : errorAnswer(id, refused);
}

function moderations(model: SimModel, fields: Fields, id: string): Answer {
  const checked = check(moderations_request, fields);
  return checked.ok ? answerModerations(model, checked.value, id) : errorAnswer(id, checked.refused);
}

/** A choice of a tool that was not given. */
function badToolChoice(request: ChatRequest): Refusal | null {
  const { tool_choice: choice } = request;
  if (!choice || choice === "none" || choice === "auto") return null;
  const tools = request.tools ?? [];
  if (tools.length === 0) {
    return refusal(
      "'tool_choice' is only allowed when 'tools' are specified.",
      "tool_choice",
      "invalid_value",
    );
  }
  if (choice === "required") return null;
  const given = tools.map(toolName);
  const chosen = choice.type === "allowed_tools" ? choice.allowed_tools.tools : [choice];
  const missing = chosen.map(toolName).find((name) => !given.includes(name));
  if (missing === undefined) return null;
  return refusal(`Tool choice '${missing}' not found in 'tools' parameter.`, "tool_choice", "invalid_value");
}

function tooMuchChat(request: ChatRequest): Refusal | null {
  let longest = 0;
  for (const message of request.messages) longest = Math.max(longest, contentText(message.content).length);
  return tooMuch(longest * (request.n ?? 1));
}

function tooMuchCompletion(request: CompletionRequest): Refusal | null {
  let units = 0;
  for (const prompt of promptTexts(request.prompt)) units += prompt.length;
  return tooMuch(units * (request.n ?? 1) * (request.echo === true ? 2 : 1));
}

/** Many choices of a long text, which would be an answer out of all proportion to its request. */
function tooMuch(units: number): Refusal | null {
  if (units <= ANSWER_UNITS_MAX) return null;
  return refusal("Invalid value for 'n': too many choices of so long a text.", "n", "invalid_value");
}

function tooManyNumbers(request: EmbeddingsRequest): Refusal | null {
  const { input } = request;
  const count = typeof input === "string" || typeof input[0] === "number" ? 1 : input.length;
  if (count * (request.dimensions ?? DEFAULT_DIMENSIONS) <= NUMBERS_MAX) return null;
  const message = `Invalid value for 'dimensions': all vectors together may have ${NUMBERS_MAX} numbers.`;
  return refusal(message, "dimensions", "invalid_value");
}

function modelCard(id: string): unknown {
  return { id, object: "model", created: CREATED_S, owned_by: "venturi" };
}

function unknownModel(id: string, name: string): Answer {
  const message = `The model '${name}' does not exist. The simulator has: ${SIM_MODELS.join(", ")}.`;
  return errorAnswer(id, refusal(message, "model", "model_not_found", 404));
}

function parseObject(body: Uint8Array): Fields | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}
