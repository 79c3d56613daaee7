// What guards are shown of a request: every text, by whom it comes from, and what else there is.

import { describe, expect, test } from "vitest";
import { contentsOf } from "../../../../src/privacy/guards/input/request_texts.ts";
import { rewriteTexts } from "../../../../src/privacy/guards/input/rewrite.ts";

const REQUEST = {
  model: "chat",
  messages: [
    { role: "system", content: "S" },
    { role: "developer", content: [{ type: "text", text: "D" }] },
    {
      role: "user",
      name: "N",
      content: [
        { type: "text", text: "U" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
        { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
        { type: "file", file: { filename: "F", file_data: "AAAA" } },
      ],
    },
    {
      role: "assistant",
      content: null,
      refusal: "R",
      tool_calls: [{ id: "1", type: "function", function: { name: "look", arguments: '{"a":"A"}' } }],
    },
    { role: "tool", tool_call_id: "1", content: "T" },
    { role: "narrator", content: "X" },
  ],
  tools: [
    {
      type: "function",
      function: { name: "look", description: "Z", parameters: { properties: { a: { description: "Y" } } } },
    },
  ],
};

describe("the contents of a request", () => {
  test("are its texts by whom they come from", () => {
    const { texts, messages, tools, modalities, has_unreadable } = contentsOf(REQUEST);
    const of = (source: string) => texts.filter((text) => text.source === source).map(({ came }) => came);
    expect(of("system")).toEqual(["S", "D"]);
    expect(of("user").sort()).toEqual(["F", "N", "U", "X"]);
    expect(of("tool")).toEqual(["T"]);
    expect(of("assistant")).toEqual(expect.arrayContaining(["R", '{"a":"A"}']));
    expect(of("definition")).toEqual(expect.arrayContaining(["Z", "Y"]));
    expect({ messages, tools, has_unreadable }).toEqual({ messages: 6, tools: 1, has_unreadable: false });
    expect([...modalities].sort()).toEqual(["audio", "file", "image", "text"]);
  });

  test.each([
    [{ prompt: "P" }, ["P"], false],
    [{ prompt: ["P", "Q"], suffix: "S" }, ["P", "Q", "S"], false],
    [{ input: ["I", "J"] }, ["I", "J"], false],
    [{ prompt: [1, 2, 3] }, [], true],
    [{ input: [[1], [2]] }, [], true],
    [{ messages: "no list", prompt: { text: "P" }, tools: 7 }, ["P"], false],
    [{}, [], false],
  ])("of %j are read", (request, texts, has_unreadable) => {
    const contents = contentsOf(request);
    expect(contents.texts.map(({ came }) => came)).toEqual(texts);
    expect(contents.has_unreadable).toBe(has_unreadable);
  });
});

describe("a request with other texts", () => {
  const bytes = Buffer.from(
    JSON.stringify({ seed: 12_345_678_901_234_567_890n.toString(), ...REQUEST }, null, 1),
  );

  test("has them where the old ones were, and all else as it came", () => {
    const { texts } = contentsOf(JSON.parse(bytes.toString()));
    for (const text of texts) if (text.came === "T" || text.came === "Y") text.text = `"${text.came}"\n`;
    const rewritten = Buffer.from(rewriteTexts(bytes, texts)).toString();
    const wanted = bytes
      .toString()
      .replace('"content": "T"', '"content": "\\"T\\"\\n"')
      .replace('"description": "Y"', '"description": "\\"Y\\"\\n"');
    expect(rewritten).toBe(wanted);
  });

  test("is itself where none is other", () => {
    expect(rewriteTexts(bytes, contentsOf(REQUEST).texts)).toBe(bytes);
  });
});
