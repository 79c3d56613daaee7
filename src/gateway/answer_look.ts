// A look at an answer: whether it is a refusal, cut short, the JSON that was asked for, calls of the tools that were offered. Where its
// request came before, what it is about goes to the ledger as a few bits, to be compared. Nothing of its text is kept.

import { createHmac } from "node:crypto";
import { join } from "node:path";
import { record } from "../dialects/fields.ts";
import { writtenIn } from "../dialects/other_form.ts";
import { areToolsCalledWell } from "../dialects/tool_calls.ts";
import { wholeForm } from "../dialects/whole_form.ts";
import { InferenceClient } from "../inference/client.ts";
import { inferenceSocketPath } from "../inference/socket.ts";
import type { Judged } from "../ledger/judged.ts";
import { PROMPT_BYTES, sketchOf } from "../ledger/sketch.ts";
import { openSecret } from "../memory/secret.ts";
import { choicesOfAnswer, isJudged, type JudgedEndpoint } from "../privacy/guards/schema/answer_choices.ts";
import { isOtherAnswer, misfitOfAnswer, readAskedFormat } from "../privacy/guards/schema/asked_format.ts";
import { SchemaStore } from "../privacy/guards/schema/schema_store.ts";
import { serverOf } from "./answer.ts";
import { type AnswerCopy, COMPARED_MAX_BYTES } from "./answer_copy.ts";
import { isRefused } from "./answer_verdict.ts";
import type { Books } from "./books.ts";
import type { Call } from "./call.ts";
import type { Witness } from "./witness.ts";

/** Longer answers are not looked at. */
const ANSWER_MAX_BYTES = 64 * 1024;
/** How long the vector of an answer may take: nobody waits for it. */
const EMBED_MAX_MS = 5_000;
/** Characters that the built-in embedder reads. */
const EMBEDDED_MAX_CHARS = 8_192;

/** What is asked of a look. */
export interface LookWish {
  readonly request: Uint8Array;
  readonly choices: number;
  /** Whether its request came before. */
  readonly is_compared: boolean;
}

/** What looks at answers, in a process. */
export class AnswerLooks {
  readonly #schemas = new SchemaStore();
  readonly #books: Books;
  readonly #folder: string | null;
  /** Who is asked for vectors, and what requests are hashed with; made by the first comparison, null where it cannot be. */
  #comparing: Comparing | null | undefined;

  /** @param folder the data folder, whose inference process is asked; null: there is none */
  constructor(folder: string | null, books: Books) {
    this.#folder = folder;
    this.#books = books;
  }

  /** Looks at the answer of a call; null where answers to such calls say nothing. */
  of(call: Call, wish: LookWish): Witness | null {
    return isJudged(call.endpoint) ? new AnswerLook(call, call.endpoint, wish, this) : null;
  }

  /** What can be said of an answer; null where it cannot be read. */
  judge(answer: Uint8Array, request: Uint8Array, endpoint: JudgedEndpoint, tenant: string): Judged | null {
    const choices = choicesOfAnswer(answer, endpoint) ?? [];
    if (choices.length === 0) return null;
    const format = readAskedFormat(request, endpoint, tenant, this.#schemas);
    const is_text = choices.some(({ delta, finish_reason }) => !isOtherAnswer(delta, finish_reason));
    return {
      refused: choices.some(isRefused),
      cut: choices.some(({ finish_reason }) => finish_reason === "length"),
      json: format === null || !is_text ? null : FIT[misfitOfAnswer(answer, format)?.why ?? "fit"],
      tools: areToolsCalledWell(jsonOf(answer), jsonOf(request), endpoint),
    };
  }

  /** Has an answer compared with an earlier one to the same request. */
  async compare(
    call: Call,
    endpoint: JudgedEndpoint,
    answer: Uint8Array,
    request: Uint8Array,
  ): Promise<void> {
    const { format, client } = call;
    const { name } = format;
    const server = serverOf(call);
    this.#comparing ??= this.#folder === null ? null : comparingIn(this.#folder);
    const comparing = this.#comparing;
    if (comparing === null || server === null || client === null) return;
    if (name === "embeddings" || name === "moderations" || name === "rerank") return;
    const text = writtenIn(name, answer);
    if (text === null || text.trim() === "") return;
    const texts = [text.slice(0, EMBEDDED_MAX_CHARS)];
    const embedded = await comparing.client.embed({ embedder: "builtin", texts }, EMBED_MAX_MS);
    const vector = "fault" in embedded ? undefined : embedded.vectors[0];
    if (vector === undefined) return;
    const hash = createHmac("sha256", comparing.secret)
      .update(`${client.tenant}\0${endpoint}\0`)
      .update(request);
    this.#books.recordSketch({
      time: Math.round(call.wall_ms),
      provider: server.provider,
      model: server.model,
      prompt: hash.digest().subarray(0, PROMPT_BYTES),
      sketch: sketchOf(vector),
    });
  }

  close(): void {
    this.#comparing?.client.close();
  }
}

/** What comparisons are made with. */
interface Comparing {
  readonly client: InferenceClient;
  readonly secret: Uint8Array;
}

function comparingIn(folder: string): Comparing | null {
  const socket = inferenceSocketPath(folder);
  const secret = openSecret(join(folder, "quality.key"));
  if (typeof socket !== "string" || "fault" in secret) return null;
  return { client: new InferenceClient(socket), secret };
}

/** What misfits say of JSON; nothing where it was not there whole, or not judged. */
const FIT = {
  fit: true,
  "no JSON": false,
  "not by the schema": false,
  "cut short": null,
  "not judged": null,
} as const;

/** A look at one answer. */
class AnswerLook implements Witness {
  readonly #call: Call;
  readonly #endpoint: JudgedEndpoint;
  readonly #wish: LookWish;
  readonly #looks: AnswerLooks;
  #answer: Uint8Array | null = null;

  constructor(call: Call, endpoint: JudgedEndpoint, wish: LookWish, looks: AnswerLooks) {
    this.#call = call;
    this.#endpoint = endpoint;
    this.#wish = wish;
    this.#looks = looks;
  }

  came(body: Uint8Array): void {
    if (body.length > ANSWER_MAX_BYTES) return;
    this.#answer = body;
    const { tenant } = this.#call.client!;
    this.#call.judged = this.#looks.judge(body, this.#wish.request, this.#endpoint, tenant);
  }

  flowed(copy: AnswerCopy): void {
    const events = copy.bytes();
    const is_short = events !== null && events.length <= COMPARED_MAX_BYTES;
    const whole = !is_short ? null : wholeForm(this.#call.format.name, events, this.#wish.choices);
    if (whole !== null) this.came(whole);
  }

  over(): void {
    const answer = this.#answer;
    const { judged } = this.#call;
    if (!this.#wish.is_compared || answer === null || judged === null || judged.cut) return;
    setImmediate(() => void this.#looks.compare(this.#call, this.#endpoint, answer, this.#wish.request));
  }
}

function jsonOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return record(JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()));
  } catch {
    return {};
  }
}
