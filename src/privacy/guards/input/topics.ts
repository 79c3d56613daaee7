// What a request is about, by meaning: what its user said last, sentence by sentence, beside a few sentences that show each topic.
// Texts come as vectors of length 1 from whoever makes them.

import type { DeniedTopicsPlan } from "../../../config/guards.ts";
import { record } from "../../../dialects/fields.ts";
import { contentsOf, type RequestText } from "./request_texts.ts";

/** Longer texts are not judged: characters of all of them. */
const TEXTS_MAX_CHARS = 64 * 1024;
/** Into how many pieces they are cut at most. */
const PIECES_MAX = 128;
/** A longer sentence is cut, since what is said in a part of it would hardly show in the whole. */
const PIECE_MAX_CHARS = 300;
/** Of white space behind a mark that ends a sentence, or of lines. */
const BETWEEN_SENTENCES = /(?<=[.!?…])\s+|(?<=[。！？])|[\r\n]+/u;

type Topic = DeniedTopicsPlan["topics"][number];

/** A topic with the vectors of its examples. */
export interface TopicVectors extends Pick<Topic, "name" | "threshold"> {
  readonly examples: readonly Float32Array[];
  /** Their middle, of length 1. */
  readonly middle: Float32Array;
}

/** The texts of a request that are judged: all that its user said last, and where `tools` says so what tools gave back since. */
export function lastTexts(body: Uint8Array, tools: boolean): string[] {
  const request = parse(body);
  const { messages, contents, input, prompt } = request;
  const turns = [messages, contents, input].find((list) => Array.isArray(list));
  if (!Array.isArray(turns)) return contentsOf({ prompt, contents, input }).texts.map(({ text }) => text);
  const since: RequestText[] = [];
  for (const turn of turns.toReversed()) {
    const { name: _, ...said } = record(typeof turn === "string" ? { role: "user", content: turn } : turn);
    const { texts } = contentsOf({ messages: [said] });
    since.unshift(...texts);
    if (texts.some(({ source }) => source === "user")) break;
  }
  return since.flatMap(({ source, text }) =>
    source === "user" || (tools && source === "tool") ? [text] : [],
  );
}

/** Texts cut into sentences, the long ones into parts; null where they are too long. A few short sentences are one piece as well. */
export function piecesOf(texts: readonly string[]): string[] | null {
  const chars = texts.reduce((sum, text) => sum + text.length, 0);
  if (chars > TEXTS_MAX_CHARS) return null;
  const pieces: string[] = [];
  for (const text of texts) {
    const sentences = text.split(BETWEEN_SENTENCES).filter((sentence) => sentence.trim() !== "");
    if (sentences.length > 1 && text.length <= PIECE_MAX_CHARS) pieces.push(text);
    for (const sentence of sentences) pieces.push(...partsOf(sentence));
  }
  if (pieces.length <= PIECES_MAX) return pieces;
  const joined = Math.ceil(pieces.length / PIECES_MAX);
  return Array.from({ length: Math.ceil(pieces.length / joined) }, (_, index) =>
    pieces.slice(index * joined, (index + 1) * joined).join(" "),
  );
}

/** A topic with the vectors of its examples; null where they are no vectors of one space. */
export function topicOf({ name, threshold }: Topic, examples: readonly Float32Array[]): TopicVectors | null {
  const length = examples[0]?.length ?? 0;
  if (length === 0 || examples.some((example) => example.length !== length)) return null;
  const middle = new Float32Array(length);
  for (const example of examples)
    for (let index = 0; index < length; index++) middle[index]! += example[index]!;
  const size = Math.sqrt(dot(middle, middle));
  return { name, threshold, examples, middle: size > 0 ? middle.map((value) => value / size) : middle };
}

/** How near a text is to a topic: half by the nearest of its examples, half by the middle of them; -1 to 1. */
export function nearness({ examples, middle }: TopicVectors, vector: Float32Array): number {
  const nearest = examples.reduce((most, example) => Math.max(most, dot(example, vector)), -1);
  return (nearest + dot(middle, vector)) / 2;
}

/** The first topic that any of the texts is about; null for none. */
export function topicAmong(
  topics: readonly TopicVectors[],
  vectors: readonly Float32Array[],
): TopicVectors | null {
  const isAbout = (topic: TopicVectors) =>
    vectors.some(
      (vector) => vector.length === topic.middle.length && nearness(topic, vector) >= topic.threshold,
    );
  return topics.find(isAbout) ?? null;
}

function dot(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < one.length; index++) sum += one[index]! * other[index]!;
  return sum;
}

/** A sentence in parts that end between words where they can. */
function partsOf(sentence: string): string[] {
  const parts: string[] = [];
  let rest = sentence;
  while (rest.length > PIECE_MAX_CHARS) {
    const space = rest.lastIndexOf(" ", PIECE_MAX_CHARS);
    const end = space > PIECE_MAX_CHARS / 2 ? space : PIECE_MAX_CHARS;
    parts.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return [...parts, rest];
}

function parse(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return record(JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString()));
  } catch {
    return {};
  }
}
