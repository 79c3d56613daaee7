// A stream's events into the whole answer that they say, and a whole answer into events: for stores, caches, and clients who ask
// otherwise than their provider answers.

import { laterUsage, type Usage } from "../usage.ts";
import type {
  AnswerChoice,
  ChatAnswer,
  EventSink,
  Finish,
  PartStart,
  StreamEvent,
  TokenLogprob,
} from "./answer.ts";
import { LogprobsByText } from "./logprobs.ts";
import type { Citation, OwnFields, OwnPart, Part, Signature } from "./parts.ts";

/** A part while it grows. */
interface GrowingPart {
  readonly start: PartStart;
  readonly texts: string[];
  readonly citations: Citation[];
  signature: Signature | null;
}

interface GrowingChoice {
  readonly parts: Map<number, GrowingPart>;
  readonly logprobs: TokenLogprob[];
  finish: Finish | null;
}

/** Collects one stream's events. */
export class AnswerCollector {
  #start: Extract<StreamEvent, { kind: "start" }> | null = null;
  readonly #choices = new Map<number, GrowingChoice>();
  #usage: Usage | null = null;

  /** Takes the next event; errors are the caller's. */
  take(event: StreamEvent): void {
    switch (event.kind) {
      case "start":
        this.#start ??= event;
        break;
      case "part_start":
        this.#choice(event.choice).parts.set(event.part, {
          ...{ start: event.start, texts: [], citations: [], signature: null },
        });
        break;
      case "delta":
        this.#part(event)?.texts.push(event.text);
        break;
      case "citation":
        this.#part(event)?.citations.push(event.citation);
        break;
      case "signature": {
        const part = this.#part(event);
        if (part !== null) part.signature = event.signature;
        break;
      }
      case "logprobs":
        this.#choice(event.choice).logprobs.push(...event.tokens);
        break;
      case "finish":
        this.#choice(event.choice).finish = event.finish;
        break;
      case "usage":
        this.#usage = laterUsage(this.#usage, event.usage);
    }
  }

  /** What came so far, as an answer. */
  answer(): ChatAnswer {
    const { id = "", model = "", created_s = null, service_tier, own } = this.#start ?? {};
    const choices = [...this.#choices]
      .sort(([a], [b]) => a - b)
      .map(([index, choice]) => choiceOf(index, choice));
    return {
      ...{ id, model, created_s, choices, usage: this.#usage },
      ...(service_tier === undefined ? {} : { service_tier }),
      ...(own === undefined ? {} : { own }),
    };
  }

  #choice(index: number): GrowingChoice {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = { parts: new Map(), logprobs: [], finish: null };
      this.#choices.set(index, choice);
    }
    return choice;
  }

  #part({ choice, part }: { readonly choice: number; readonly part: number }): GrowingPart | null {
    return this.#choice(choice).parts.get(part) ?? null;
  }
}

function choiceOf(index: number, { parts, logprobs, finish }: GrowingChoice): AnswerChoice {
  const whole = [...parts].sort(([a], [b]) => a - b).map(([, part]) => partOf(part));
  return { index, parts: whole, finish, ...(logprobs.length === 0 ? {} : { logprobs }) };
}

function partOf({ start, texts, citations, signature }: GrowingPart): Part {
  const text = texts.join("");
  const signed = signature === null ? {} : { signature };
  switch (start.kind) {
    case "text":
      return { ...start, kind: "text", text, ...(citations.length === 0 ? {} : { citations }), ...signed };
    case "refusal":
      return { ...start, kind: "refusal", text };
    case "thinking":
      return { ...start, text, ...signed };
    case "tool_call":
      return { ...start, arguments: text, ...signed };
    case "whole":
      return start.whole;
  }
}

/** Tells a whole answer as the events of a stream, each part's text at once. */
export function tellAnswer(answer: ChatAnswer, sink: EventSink): void {
  const { id, model, created_s, service_tier, usage, own } = answer;
  sink({
    ...{ kind: "start", id, model, created_s },
    ...(service_tier === undefined ? {} : { service_tier }),
    ...(own === undefined ? {} : { own }),
  });
  for (const { index: choice, parts, finish, logprobs } of answer.choices) {
    let part = 0;
    const dealt = new LogprobsByText(logprobs ?? [], parts.filter(({ kind }) => kind === "text").length);
    for (const said of parts) {
      const start = startOf(said);
      if (start === null) continue;
      sink({ kind: "part_start", choice, part, start });
      const text = textOf(said);
      const tokens = said.kind === "text" ? dealt.next(text) : [];
      if (tokens.length > 0) sink({ kind: "logprobs", choice, tokens });
      if (text !== "") sink({ kind: "delta", choice, part, text });
      if (said.kind === "text")
        for (const citation of said.citations ?? []) sink({ kind: "citation", choice, part, citation });
      if ((said.kind === "text" || said.kind === "thinking") && said.signature !== undefined)
        sink({ kind: "signature", choice, part, signature: said.signature });
      sink({ kind: "part_stop", choice, part });
      part += 1;
    }
    const others = dealt.rest();
    if (others.length > 0) sink({ kind: "logprobs", choice, tokens: others });
    if (finish !== null) sink({ kind: "finish", choice, finish });
  }
  if (usage !== null) sink({ kind: "usage", usage });
  sink({ kind: "end" });
}

function startOf(part: Part): PartStart | null {
  switch (part.kind) {
    case "text":
    case "refusal":
      return { kind: part.kind, ...ownOf(part) };
    case "thinking": {
      const { id, encrypted } = part;
      return {
        kind: "thinking",
        ...(id === undefined ? {} : { id }),
        ...(encrypted === undefined ? {} : { encrypted }),
        ...ownOf(part),
      };
    }
    case "tool_call": {
      const { id, name, is_custom, signature } = part;
      return {
        ...{ kind: "tool_call", id, name },
        ...(is_custom === undefined ? {} : { is_custom }),
        ...(signature === undefined ? {} : { signature }),
        ...ownOf(part),
      };
    }
    case "tool_result":
      // No model says one.
      return null;
    default:
      return { kind: "whole", whole: part };
  }
}

function ownOf({ own }: Exclude<Part, OwnPart>): { readonly own?: OwnFields } {
  return own === undefined ? {} : { own };
}

function textOf(part: Part): string {
  if (part.kind === "text" || part.kind === "refusal" || part.kind === "thinking") return part.text;
  return part.kind === "tool_call" ? part.arguments : "";
}
