// A request in its plainest form: what may be written in two ways is written in one.

type Fields = Record<string, unknown>;

/** Texts as lists of blocks, turns of one role joined, nothing that says nothing. */
export function plainRequest(request: Readonly<Fields>): Fields {
  const plain = JSON.parse(JSON.stringify(request)) as Fields & { messages: Fields[] };
  const messages: (Fields & { content: Fields[] })[] = [];
  for (const message of plain.messages) {
    const content = blocksOf(message["content"]);
    const last = messages.at(-1);
    if (last?.["role"] === message["role"]) last!.content.push(...content);
    else messages.push({ ...message, content });
  }
  const system = plain["system"] === undefined ? {} : { system: blocksOf(plain["system"]) };
  const { stream, tools, ...rest } = plain;
  const defined = tools === undefined ? {} : { tools: (tools as Fields[]).map(withoutCustom) };
  return {
    ...withoutEmpty({ ...rest, messages, ...system, ...defined }),
    ...(stream === true ? { stream } : {}),
  };
}

function blocksOf(content: unknown): Fields[] {
  const blocks = typeof content === "string" ? [{ type: "text", text: content }] : (content as Fields[]);
  return blocks.map((block) => {
    if (block["type"] !== "tool_result") return withoutEmpty(block);
    const { is_error, content: inner, ...rest } = block;
    return {
      ...withoutEmpty(rest),
      ...(is_error === true ? { is_error } : {}),
      content: inner === undefined ? [] : blocksOf(inner),
    };
  });
}

/** Tools are the client's own unless they say what else they are. */
function withoutCustom({ type, ...tool }: Fields): Fields {
  return type === undefined || type === "custom" ? tool : { type, ...tool };
}

function withoutEmpty(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([name, value]) =>
        value !== null && !(Array.isArray(value) && value.length === 0 && name !== "messages"),
    ),
  );
}
