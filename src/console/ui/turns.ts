// What a request says, turn by turn, in whatever format it is: for people to read, so that what is no text is named only.

/** A turn. */
export interface Turn {
  readonly role: string;
  readonly text: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Longer texts are cut; characters. */
const TEXT_MAX_CHARS = 20_000;

/** The turns of a request; none where it has no such thing. */
export function turnsOf(request: unknown): Turn[] {
  if (!isFields(request)) return [];
  const turns: Turn[] = [];
  const add = (role: unknown, said: unknown) => {
    const text = textOf(said);
    if (text !== "") turns.push({ role: typeof role === "string" ? role : "user", text: shortened(text) });
  };
  for (const name of ["system", "instructions", "systemInstruction", "system_instruction"])
    add("system", request[name]);
  add("user", request["prompt"]);
  const { input } = request;
  if (typeof input === "string") add("user", input);
  for (const name of ["messages", "contents", "input"]) {
    const list = request[name];
    if (!Array.isArray(list)) continue;
    for (const turn of list as unknown[]) {
      if (typeof turn === "string") add("user", turn);
      else if (isFields(turn)) add(turn["role"] ?? turn["type"], turn);
    }
  }
  return turns;
}

/** Members in which turns and their parts have what they say. */
const SAID = ["content", "parts", "text", "refusal", "arguments", "output", "tool_calls", "function"];

/** Whatever is said in a value, in order; what is of another kind is named. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return joined(value.map(textOf));
  if (!isFields(value)) return "";
  const said = SAID.map((name) => textOf(value[name]));
  const { name, type } = value;
  const called = typeof name === "string" && value["arguments"] !== undefined ? `${name}:` : "";
  const text = joined([called, ...said]);
  if (text !== "") return text;
  const kind = typeof type === "string" ? type : Object.keys(value)[0];
  return kind === undefined || value["role"] !== undefined ? "" : `[${kind}]`;
}

function joined(texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join("\n");
}

function shortened(text: string): string {
  return text.length <= TEXT_MAX_CHARS ? text : `${text.slice(0, TEXT_MAX_CHARS)}…`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
