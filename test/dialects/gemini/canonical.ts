// Two ways of Gemini's to write the same thing, as one: for tests that compare requests.

type Json = Record<string, unknown>;

/** Values whose own keys are the client's, not the protocol's. */
const FREE = new Set([
  "args",
  "response",
  "parameters",
  "responseSchema",
  "parametersJsonSchema",
  "responseJsonSchema",
]);

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Names in camelCase, roles said, contents of one role together, levels and modes in capitals, defaults left out. */
export function canonical(body: unknown): unknown {
  const request = renamed(JSON.parse(JSON.stringify(body)) as unknown) as Json;
  const { systemInstruction, contents, tools, toolConfig, generationConfig } = request;
  // The path says it.
  delete request["model"];
  if (systemInstruction !== undefined) delete (systemInstruction as Json)["role"];
  const merged: Json[] = [];
  for (const content of contents as Json[]) {
    const parts = (content["parts"] as Json[]).filter(
      (part) => part["text"] !== "" || part["thoughtSignature"] !== undefined,
    );
    for (const part of parts) if (part["thought"] === true) part["text"] ??= "";
    const role = content["role"] ?? "user";
    const last = merged.at(-1);
    if (last?.["role"] === role) (last["parts"] as Json[]).push(...parts);
    else merged.push({ role, parts });
  }
  request["contents"] = merged;
  const calling = (toolConfig as Json | undefined)?.["functionCallingConfig"] as Json | undefined;
  if (calling !== undefined) calling["mode"] = String(calling["mode"]).toUpperCase();
  const thinking = (generationConfig as Json | undefined)?.["thinkingConfig"] as Json | undefined;
  if (thinking?.["thinkingLevel"] !== undefined)
    thinking["thinkingLevel"] = String(thinking["thinkingLevel"]).toUpperCase();
  if (generationConfig !== undefined && Object.keys(generationConfig as Json).length === 0)
    delete request["generationConfig"];
  if (tools !== undefined) {
    const declarations = (tools as Json[]).flatMap(
      (tool) => (tool["functionDeclarations"] as Json[] | undefined) ?? [],
    );
    const others = (tools as Json[]).flatMap(({ functionDeclarations: _, ...tool }) =>
      Object.entries(tool).map(([name, value]) => ({ [name]: value })),
    );
    request["tools"] = [
      ...(declarations.length > 0 ? [{ functionDeclarations: declarations }] : []),
      ...others,
    ];
    if ((request["tools"] as Json[]).length === 0) delete request["tools"];
  }
  return request;
}

function renamed(value: unknown, is_free = false): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, is_free));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => is_free || inner !== null)
      .map(([name, inner]) => {
        const new_name = is_free ? name : camel(name);
        return [new_name, renamed(inner, is_free || FREE.has(new_name))];
      }),
  );
}
