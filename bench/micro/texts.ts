// The texts that the functions over bytes are measured with: whole request bodies of every size and shape.
// All are made from a fixed seed; test/bench/micro.test.ts checks that they are what they are said to be.

import { chatBody } from "../bodies.ts";

/** A text to measure with. */
export interface Text {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A chat of messages of about so many characters each, with a quote and an escape per 30. */
function messages(count: number, chars: number): Uint8Array {
  const sentence = 'It was "nice" to\nsee you again. ';
  const content = sentence.repeat(Math.ceil(chars / sentence.length)).slice(0, chars);
  const list = Array.from({ length: count }, (_, i) => ({
    role: i % 2 === 0 ? "user" : "assistant",
    content,
  }));
  return Buffer.from(JSON.stringify({ model: "gpt-4o-mini", stream: true, messages: list }));
}

/** Every text; `scale` divides the larger ones, for tests. */
export function texts(scale = 1): readonly Text[] {
  const of = (count: number) => Math.ceil(count / scale);
  const small = Buffer.from('{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello!"}]}');
  const pretty = JSON.stringify(JSON.parse(Buffer.from(messages(of(800), 60)).toString()), null, 2);
  const escaped = "\\u4f60\\u597d, ".repeat(of(8000));
  const numbers = Array.from({ length: of(10_000) }, (_, i) => Math.sin(i));
  return [
    { name: "chat of 71 bytes", bytes: small },
    { name: "agent's chat, 1 KB", bytes: chatBody(1).bytes },
    { name: "agent's chat, 10 KB", bytes: chatBody(10).bytes },
    { name: "agent's chat, 100 KB", bytes: chatBody(of(100)).bytes },
    { name: "agent's chat, 500 KB", bytes: chatBody(of(500)).bytes },
    { name: "long messages (2 KB)", bytes: messages(of(60), 2000) },
    { name: "small messages (60 chars)", bytes: messages(of(1000), 60) },
    { name: "tiny messages (20 chars)", bytes: messages(of(2000), 20) },
    { name: "small messages, indented", bytes: Buffer.from(pretty) },
    { name: "all \\u escapes", bytes: Buffer.from(`{"content":"${escaped}"}`) },
    { name: "embeddings (numbers)", bytes: Buffer.from(JSON.stringify({ input: numbers })) },
  ];
}
