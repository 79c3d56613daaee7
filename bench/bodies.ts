// Request bodies shaped like agents' chats: a system prompt, alternating messages with code and escapes, tool calls and
// their results, tools with JSON Schemas. Made from a fixed seed, to the exact byte, each with a place for a counter.

/** A kilobyte of the benchmarks' bodies. */
export const KB = 1024;
/** The sizes that the suite measures. */
export const BODY_SIZES_KB = [1, 10, 100, 500, 1000] as const;
/** Digits of the counter that makes every call's body another one. */
export const COUNTER_DIGITS = 12;

/** A body, and where in it the digits of the counter stand. */
export interface Body {
  readonly bytes: Buffer;
  readonly counter_at: number;
}

interface Message {
  role: "system" | "user" | "assistant" | "tool";
  content: string | null;
  tool_calls?: unknown[];
  tool_call_id?: string;
}

const COUNTER = "0".repeat(COUNTER_DIGITS);
/** Messages grow by at most this much; what is left is filled up. */
const STEP_BYTES = 700;

const WORDS =
  "the service returns a stale record when two writers race so check whether lock is held before reading it again and add a test that fails first then run suite report which files changed".split(
    " ",
  );
const CODE = [
  'export function retry<T>(call: () => Promise<T>, attempts = 3): Promise<T> {\n\treturn call().catch((error) => {\n\t\tif (attempts <= 1) throw new Error("gave up: " + String(error));\n\t\treturn retry(call, attempts - 1);\n\t});\n}\n',
  'def read(path: str) -> dict:\n    """Reads a \\"settings\\" file."""\n    with open(path, encoding="utf-8") as file:\n        return json.load(file)  # C:\\temp\\settings.json\n',
  "SELECT id, name FROM \"orders\" WHERE note LIKE '%\\\\_%' AND total > 10.5;\n-- 14 rows, 3.2 ms\n",
];
const FOREIGN = [
  "Größe geprüft — alles in Ordnung. ",
  "日本語のテスト文字列です。",
  "Done ✅ “quoted”, 20 €. ",
];

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function prose(random: () => number, words: number): string {
  return Array.from({ length: words }, () => WORDS[Math.floor(random() * WORDS.length)]).join(" ");
}

function tool(index: number, random: () => number): unknown {
  const path = {
    type: "string",
    description: `Path of the file, relative to "/workspace". ${prose(random, 6)}`,
  };
  const lines = { type: "array", items: { type: "integer", minimum: 1 }, maxItems: 2 };
  const parameters = {
    type: "object",
    properties: { path, lines, mode: { enum: ["read", "write", "append"] } },
    required: ["path"],
    additionalProperties: false,
  };
  const name = `${["read", "write", "search", "run"][index % 4]}_${index}`;
  return { type: "function", function: { name, description: prose(random, 14), parameters } };
}

/** One turn of an agent: it calls a tool, reads the result and says something; or the user asks for more. */
function turn(index: number, random: () => number): Message[] {
  const code = CODE[Math.floor(random() * CODE.length)]!;
  if (index % 3 === 2) {
    const foreign = FOREIGN[index % FOREIGN.length]!;
    return [
      { role: "assistant", content: `${prose(random, 18)}:\n\n\`\`\`ts\n${code}\`\`\`\n${foreign}` },
      { role: "user", content: `${prose(random, 22)}? ${foreign}` },
    ];
  }
  const id = `call_${String(index).padStart(8, "0")}`;
  const text = JSON.stringify({ path: `src/part_${index}.ts`, lines: [1, 40 + index], text: code });
  const calls = [{ id, type: "function", function: { name: `write_${index % 8}`, arguments: text } }];
  return [
    { role: "assistant", content: null, tool_calls: calls },
    { role: "tool", tool_call_id: id, content: `exit status 0\n${code}${prose(random, 10)}` },
  ];
}

/**
 * A chat request of exactly so many kilobytes.
 * @param model as the client names it
 * @param is_personal whether its last message holds an address of mail
 */
export function chatBody(
  kilobytes: number,
  { model = "bench/bench", is_stream = false, is_personal = false } = {},
): Body {
  const size = Math.round(kilobytes * KB);
  const random = seeded(20_250_301);
  const tools: unknown[] = [];
  const messages: Message[] = [
    { role: "system", content: `You are a careful engineer. ${prose(random, 12)}.` },
  ];
  const last: Message = {
    role: "user",
    content: `Call ${COUNTER}: what failed in the last run?${is_personal ? " Write to ada@example.com." : ""}`,
  };
  const request = () => ({
    model,
    messages: [...messages, last],
    tools,
    temperature: 0.2,
    stream: is_stream,
  });
  const length = (value: unknown) => Buffer.byteLength(JSON.stringify(value)) + 1;

  let used = length(request());
  const add = <T>(list: T[], items: readonly T[]) => {
    list.push(...items);
    used += items.reduce((sum, item) => sum + length(item), 0);
  };
  // Tools are an eighth of the body, at most 64 of them; the system prompt of a large chat is long.
  while (tools.length < 64 && used < size / 8) add(tools, [tool(tools.length, random)]);
  if (size > 8 * KB) add(messages, [{ role: "system", content: prose(random, Math.min(1500, size / 40)) }]);
  for (let index = 0; used + 2 * STEP_BYTES < size; index++) add(messages, turn(index, random));

  const empty = Buffer.byteLength(JSON.stringify(request()));
  if (empty > size) throw new Error(`a chat of ${size} bytes is too small: ${empty} are needed`);
  last.content += filler(size - empty);
  const bytes = Buffer.from(JSON.stringify(request()));
  return { bytes, counter_at: bytes.indexOf(COUNTER) };
}

/** So many bytes of plain text. */
function filler(size: number): string {
  return ` ${WORDS.join(" ")}`.repeat(Math.ceil(size / 150)).slice(0, size);
}

/** Writes the number of a call into its body (or a request that holds the body), in place. */
export function writeCounter(bytes: Buffer, at: number, count: number): void {
  let rest = count;
  for (let digit = COUNTER_DIGITS - 1; digit >= 0; digit--) {
    bytes[at + digit] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** Bits of the counter of a question, each two characters of white space. */
const BLANK_BITS = 24;

/** A short question of which every call's differs from the others in its white space alone: another request of the same meaning. */
export function questionBody(model: string): Body {
  const blanks = "  ".repeat(BLANK_BITS);
  const messages = [{ role: "user", content: `How do I reset the password of my account?${blanks}` }];
  const bytes = Buffer.from(JSON.stringify({ model, messages }));
  return { bytes, counter_at: bytes.indexOf(blanks) };
}

/** Writes the number of a call as white space, in place. */
export function writeBlanks(bytes: Buffer, at: number, count: number): void {
  for (let bit = 0; bit < BLANK_BITS; bit++) {
    // A line break of JSON takes as much room as two spaces.
    bytes.write((count >> bit) & 1 ? "\\n" : "  ", at + 2 * bit, "latin1");
  }
}
