import { describe, expect, test } from "vitest";
import { CHAT, type OpenAIRequest, readRequest, writeRequest } from "../../../src/dialects/openai/request.ts";

const LONG = 'Be careful, and quote "every" source. '.repeat(150);
const MARK = { type: "ephemeral" };

function sent(request: object, mark = true): { messages: unknown[]; model: string } {
  const read = readRequest(Buffer.from(JSON.stringify({ model: "m", ...request })), CHAT) as OpenAIRequest;
  return JSON.parse(Buffer.concat(writeRequest(read, Buffer.from('"anthropic/x"'), true, mark)).toString());
}

const system = (content: unknown) => ({ role: "system", content });
const user = { role: "user", content: "Hello" };

describe("the end of what is the same in many requests", () => {
  test("is marked in the last opening message, a text or a list of parts", () => {
    const { messages, model } = sent({ messages: [system("Short."), system(LONG), user] });
    expect(model).toBe("anthropic/x");
    expect(messages).toEqual([
      system("Short."),
      system([{ type: "text", text: LONG, cache_control: MARK }]),
      user,
    ]);
    const parts = [
      { type: "text", text: LONG },
      { type: "text", text: "Last." },
    ];
    expect(sent({ messages: [system(parts), user] }).messages[0]).toEqual(
      system([parts[0], { ...parts[1], cache_control: MARK }]),
    );
  });

  test("counts the tools before it", () => {
    const tools = [{ type: "function", function: { name: "f", description: LONG } }];
    expect(sent({ tools, messages: [system("Short."), user] }).messages[0]).toEqual(
      system([{ type: "text", text: "Short.", cache_control: MARK }]),
    );
  });

  test.each([
    ["what is short", { messages: [system("Short."), user] }],
    ["no opening message", { messages: [{ role: "user", content: LONG }] }],
    [
      "a client's own mark",
      { messages: [system([{ type: "text", text: LONG, cache_control: MARK }]), user] },
    ],
    ["nothing at all", { messages: [system(null), system([]), system(7), user], tools: [LONG] }],
  ])("is not marked in %s", (_name, request) => {
    expect(sent(request)).toEqual({ ...JSON.parse(JSON.stringify(request)), model: "anthropic/x" });
  });

  test("is not marked where nobody wants it", () => {
    expect(sent({ messages: [system(LONG), user] }, false).messages[0]).toEqual(system(LONG));
  });
});
