// What a `GenerateContentResponse` may look like, and a stream of them, as Gemini's reference has it. Violations come out as texts.

type Json = Readonly<Record<string, unknown>>;

const PART_KINDS = [
  "text",
  "inlineData",
  "fileData",
  "functionCall",
  "executableCode",
  "codeExecutionResult",
];
const ANSWER = new Set([
  "candidates",
  "usageMetadata",
  "modelVersion",
  "responseId",
  "promptFeedback",
  "createTime",
]);
const CANDIDATE = new Set([
  ...["content", "finishReason", "index", "groundingMetadata", "citationMetadata", "logprobsResult"],
  ...["safetyRatings", "avgLogprobs", "finishMessage", "urlContextMetadata", "tokenCount"],
]);

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is wrong with a whole answer. */
export function checkGeminiAnswer(value: unknown): string[] {
  const wrong: string[] = [];
  if (!isObject(value)) return ["the answer is no object"];
  for (const name of Object.keys(value)) if (!ANSWER.has(name)) wrong.push(`unknown field ${name}`);
  const { candidates, promptFeedback, usageMetadata, modelVersion, responseId } = value;
  if (typeof modelVersion !== "string" || modelVersion === "") wrong.push("no modelVersion");
  if (typeof responseId !== "string" || responseId === "") wrong.push("no responseId");
  if (candidates === undefined && !isObject(promptFeedback))
    wrong.push("neither candidates nor promptFeedback");
  if (candidates !== undefined && !Array.isArray(candidates)) wrong.push("candidates is no list");
  const indices = new Set<unknown>();
  for (const candidate of Array.isArray(candidates) ? candidates : []) {
    wrong.push(...checkCandidate(candidate));
    if (indices.has((candidate as Json)["index"])) wrong.push("two candidates of one index");
    indices.add((candidate as Json)["index"]);
  }
  if (usageMetadata !== undefined) wrong.push(...checkUsage(usageMetadata));
  return wrong;
}

function checkCandidate(candidate: unknown): string[] {
  if (!isObject(candidate)) return ["a candidate is no object"];
  const wrong: string[] = [];
  for (const name of Object.keys(candidate))
    if (!CANDIDATE.has(name)) wrong.push(`unknown candidate field ${name}`);
  const { content, index, finishReason } = candidate;
  if (typeof index !== "number") wrong.push("a candidate without an index");
  if (finishReason !== undefined && (typeof finishReason !== "string" || finishReason === ""))
    wrong.push("a finishReason that is no text");
  if (!isObject(content) || content["role"] !== "model")
    return [...wrong, "a content that is not the model's"];
  const { parts } = content;
  if (parts !== undefined && (!Array.isArray(parts) || parts.length === 0))
    wrong.push("parts without a part");
  for (const part of Array.isArray(parts) ? parts : []) wrong.push(...checkPart(part));
  return wrong;
}

function checkPart(part: unknown): string[] {
  if (!isObject(part)) return ["a part is no object"];
  const wrong: string[] = [];
  const kinds = PART_KINDS.filter((kind) => part[kind] !== undefined);
  if (kinds.length !== 1) wrong.push(`a part of ${kinds.length} kinds: ${Object.keys(part).join()}`);
  const { text, thought, thoughtSignature, functionCall, inlineData } = part;
  if (text !== undefined && typeof text !== "string") wrong.push("a text that is none");
  if (thought !== undefined && thought !== true) wrong.push("thought is not true");
  if (thoughtSignature !== undefined) {
    if (typeof thoughtSignature !== "string" || thoughtSignature === "")
      wrong.push("an empty thoughtSignature");
    // The SDKs of typed languages decode it.
    else if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(thoughtSignature))
      wrong.push("a thoughtSignature that is no base64");
  }
  if (functionCall !== undefined) {
    const { name, args, id } = isObject(functionCall) ? functionCall : {};
    if (typeof name !== "string" || name === "") wrong.push("a call without a name");
    if (args !== undefined && !isObject(args)) wrong.push("arguments that are no object");
    if (id !== undefined && (typeof id !== "string" || id === "")) wrong.push("an empty id");
  }
  if (inlineData !== undefined) {
    const { mimeType, data } = isObject(inlineData) ? inlineData : {};
    if (typeof mimeType !== "string" || typeof data !== "string") wrong.push("inlineData without its data");
  }
  return wrong;
}

function checkUsage(usage: unknown): string[] {
  if (!isObject(usage)) return ["usageMetadata is no object"];
  const wrong: string[] = [];
  for (const [name, value] of Object.entries(usage)) {
    const is_count = name.endsWith("TokenCount");
    if (is_count && (typeof value !== "number" || value < 0)) wrong.push(`${name} is no count`);
  }
  if (typeof usage["totalTokenCount"] !== "number") wrong.push("no totalTokenCount");
  return wrong;
}

/** What is wrong with a stream of either form; a stream that was cut says so. An error ends it well. */
export function checkGeminiStream(bytes: Uint8Array): string[] {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const wrong: string[] = [];
  const chunks = text.startsWith("[") ? arrayChunks(text, wrong) : eventChunks(text, wrong);
  if (chunks.length === 0) wrong.push("no chunk");
  const ended = new Map<unknown, boolean>();
  for (const [position, chunk] of chunks.entries()) {
    if (isObject(chunk) && isObject(chunk["error"])) {
      if (position !== chunks.length - 1) wrong.push("something behind an error");
      const { code, message, status } = chunk["error"];
      if (typeof code !== "number" || typeof message !== "string" || typeof status !== "string")
        wrong.push("an error without code, message and status");
      return wrong;
    }
    wrong.push(...checkGeminiAnswer(chunk));
    const { candidates, promptFeedback } = isObject(chunk) ? chunk : {};
    if (isObject(promptFeedback) && promptFeedback["blockReason"] !== undefined) ended.set(0, true);
    for (const candidate of (candidates ?? []) as Json[]) {
      const { index, finishReason, content } = candidate;
      const says_something = ((content as Json | undefined)?.["parts"] as Json[] | undefined)?.some(
        (part) => part["text"] !== "" || part["thoughtSignature"] !== undefined,
      );
      if (ended.get(index) === true && says_something === true) wrong.push("a part behind the finishReason");
      if (finishReason !== undefined || !ended.has(index)) ended.set(index, finishReason !== undefined);
    }
  }
  for (const [index, is_ended] of ended) if (!is_ended) wrong.push(`candidate ${index} does not end`);
  return wrong;
}

function eventChunks(text: string, wrong: string[]): unknown[] {
  const chunks: unknown[] = [];
  const blocks = text.split("\r\n\r\n");
  if (blocks.pop() !== "") wrong.push("the last event is not complete");
  for (const block of blocks) {
    if (!block.startsWith("data: ") || block.includes("\n"))
      wrong.push("a block that is not one line of data");
    else chunks.push(parsed(block.slice("data: ".length), wrong));
  }
  return chunks;
}

function arrayChunks(text: string, wrong: string[]): unknown[] {
  const value = parsed(text, wrong);
  return Array.isArray(value) ? value : [];
}

function parsed(text: string, wrong: string[]): unknown {
  try {
    return JSON.parse(text);
  } catch {
    wrong.push("what is no JSON");
    return undefined;
  }
}
