// The benchmarks' inputs: chats of exactly the size that their row says, no two calls alike.

import { describe, expect, test } from "vitest";
import {
  BODY_SIZES_KB,
  COUNTER_DIGITS,
  chatBody,
  KB,
  questionBody,
  writeBlanks,
  writeCounter,
} from "../../bench/bodies.ts";

interface Chat {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string | null }[];
  readonly tools: readonly { readonly function: { readonly parameters: { readonly type: string } } }[];
  readonly stream: boolean;
}

describe("a body", () => {
  test.each(BODY_SIZES_KB)("of %i KB is a chat of exactly that size", (size) => {
    const { bytes, counter_at } = chatBody(size);
    expect(bytes.length).toBe(size * KB);
    const chat = JSON.parse(bytes.toString()) as Chat;
    expect(chat.model).toBe("bench/bench");
    expect(chat.messages[0]!.role).toBe("system");
    expect(chat.messages.at(-1)!.role).toBe("user");
    expect(bytes.toString("utf8", counter_at, counter_at + COUNTER_DIGITS)).toBe("0".repeat(COUNTER_DIGITS));
  });

  test("of an agent has tools with schemas, calls of tools, their results, escapes and text that is not ASCII", () => {
    const { bytes } = chatBody(100);
    const text = bytes.toString();
    const chat = JSON.parse(text) as Chat;
    expect(new Set(chat.messages.map(({ role }) => role))).toEqual(
      new Set(["system", "user", "assistant", "tool"]),
    );
    expect(chat.tools.length).toBeGreaterThan(8);
    for (const tool of chat.tools) expect(tool.function.parameters.type).toBe("object");
    expect(text).toContain('\\\\\\"');
    expect(text).toContain("\\n\\t");
    expect(bytes.length).toBeGreaterThan(text.length);
  });

  test("is the same every time, but for its counter, and says whether it streams", () => {
    expect(chatBody(10).bytes.equals(chatBody(10).bytes)).toBe(true);
    const { bytes, counter_at } = chatBody(10, { is_stream: true, model: "m" });
    const before = Buffer.from(bytes);
    writeCounter(bytes, counter_at, 9_876_543_210);
    expect(bytes.equals(before)).toBe(false);
    const chat = JSON.parse(bytes.toString()) as Chat;
    expect(chat.messages.at(-1)!.content).toContain("Call 009876543210:");
    expect([chat.stream, chat.model]).toEqual([true, "m"]);
  });

  test("that is too small for a chat is refused", () => {
    expect(() => chatBody(0.1)).toThrow(/too small/);
  });
});

test("a question differs from call to call in nothing but its white space", () => {
  const { bytes, counter_at } = questionBody("m");
  const said = Array.from({ length: 300 }, (_, count) => {
    writeBlanks(bytes, counter_at, count);
    return JSON.parse(bytes.toString()).messages[0].content as string;
  });
  expect(new Set(said).size).toBe(300);
  expect(new Set(said.map((text) => text.trim())).size).toBe(1);
});
