// What it costs to redact a request, apart from recognising what is in it, and to restore a stream event by event.

import type { Found } from "../../src/privacy/entity.ts";
import { Mapping } from "../../src/privacy/mapping.ts";
import { redactRequest } from "../../src/privacy/redact_request.ts";
import { restoreText } from "../../src/privacy/restore.ts";
import { StreamRestorer } from "../../src/privacy/restore_stream.ts";
import type { Task } from "./measure.ts";

const ENTITIES = "EMAIL PHONE CREDIT_CARD US_SSN IBAN IP_ADDRESS PERSON LOCATION ORGANIZATION API_KEY".split(
  " ",
);
const VALUE = "ada@example.org";
const SECRET = new Uint8Array(32);
const WORDS = "The quick brown fox jumps over the lazy dog and Paris is In Europe with Alice Lee".split(" ");

/** Finds one value alone, as fast as that can be. */
function recogniseOne(text: string): readonly Found[] {
  const found: Found[] = [];
  for (let at = text.indexOf(VALUE); at >= 0; at = text.indexOf(VALUE, at + 1)) {
    found.push({ start: at, end: at + VALUE.length, entity: "EMAIL", score: 1 });
  }
  return found;
}

/** Text of about so many characters, with a value or a placeholder in every hundred words. */
function prose(characters: number, value: string): string {
  const words: string[] = [];
  for (let index = 0; words.length * 4.5 < characters; index++) {
    words.push(index % 100 === 50 ? value : WORDS[index % WORDS.length]!);
  }
  return words.join(" ");
}

function requestTask(kilobytes: number): Task {
  const content = prose(kilobytes * 1000, VALUE);
  const bytes = Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content }] }));
  const run = () =>
    redactRequest(bytes, {
      endpoint: "/chat/completions",
      recognise: recogniseOne,
      mapping: new Mapping(),
      mode: "redact",
      entities: ENTITIES,
      secret: SECRET,
    });
  return { text: `request of ${kilobytes} KB`, name: "redact", bytes: bytes.length, run };
}

function streamTask(name: string, contents: readonly string[], mapping: Mapping): Task {
  const events = contents.map((content) => {
    const delta = { choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }] };
    const chunk = {
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1_700_000_000,
      model: "gpt-4o-mini",
      ...delta,
    };
    const raw = Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
    return { raw, data: raw.subarray(6, -2) };
  });
  const run = () => {
    const restorer = new StreamRestorer(mapping);
    let last: unknown = null;
    for (const event of events) last = restorer.restore(event);
    return last;
  };
  return { text: name, name: "restore", bytes: events[0]!.raw.length, per_run: events.length, run };
}

/** Redacting requests of several lengths; restoring events and texts. */
export function privacyTasks(scale: number): readonly Task[] {
  const mapping = new Mapping();
  for (const entity of ENTITIES)
    mapping.placeholderOf(entity, entity === "EMAIL" ? VALUE : `a value of ${entity}`);
  const lengths = [1, 10, 100].map((kilobytes) => Math.max(1, Math.floor(kilobytes / scale)));
  const text = prose(100_000 / scale, "[EMAIL_1]");
  const json = JSON.stringify({ said: [text] });
  return [
    ...lengths.map(requestTask),
    streamTask(
      "event of a word",
      Array.from({ length: 200 }, (_, at) => ` ${WORDS[at % 9]}`),
      mapping,
    ),
    streamTask(
      "event with a placeholder",
      Array.from({ length: 200 }, () => "to [EMAIL_1] now"),
      mapping,
    ),
    streamTask(
      "placeholder in four events",
      Array.from({ length: 200 }, (_, at) => ["[EM", "AIL", "_1", "]"][at % 4]!),
      mapping,
    ),
    { text: "text", name: "restore", bytes: text.length, run: () => restoreText(text, mapping) },
    { text: "JSON", name: "restore", bytes: json.length, run: () => restoreText(json, mapping) },
  ];
}
