// What is read of a request for its account: user, the most tokens of its answer, and about how many its prompt has.

import { describe, expect, test } from "vitest";
import {
  asPlainRequest,
  CHAT,
  estimateInput,
  type OpenAIRequest,
  readMaxTokens,
  readRequest,
  readUser,
  withMessages,
} from "../../src/dialects/openai/request.ts";
import { GatewayError } from "../../src/errors.ts";

function request(fields: Record<string, unknown>): OpenAIRequest {
  const messages = [{ role: "user", content: "Hello" }];
  const read = readRequest(Buffer.from(JSON.stringify({ model: "m", messages, ...fields })), CHAT);
  if (read instanceof GatewayError) throw new Error(read.message);
  return read;
}

test.each([
  [{}, null],
  [{ max_tokens: 50 }, 50],
  [{ max_tokens: 50, max_completion_tokens: 70 }, 70],
  [{ max_tokens: 50, n: 3 }, 150],
  [{ max_tokens: "many" }, null],
  [{ max_tokens: -1 }, null],
  [{ max_tokens: null, max_completion_tokens: 9 }, 9],
  [{ max_tokens: 1e15 }, 1e9],
] as const)("%o asks for at most %s tokens", (fields, most) => {
  expect(readMaxTokens(request(fields))).toBe(most);
});

test("the user is a string or nobody", () => {
  expect(readUser(request({ user: "ann \u00fc" }))).toBe("ann ü");
  expect(readUser(request({ user: 5 }))).toBe(null);
  expect(readUser(request({}))).toBe(null);
});

describe("the estimate of a prompt", () => {
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(40);
  const base64 = Buffer.alloc(300_000, 7).toString("base64");

  test("counts messages and tools", () => {
    const plain = estimateInput(request({ messages: [{ role: "user", content: text }] }));
    expect(plain).toBeGreaterThan(360);
    expect(plain).toBeLessThan(460);
    const tools = [{ type: "function", function: { name: "f", description: text } }];
    expect(estimateInput(request({ messages: [{ role: "user", content: text }], tools }))).toBeGreaterThan(
      2 * 360,
    );
  });

  test.each([
    ["an image", { type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } }],
    [
      "a file",
      { type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${base64}` } },
    ],
    ["a sound", { type: "input_audio", input_audio: { data: base64, format: "wav" } }],
  ])("counts %s as one thing, not as text", (_, part) => {
    const content = [{ type: "text", text }, part, { type: "text", text }];
    const tokens = estimateInput(request({ messages: [{ role: "user", content }] }));
    expect(tokens).toBeGreaterThan(2 * 360 + 1_000);
    expect(tokens).toBeLessThan(2 * 460 + 1_100);
  });

  test("counts each of several attachments, and text that only looks like one", () => {
    const image = { type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } };
    const several = request({ messages: [{ role: "user", content: [image, image, image] }] });
    expect(estimateInput(several)).toBeGreaterThan(3_000);
    expect(estimateInput(several)).toBeLessThan(3_200);
    const short = request({ messages: [{ role: "user", content: 'say "data:x;base64,AAAA" twice' }] });
    expect(estimateInput(short)).toBeLessThan(40);
  });
});

describe("a request that is changed", () => {
  const bytesOf = (text: string) => Buffer.from(text);
  const parsed = (bytes: Uint8Array | null) => JSON.parse(Buffer.from(bytes!).toString());

  test("asks for a plain answer: without its stream and the options of it, wherever they stand", () => {
    const others = ['"model":"m"', '"messages":[{"a":"x,\\"stream\\":true"}]', '"n" : 2'];
    const streams = ['"stream":true', '"stream_options" : {"include_usage":true}', '"str\\u0065am":false'];
    for (const order of [
      [...streams, ...others],
      [...others, ...streams],
      [streams[0]!, others[0]!, streams[1]!, others[1]!, streams[2]!, others[2]!],
    ]) {
      const plain = asPlainRequest(bytesOf(` { ${order.join(" , ")} } `));
      expect(parsed(plain)).toEqual(JSON.parse(`{${others.join(",")}}`));
    }
    expect(parsed(asPlainRequest(bytesOf(`{${streams.join(",")}}`)))).toEqual({});
  });

  test("has more messages behind those that it had", () => {
    const more = [
      { role: "assistant", content: 'say "\\u0000"]' },
      { role: "user", content: "ü" },
    ];
    for (const messages of [[], [{ role: "user", content: "a]" }]]) {
      const given = JSON.stringify({ model: "m", messages, n: 1 }, null, 2);
      expect(parsed(withMessages(bytesOf(given), more))).toEqual({
        model: "m",
        messages: [...messages, ...more],
        n: 1,
      });
    }
    expect(withMessages(bytesOf('{"messages":"x"}'), more)).toBeNull();
    expect(withMessages(bytesOf("{"), more)).toBeNull();
  });
});
