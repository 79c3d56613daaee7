// What streams and answers of the Responses API have to look like, as OpenAI's reference and its recorded streams have it.
// A list of what is wrong: empty, all is well. It knows nothing of the code under test.

type Fields = Record<string, unknown>;

interface Item {
  readonly type: string;
  readonly id: unknown;
  done: boolean;
  /** Open and ended parts of a message or of a reasoning: by the kind of index and its number. */
  readonly parts: Map<
    string,
    { type: unknown; text: string; text_done: boolean; done: boolean; annotations: unknown[] }
  >;
  /** Arguments or input so far; null once they are done. */
  args: string;
  args_done: boolean;
}

const FINAL: Record<string, string> = {
  "response.completed": "completed",
  "response.incomplete": "incomplete",
  "response.failed": "failed",
};

/** Events of one stream, as `event:` line and data; other lines are violations. */
function eventsOf(text: string, wrong: string[]): { name: string; data: Fields }[] {
  if (text !== "" && !text.endsWith("\n\n")) wrong.push("the last event is not ended by a blank line");
  return text
    .split("\n\n")
    .filter((block) => block !== "")
    .flatMap((block) => {
      const lines = block.split("\n");
      if (lines.length !== 2 || !lines[0]!.startsWith("event: ") || !lines[1]!.startsWith("data: ")) {
        wrong.push(`no event: ${block.slice(0, 80)}`);
        return [];
      }
      return [{ name: lines[0]!.slice(7), data: JSON.parse(lines[1]!.slice(6)) as Fields }];
    });
}

/** What is wrong with a stream, which has to be whole. */
export function checkResponsesStream(bytes: Uint8Array): string[] {
  const wrong: string[] = [];
  const events = eventsOf(new TextDecoder().decode(bytes), wrong);
  const items: Item[] = [];
  let is_over = false;
  let has_error = false;
  for (const [index, { name, data }] of events.entries()) {
    const say = (what: string) => wrong.push(`event ${index} (${name}): ${what}`);
    if (data["type"] !== name) say(`its type is ${String(data["type"])}`);
    if (data["sequence_number"] !== index) say(`its number is ${String(data["sequence_number"])}`);
    if (is_over) say("it comes after the end");
    const opening = ["response.created", "response.in_progress"][index];
    if (opening !== undefined && name !== opening) say(`${opening} was due`);
    if (opening === undefined && name.startsWith("response.created")) say("a second start");
    if (name === "error") {
      has_error = true;
      for (const field of ["code", "message", "param"]) if (!(field in data)) say(`no ${field}`);
      if ("error" in data) say("an error inside");
      continue;
    }
    if (name in FINAL || opening !== undefined) {
      const response = data["response"] as Fields;
      wrong.push(...checkResponsesAnswer(response).map((what) => `event ${index} (${name}): ${what}`));
      const status = FINAL[name] ?? "in_progress";
      if (response["status"] !== status) say(`the status is ${String(response["status"])}`);
      if (name in FINAL) {
        is_over = true;
        if (has_error !== (name === "response.failed")) say("errors and failures come together");
        const output = response["output"] as Fields[];
        if (output.length !== items.length) say(`${output.length} items of ${items.length}`);
        for (const [place, item] of items.entries()) {
          if (output[place]?.["id"] !== item.id || output[place]?.["type"] !== item.type)
            say(`item ${place} is another`);
          if (!item.done && name !== "response.failed") say(`item ${place} is not done`);
        }
      }
      continue;
    }
    checkItemEvent(name, data, items, say);
  }
  if (!is_over) wrong.push("the stream has no end");
  return wrong;
}

function checkItemEvent(name: string, data: Fields, items: Item[], say: (what: string) => void): void {
  const place = data["output_index"] as number;
  const item = items[place];
  if (name === "response.output_item.added") {
    const added = data["item"] as Fields;
    if (place !== items.length) say(`its place is ${place}, ${items.length} was due`);
    checkItem(added, say, true);
    if (items.some(({ id }) => id === added["id"])) say("its id is another's");
    items.push({
      ...{ type: added["type"] as string, id: added["id"], done: false },
      ...{ parts: new Map(), args: "", args_done: false },
    });
    return;
  }
  if (item === undefined) {
    say("there is no such item");
    return;
  }
  if (item.done) {
    say("the item is done");
    return;
  }
  if (name === "response.output_item.done") {
    const whole = data["item"] as Fields;
    checkItem(whole, say, false);
    if (whole["id"] !== item.id || whole["type"] !== item.type) say("it is another item");
    item.done = true;
    for (const [key, part] of item.parts) if (!part.done) say(`part ${key} is open`);
    const texts = [...list(whole["content"]), ...list(whole["summary"])].map(
      (part) => part["text"] ?? part["refusal"],
    );
    const told = [...item.parts.values()].map(({ text }) => text);
    if (item.type === "message" && JSON.stringify(texts) !== JSON.stringify(told))
      say("its texts are others");
    if (item.type === "reasoning" && told.length > 0 && JSON.stringify(texts) !== JSON.stringify(told))
      say("its texts are others");
    const args = whole["arguments"] ?? whole["input"];
    if (item.type === "function_call" || item.type === "custom_tool_call") {
      if (!item.args_done) say("its arguments are not done");
      if (args !== item.args) say("its arguments are others");
    }
    return;
  }
  if (data["item_id"] !== item.id) say("it is of another item");
  const kind = name.startsWith("response.reasoning_summary_") ? "summary_index" : "content_index";
  const key = `${kind} ${String(data[kind])}`;
  const part = item.parts.get(key);
  switch (name) {
    case "response.content_part.added":
    case "response.reasoning_summary_part.added": {
      const added = data["part"] as Fields;
      if (data[kind] !== [...item.parts.keys()].filter((told) => told.startsWith(kind)).length)
        say(`its ${kind} is ${String(data[kind])}`);
      if ((added["text"] ?? added["refusal"]) !== "") say("it has a text");
      const types = item.type === "message" ? ["output_text", "refusal"] : ["summary_text", "reasoning_text"];
      if (!types.includes(added["type"] as string)) say(`a part of type ${String(added["type"])}`);
      item.parts.set(key, { type: added["type"], text: "", text_done: false, done: false, annotations: [] });
      return;
    }
    case "response.content_part.done":
    case "response.reasoning_summary_part.done": {
      if (part === undefined || part.done) {
        say("no such part is open");
        return;
      }
      const whole = data["part"] as Fields;
      if (!part.text_done) say("its text is not done");
      if (whole["type"] !== part.type) say("it is another part");
      if ((whole["text"] ?? whole["refusal"]) !== part.text) say("its text is another");
      if (
        part.type === "output_text" &&
        JSON.stringify(whole["annotations"]) !== JSON.stringify(part.annotations)
      )
        say("its annotations are others");
      part.done = true;
      return;
    }
    case "response.output_text.delta":
    case "response.refusal.delta":
    case "response.reasoning_summary_text.delta":
    case "response.reasoning_text.delta": {
      if (part === undefined || part.text_done) {
        say("no such part is open");
        return;
      }
      if (!name.includes(String(part.type).replace("summary_text", "reasoning_summary_text")))
        say(`the part is of type ${String(part.type)}`);
      if (typeof data["delta"] !== "string") say("no delta");
      if (name === "response.output_text.delta" && !Array.isArray(data["logprobs"])) say("no logprobs");
      part.text += String(data["delta"]);
      return;
    }
    case "response.output_text.done":
    case "response.refusal.done":
    case "response.reasoning_summary_text.done":
    case "response.reasoning_text.done":
      if (part === undefined || part.text_done) {
        say("no such part is open");
        return;
      }
      if ((data["text"] ?? data["refusal"]) !== part.text) say("its text is another");
      if (name === "response.output_text.done" && !Array.isArray(data["logprobs"])) say("no logprobs");
      part.text_done = true;
      return;
    case "response.output_text.annotation.added":
      if (part === undefined || part.text_done) {
        say("no such part is open");
        return;
      }
      if (data["annotation_index"] !== part.annotations.length) say("its place is wrong");
      part.annotations.push(data["annotation"]);
      return;
    case "response.function_call_arguments.delta":
    case "response.custom_tool_call_input.delta":
      if (item.args_done) say("they are done");
      item.args += String(data["delta"]);
      return;
    case "response.function_call_arguments.done":
    case "response.custom_tool_call_input.done":
      if (item.args_done) say("they are done");
      if ((data["arguments"] ?? data["input"]) !== item.args) say("they are others");
      item.args_done = true;
      return;
  }
  const of_item = name.startsWith(`response.${item.type}.`);
  if (!of_item) say("no such event");
}

/** What is wrong with a response object. */
export function checkResponsesAnswer(value: unknown): string[] {
  const wrong: string[] = [];
  const answer = value as Fields;
  const expected: Record<string, (value: unknown) => boolean> = {
    id: (id) => typeof id === "string" && id !== "",
    object: (object) => object === "response",
    created_at: (at) => typeof at === "number",
    status: (status) => ["in_progress", "completed", "incomplete", "failed"].includes(status as string),
    background: (background) => typeof background === "boolean",
    completed_at: (at) => (answer["status"] === "completed" ? typeof at === "number" : at === null),
    error: (error) =>
      answer["status"] === "failed"
        ? typeof (error as Fields)["code"] === "string" && typeof (error as Fields)["message"] === "string"
        : error === null,
    incomplete_details: (details) =>
      answer["status"] === "incomplete"
        ? typeof (details as Fields)["reason"] === "string"
        : details === null,
    instructions: (text) => text === null || typeof text === "string" || Array.isArray(text),
    max_output_tokens: isNumberOrNull,
    max_tool_calls: isNumberOrNull,
    metadata: (metadata) => typeof metadata === "object" && metadata !== null,
    model: (model) => typeof model === "string" && model !== "",
    output: Array.isArray,
    parallel_tool_calls: (parallel) => typeof parallel === "boolean",
    previous_response_id: (id) => id === null || typeof id === "string",
    prompt_cache_key: (key) => key === null || typeof key === "string",
    reasoning: (reasoning) => "effort" in (reasoning as Fields) && "summary" in (reasoning as Fields),
    safety_identifier: (id) => id === null || typeof id === "string",
    service_tier: (tier) => typeof tier === "string",
    store: (store) => typeof store === "boolean",
    temperature: isNumberOrNull,
    text: (text) => typeof (text as { format: Fields }).format["type"] === "string",
    tool_choice: (choice) => typeof choice === "string" || typeof choice === "object",
    tools: Array.isArray,
    top_logprobs: (top) => typeof top === "number",
    top_p: isNumberOrNull,
    truncation: (truncation) => typeof truncation === "string",
    usage: (usage) => usage === null || isUsage(usage as Fields),
    user: (user) => user === null || typeof user === "string",
  };
  for (const [name, is_right] of Object.entries(expected)) {
    if (!(name in answer)) wrong.push(`no ${name}`);
    else if (!is_right(answer[name])) wrong.push(`${name} is ${JSON.stringify(answer[name])}`);
  }
  const ids = new Set<unknown>();
  for (const [place, item] of list(answer["output"]).entries()) {
    checkItem(item, (what) => wrong.push(`output[${place}]: ${what}`), false);
    if (ids.has(item["id"])) wrong.push(`output[${place}]: its id is another's`);
    ids.add(item["id"]);
  }
  return wrong;
}

function isNumberOrNull(value: unknown): boolean {
  return value === null || typeof value === "number";
}

function isUsage(usage: Fields): boolean {
  const { input_tokens, output_tokens, total_tokens, input_tokens_details, output_tokens_details } = usage;
  return (
    typeof input_tokens === "number" &&
    typeof output_tokens === "number" &&
    total_tokens === input_tokens + output_tokens &&
    typeof (input_tokens_details as Fields)["cached_tokens"] === "number" &&
    typeof (output_tokens_details as Fields)["reasoning_tokens"] === "number"
  );
}

function checkItem(item: Fields, say: (what: string) => void, is_added: boolean): void {
  const { type, status, content, summary } = item;
  if (typeof type !== "string") say("an item without a type");
  if (typeof item["id"] !== "string" || item["id"] === "") say("an item without an id");
  const statuses = is_added ? ["in_progress"] : ["completed", "incomplete", "failed"];
  const must_have = ["message", "function_call", "custom_tool_call"].includes(type as string);
  if ((must_have || status !== undefined) && !statuses.includes(status as string))
    say(`the item's status is ${String(status)}`);
  switch (type) {
    case "message":
      if (item["role"] !== "assistant") say(`a message of ${String(item["role"])}`);
      if (!Array.isArray(content)) say("a message without a content");
      if (is_added && list(content).length > 0) say("it is added with a content");
      for (const part of list(content)) {
        const is_text = part["type"] === "output_text" && typeof part["text"] === "string";
        const is_refusal = part["type"] === "refusal" && typeof part["refusal"] === "string";
        if (!is_text && !is_refusal) say(`a content of type ${String(part["type"])}`);
        if (is_text && !(Array.isArray(part["annotations"]) && Array.isArray(part["logprobs"])))
          say("a text without annotations or logprobs");
      }
      return;
    case "reasoning":
      if (!Array.isArray(summary)) say("a reasoning without a summary");
      if (is_added && list(summary).length + list(content).length > 0) say("it is added with a text");
      for (const part of list(summary)) if (part["type"] !== "summary_text") say("no summary");
      for (const part of list(content)) if (part["type"] !== "reasoning_text") say("no thought");
      return;
    case "function_call":
    case "custom_tool_call":
      for (const field of ["call_id", "name", type === "function_call" ? "arguments" : "input"])
        if (typeof item[field] !== "string") say(`a call without ${field}`);
      if (item["call_id"] === "") say("a call without an id");
      if (is_added && (item["arguments"] ?? item["input"]) !== "") say("it is added with arguments");
  }
}

function list(value: unknown): Fields[] {
  return Array.isArray(value) ? (value as Fields[]) : [];
}
