// What the guards of answers find in one text.

import type { Recognise } from "../../entity.ts";
import { makeRecogniser } from "../../recognisers/recognisers.ts";
import { dataRule, walk } from "../../walk.ts";
import { DeniedWords } from "../denied_words.ts";
import { type GuardAction, type GuardSpan, REMOVED, type TextGuardPlan } from "../guard.ts";
import { ForeignLinks } from "./links.ts";
import { isLoud, openAddress, openCluster } from "./words.ts";

const SECRETS = ["API_KEY", "PRIVATE_KEY", "JWT", "SECRET"];
/** So many values are looked up in a request, each once; what is found beyond that counts as new. */
const LOOKUPS_MAX = 2_000;

/** What a guard found. */
export interface Finding extends GuardSpan {
  readonly guard: TextGuardPlan["guard"];
  readonly action: GuardAction;
  /** What takes its place where it is taken out. */
  readonly replacement: string;
}

/** One guard, ready to look at texts. */
export interface TextGuard {
  readonly action: GuardAction;
  /** @param isAsked whether the request has a value */
  find(text: string, isAsked: (value: string) => boolean): Finding[];
  /** From where on in a text something may have begun that what comes next could complete; its length if nowhere. */
  openFrom(text: string): number;
}

/** A guard that is the same for all requests. */
export type CommonGuardPlan = Exclude<TextGuardPlan, { guard: "prompt_leak" }>;

/** Makes a guard. It may be used for any number of texts. */
export function makeTextGuard(plan: CommonGuardPlan): TextGuard {
  const { guard, action } = plan;
  switch (plan.guard) {
    case "denied_words": {
      const words = new DeniedWords(plan.words);
      return {
        action,
        find: (text) => words.find(text).map((span) => ({ ...span, guard, action, replacement: REMOVED })),
        openFrom: (text) => words.openFrom(text),
      };
    }
    case "links": {
      const links = new ForeignLinks(plan.hosts);
      return {
        action,
        find: (text) =>
          links.find(text).map((span) => ({ ...span, guard, action, replacement: "[link removed]" })),
        openFrom: openAddress,
      };
    }
    case "secrets":
      return recognising(plan, makeRecogniser({ entities: SECRETS }), SECRET_WORDS);
    case "personal_data":
      return recognising(plan, makeRecogniser({ entities: plan.entities }), PERSONAL_WORDS);
  }
}

/** All that guards find in a text, in order. */
export function findAll(
  guards: readonly TextGuard[],
  text: string,
  isAsked: (value: string) => boolean,
): Finding[] {
  const found = guards.flatMap((guard) => guard.find(text, isAsked));
  return found.sort((a, b) => a.start - b.start || b.end - a.end);
}

/** Says of values whether a request has them, in whatever spelling and spacing. Reads the request when it is first asked. */
export function askedIn(body: Uint8Array | null, more: Iterable<string> = []): (value: string) => boolean {
  let asked: string | null = null;
  const known = new Map<string, boolean>();
  return (value) => {
    const plain = plainOf(value);
    let is_asked = known.get(plain);
    if (is_asked === undefined) {
      if (known.size >= LOOKUPS_MAX) return false;
      asked ??= textsOf(body, more);
      is_asked = plain !== "" && asked.includes(plain);
      known.set(plain, is_asked);
    }
    return is_asked;
  };
}

function textsOf(body: Uint8Array | null, more: Iterable<string>): string {
  const texts = [...more];
  if (body !== null) {
    walk(body, dataRule("text"), ({ start, end }) => {
      const written = Buffer.from(body.buffer, body.byteOffset + start, end - start).toString();
      texts.push(String(JSON.parse(written)));
    });
  }
  return texts.map(plainOf).join("\n");
}

function plainOf(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
}

/** How many ordinary words may stand between the parts of one finding. */
const SECRET_WORDS = 1;
const PERSONAL_WORDS = 4;

function recognising(
  { guard, action }: TextGuardPlan,
  recognise: Recognise,
  between_words: number,
): TextGuard {
  return {
    action,
    find(text, isAsked) {
      if (!isLoud(text)) return [];
      const found: Finding[] = [];
      for (const { start, end, entity } of recognise(text)) {
        if (guard === "personal_data" && isAsked(text.slice(start, end))) continue;
        found.push({ start, end, guard, action, replacement: `[${entity.toUpperCase()}]` });
      }
      return found;
    },
    openFrom: (text) => openCluster(text, between_words),
  };
}
