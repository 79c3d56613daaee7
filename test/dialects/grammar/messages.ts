// What a stream and an answer of Anthropic's Messages have to look like, checked without the code that writes them.
// Source: https://platform.claude.com/docs/en/build-with-claude/streaming, "Event types"; the SDK's types.

type Fields = Record<string, unknown>;

const STOP_REASONS = [
  ...["end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"],
  "model_context_window_exceeded",
];
const DELTAS: Readonly<Record<string, readonly string[]>> = {
  text: ["text_delta", "citations_delta"],
  thinking: ["thinking_delta", "signature_delta"],
  tool_use: ["input_json_delta"],
  server_tool_use: ["input_json_delta"],
};

/** What is wrong with a stream; empty: nothing. */
export function checkMessagesStream(bytes: Uint8Array | string): string[] {
  const text = typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
  const wrong: string[] = [];
  const events = text.split("\n\n");
  if (events.pop() !== "") wrong.push("the stream does not end with a blank line");
  const checker = new StreamChecker(wrong);
  for (const [index, event] of events.entries()) {
    const match = /^event: ([a-z_]+)\ndata: (\{[^\n\r]*\}) *$/.exec(event);
    if (match === null) {
      wrong.push(`event ${index} is not framed as it should be: ${event.slice(0, 80)}`);
      continue;
    }
    const value = JSON.parse(match[2]!) as Fields;
    if (value["type"] !== match[1]) wrong.push(`event ${index} is named ${match[1]}, not ${value["type"]}`);
    checker.take(value, index);
  }
  checker.end();
  return wrong;
}

class StreamChecker {
  #state: "before" | "blocks" | "ending" | "over" = "before";
  #next = 0;
  #open: Fields | null = null;
  #json = "";
  readonly #wrong: string[];

  constructor(wrong: string[]) {
    this.#wrong = wrong;
  }

  take(event: Fields, at: number): void {
    const say = (what: string) => this.#wrong.push(`event ${at} (${String(event["type"])}): ${what}`);
    if (this.#state === "over") say("comes behind the end");
    switch (event["type"]) {
      case "ping":
        break;
      case "error": {
        const error = event["error"] as Fields | undefined;
        if (typeof error?.["type"] !== "string" || typeof error["message"] !== "string") say("says nothing");
        this.#state = "over";
        this.#open = null;
        break;
      }
      case "message_start": {
        if (this.#state !== "before") say("comes twice");
        const message = (event["message"] ?? {}) as Fields;
        if (JSON.stringify(message["content"]) !== "[]") say("has content");
        if (message["stop_reason"] !== null) say("has a stop reason");
        this.#wrong.push(...checkHead(message));
        this.#state = "blocks";
        break;
      }
      case "content_block_start": {
        if (this.#state !== "blocks") say("is out of place");
        if (this.#open !== null) say("comes while another block is open");
        if (event["index"] !== this.#next) say(`has index ${event["index"]}, not ${this.#next}`);
        const block = (event["content_block"] ?? {}) as Fields;
        this.#wrong.push(...checkBlock(block, true));
        this.#open = block;
        this.#json = "";
        break;
      }
      case "content_block_delta": {
        if (this.#open === null || event["index"] !== this.#next) say("belongs to no open block");
        const delta = (event["delta"] ?? {}) as Fields;
        const kind = String(this.#open?.["type"]);
        if (!(DELTAS[kind] ?? []).includes(String(delta["type"]))) say(`${delta["type"]} in a ${kind}`);
        if (delta["type"] === "citations_delta" && typeof delta["citation"] !== "object")
          say("cites nothing");
        for (const name of ["text", "thinking", "partial_json", "signature"])
          if (name in delta && typeof delta[name] !== "string") say(`${name} is no text`);
        this.#json += String(delta["partial_json"] ?? "");
        break;
      }
      case "content_block_stop":
        if (this.#open === null || event["index"] !== this.#next) say("belongs to no open block");
        this.#open = null;
        this.#next += 1;
        break;
      case "message_delta": {
        if (this.#state !== "blocks" || this.#open !== null) say("is out of place");
        const delta = (event["delta"] ?? {}) as Fields;
        const usage = (event["usage"] ?? {}) as Fields;
        if (!STOP_REASONS.includes(String(delta["stop_reason"]))) say("has no stop reason");
        if (!("stop_sequence" in delta)) say("has no stop sequence");
        if (typeof usage["output_tokens"] !== "number") say("tells no usage");
        this.#state = "ending";
        break;
      }
      case "message_stop":
        if (this.#state !== "ending") say("comes before the message's end");
        this.#state = "over";
        break;
      default:
        say("is no event of the format");
    }
  }

  end(): void {
    if (this.#state !== "over") this.#wrong.push("the stream has no end");
  }
}

/** What is wrong with a whole answer; empty: nothing. */
export function checkMessagesAnswer(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return ["no object"];
  const answer = value as Fields;
  const wrong = checkHead(answer);
  const { content, stop_reason, stop_sequence } = answer;
  if (!Array.isArray(content)) return [...wrong, "content is no list"];
  for (const block of content) wrong.push(...checkBlock(block as Fields, false));
  if (!STOP_REASONS.includes(String(stop_reason))) wrong.push(`stop_reason is ${String(stop_reason)}`);
  if ((stop_reason === "stop_sequence") !== (typeof stop_sequence === "string"))
    wrong.push("stop_sequence does not fit the reason");
  return wrong;
}

function checkHead(message: Fields): string[] {
  const wrong: string[] = [];
  if (message["type"] !== "message") wrong.push("type is not message");
  if (message["role"] !== "assistant") wrong.push("role is not assistant");
  for (const name of ["id", "model"])
    if (typeof message[name] !== "string" || message[name] === "") wrong.push(`no ${name}`);
  const usage = (message["usage"] ?? {}) as Fields;
  for (const name of ["input_tokens", "output_tokens"])
    if (!(Number(usage[name]) >= 0)) wrong.push(`usage has no ${name}`);
  return wrong;
}

function checkBlock(block: Fields, is_start: boolean): string[] {
  const wrong: string[] = [];
  const isText = (name: string) => typeof block[name] === "string";
  switch (block["type"]) {
    case "text":
      if (!isText("text")) wrong.push("a text block without a text");
      if (is_start && block["text"] !== "") wrong.push("a text block starts with a text");
      break;
    case "thinking":
      if (!isText("thinking") || !isText("signature")) wrong.push("a thinking block lacks a field");
      break;
    case "redacted_thinking":
      if (!isText("data")) wrong.push("a redacted block has no data");
      break;
    case "tool_use":
      if (!isText("name") || !/^[a-zA-Z0-9_-]+$/.test(String(block["id"])))
        wrong.push(`a call has a bad id or name: ${String(block["id"])}`);
      if (typeof block["input"] !== "object" || block["input"] === null || Array.isArray(block["input"]))
        wrong.push("a call's input is no object");
      if (is_start && JSON.stringify(block["input"]) !== "{}") wrong.push("a call starts with an input");
      break;
    default:
      if (!isText("type")) wrong.push("a block without a type");
  }
  return wrong;
}
