// What the recognisers of personal data cost: over ordinary chat text, over text that is full of personal data, and over
// texts made to be slow. MB/s are of UTF-8.

import { Mapping } from "../../src/privacy/mapping.ts";
import { PlainMessages, wayKey } from "../../src/privacy/plain_messages.ts";
import { makeRecogniser, RECOGNISED } from "../../src/privacy/recognisers/recognisers.ts";
import { redactRequest } from "../../src/privacy/redact_request.ts";
import { chatBody } from "../bodies.ts";
import type { Task } from "./measure.ts";

/** Sentences of ordinary chats: some figures, times, names, code and marks, nothing personal. */
const SENTENCES = [
  "Could you look over the draft that I wrote yesterday and tell me where it drags?",
  "Sure. The opening is strong, but the second paragraph repeats what the first one says; I would cut it by half.",
  "Here are three options: keep the list, turn it into a table, or leave it out.",
  "The build takes 14 minutes on average, of which 9 are spent in tests that were last changed in 2021.",
  "In Python you would write `for row in rows[1:]: total += row.amount`, and round once at the end.",
  "Between 1995 and 2004 the share of rail freight fell from 42 % to 31 %, mostly because of the new motorway.",
  "I don't think that is right — the manual says that the valve must be closed before the pump is started.",
  "1. Preheat the oven to 220 °C.\n2. Mix the flour, salt and yeast.\n3. Let the dough rest for 45 minutes.",
  "Note: the function returns null if the key is missing, so the caller has to check for it.",
  "It depends on what you mean by fast: the first request is slow, all later ones are not.",
  "Their second album came out in May 1974 and sold about 120,000 copies in its first year.",
  "Please answer in the same language as the question, and do not use more than two sentences.",
  "The meeting was moved from 10:30 to 14:00, so we have time for lunch before.",
  "```ts\nconst limit = Math.min(options.limit ?? 50, 200);\nreturn items.slice(0, limit);\n```",
  "What he liked best about the house was the long corridor with its row of small windows facing the garden.",
  "See section 3.2 for the details; figure 7 shows how the error grows with the distance.",
];

/** One sentence that holds something of most kinds. */
const PERSONAL =
  "Ada lives at 24 Clarke Avenue, was born on 12.03.1987, pays with 4556 9174 0029 7557 and can be reached at +1 212-555-2368 or ada@example.com. ";

/** Sentences in an order of chance, the same in every run. */
function chat(chars: number): string {
  let text = "";
  for (let turn = 7; text.length < chars; turn = (turn * 31 + 11) % 257)
    text += `${SENTENCES[turn % SENTENCES.length]} `;
  return text.slice(0, chars);
}

const KB = 1024;
const SLOW = [
  ...["a@", "1", "1 ", "[", "::", "sk-", "4111 1111 1111 1111 "],
  ...["a.", '"', "[E_1", "-----BEGIN PRIVATE KEY-----"],
];
/** Characters of a message of a chat. */
const MESSAGE_CHARS = 800;

/** A request whose messages are the parts of a text. */
function requestOf(text: string): Uint8Array {
  const contents = text.match(new RegExp(`[^]{1,${MESSAGE_CHARS}}`, "g")) ?? [];
  const messages = contents.map((content, at) => ({ role: at % 2 === 0 ? "user" : "assistant", content }));
  return Buffer.from(JSON.stringify({ model: "m", messages }));
}

const SECRET = new Uint8Array(32);

/** Redacting whole requests with all recognisers; recognising in texts of all sizes. `scale` divides the larger ones, for tests. */
export function recogniserTasks(scale: number): readonly Task[] {
  const recognise = makeRecogniser();
  const of = (size: number) => Math.ceil(size / scale);
  const texts: readonly (readonly [name: string, text: string])[] = [
    ["chat, 1 KB", chat(KB)],
    ["chat, 10 KB", chat(of(10 * KB))],
    ["chat, 100 KB", chat(of(100 * KB))],
    ["personal data, 10 KB", PERSONAL.repeat(Math.ceil(of(10 * KB) / PERSONAL.length))],
    ...SLOW.map(
      (piece) => [`${JSON.stringify(piece)}, 1 MB`, piece.repeat(of(KB * KB) / piece.length)] as const,
    ),
  ];
  const requests: readonly (readonly [name: string, bytes: Uint8Array])[] = [1, 10, 100].flatMap((kb) => [
    [`agent's request, ${kb} KB`, chatBody(Math.max(1, kb / scale)).bytes] as const,
    [`chat's request, ${kb} KB`, requestOf(chat(of(kb * KB)))] as const,
  ]);
  const known = new PlainMessages().under(wayKey(), "bench", "redact");
  const redact = (bytes: Uint8Array, has_history: boolean) => () =>
    redactRequest(bytes, {
      known: has_history ? known : undefined,
      endpoint: "/chat/completions",
      recognise,
      mapping: new Mapping(),
      mode: "redact",
      entities: RECOGNISED,
      secret: SECRET,
    });
  return [
    ...requests.map(([text, bytes]) => {
      return { text, name: "redact", bytes: bytes.length, run: redact(bytes, false) };
    }),
    ...requests.slice(2).map(([text, bytes]) => {
      return { text: `${text}, again`, name: "redact", bytes: bytes.length, run: redact(bytes, true) };
    }),
    ...texts.map(([text, value]) => {
      return { text, name: "recognise", bytes: Buffer.byteLength(value), run: () => recognise(value) };
    }),
  ];
}
