// What the guards of answers find in one text.

import type { Recognise } from "../../entity.ts";
import type { CustomRecogniser } from "../../recognisers/custom.ts";
import { makeRecogniser, RECOGNISED } from "../../recognisers/recognisers.ts";
import { dataRule, walk } from "../../walk.ts";
import { DeniedWords } from "../denied_words.ts";
import { type GuardAction, type GuardSpan, REMOVED, type TextGuardPlan } from "../guard.ts";
import { ForeignLinks } from "./links.ts";
import { type FindNames, makeNameGuard, NAMES } from "./names.ts";
import { isLoud, openAddress, openCluster, openWords } from "./words.ts";

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
  /**
   * @param isAsked whether the request has a value
   * @param from what ends before it is settled, and need not be found
   */
  find(text: string, isAsked: (value: string) => boolean, from: number): Finding[];
  /**
   * From where on in a text something may have begun that what comes next could complete; its length if nowhere.
   * @param from what stands before it is settled
   */
  openFrom(text: string, from: number): number;
}

/** A guard that is the same for all requests. */
export type CommonGuardPlan = Exclude<TextGuardPlan, { guard: "prompt_leak" }>;

/** What guards of personal data know besides what is built in. */
export interface PersonalKnowledge {
  /** Kinds of the configuration's own; they must be without fault. */
  readonly custom: readonly CustomRecogniser[];
  readonly findNames: FindNames;
}

/** Makes guards of a plan, mostly one. They may be used for any number of texts. */
export function makeTextGuards(plan: CommonGuardPlan, knowledge: PersonalKnowledge): TextGuard[] {
  if (plan.guard !== "personal_data") return [makeTextGuard(plan)];
  const { action, entities } = plan;
  const custom = knowledge.custom.filter(({ name }) => entities?.includes(name) ?? true);
  const guards = [recognising(plan, makeRecogniser({ entities: entities ?? RECOGNISED }), PERSONAL_WORDS)];
  if (custom.length > 0) guards.push(ownKinds(plan, custom));
  const names = NAMES.filter((name) => entities?.includes(name));
  if (names.length > 0) guards.push(makeNameGuard(action, names, knowledge.findNames));
  return guards;
}

function makeTextGuard(plan: Exclude<CommonGuardPlan, { guard: "personal_data" }>): TextGuard {
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
  }
}

/** All that guards find in a text, in order. */
export function findAll(
  guards: readonly TextGuard[],
  text: string,
  isAsked: (value: string) => boolean,
  from = 0,
): Finding[] {
  const found = guards.flatMap((guard) => guard.find(text, isAsked, from));
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

/** How many words are held back of what the configuration's own kinds may need: their words around, and blanks within. */
const CONTEXT_WORDS = 4;
const BLANK_WORDS = 8;

/** Kinds of the configuration's own: any words may be one, ordinary ones too. */
function ownKinds({ guard, action }: TextGuardPlan, custom: readonly CustomRecogniser[]): TextGuard {
  const recognise = makeRecogniser({ entities: [], custom });
  const has_blanks = custom.some(({ pattern }) => mayMatchBlanks(pattern));
  const has_context = custom.some(({ context = [] }) => context.length > 0);
  const held_words = has_blanks ? BLANK_WORDS : has_context ? CONTEXT_WORDS : 0;
  return {
    action,
    find: (text, isAsked) =>
      recognise(text)
        .filter(({ start, end }) => !isAsked(text.slice(start, end)))
        .map(({ start, end, entity }) => ({ start, end, guard, action, replacement: `[${entity}]` })),
    openFrom: (text) => openWords(text, held_words),
  };
}

/** Classes and escapes that stand for blanks, or may. */
const BLANK_ESCAPES = new Set("sDWpPxQCntrfv");

/** Whether a pattern may match a blank; in doubt it may. */
export function mayMatchBlanks(pattern: string): boolean {
  for (let at = 0; at < pattern.length; at++) {
    const sign = pattern[at];
    if (sign === "\\") {
      at++;
      if (BLANK_ESCAPES.has(pattern[at] ?? "")) return true;
    } else if (sign === " " || sign === "." || (sign === "[" && "^:".includes(pattern[at + 1] ?? " ")))
      return true;
  }
  return false;
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
