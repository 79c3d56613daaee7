// Recognisers made by hand, for tests of what is done with what they find.

import type { Found, Recognise } from "../../src/privacy/entity.ts";
import { Mapping } from "../../src/privacy/mapping.ts";
import {
  type RedactedRequest,
  type RequestRedaction,
  redactRequest,
} from "../../src/privacy/redact_request.ts";

export const NAMES = ["Ada Lovelace", "Grace Hopper", 'Sean "Doc" O\'Neil', "Zoë Łuczak", "李小龙"];
export const ENTITIES = ["EMAIL", "PERSON", "CREDIT_CARD", "US_SSN"];

const EMAIL = /[A-Za-z0-9.]{1,40}@[A-Za-z0-9]{1,40}\.[a-z]{2,6}/g;
const CARD = /\b4\d{15}\b/g;
const SSN = /\b\d{3}-\d{2}-\d{4}\b/g;

function findAll(text: string, pattern: RegExp, entity: string): Found[] {
  return [...text.matchAll(pattern)].map(({ 0: value, index }) => ({
    start: index,
    end: index + value.length,
    entity,
    score: 1,
  }));
}

function findNames(text: string): Found[] {
  const folded = text.toLowerCase();
  return NAMES.flatMap((name) => {
    const found: Found[] = [];
    const wanted = name.toLowerCase();
    for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, at + 1)) {
      found.push({ start: at, end: at + wanted.length, entity: "PERSON", score: 1 });
    }
    return found;
  });
}

/** E-mail addresses, card numbers, social security numbers, and names of a list. */
export const recognise: Recognise = (text) => {
  const all = [
    ...findAll(text, EMAIL, "EMAIL"),
    ...findAll(text, CARD, "CREDIT_CARD"),
    ...findAll(text, SSN, "US_SSN"),
    ...findNames(text),
  ].sort((a, b) => a.start - b.start);
  return all.filter(({ start }, index) => all.slice(0, index).every((before) => before.end <= start));
};

/** Options of a redaction of chat, for tests to change. */
export function options(changed: Partial<RequestRedaction> = {}): RequestRedaction {
  return {
    endpoint: "/chat/completions",
    recognise,
    mapping: new Mapping(),
    mode: "redact",
    entities: ENTITIES,
    secret: new Uint8Array(32),
    ...changed,
  };
}

/** The redacted request; fails the test where there is none. */
export function redacted(request: object | string, changed: Partial<RequestRedaction> = {}): RedactedRequest {
  const text = typeof request === "string" ? request : JSON.stringify(request);
  const result = redactRequest(Buffer.from(text), options(changed));
  if (result.fault !== null) throw new Error(result.fault);
  return result;
}

/** The redacted request as a value. */
export function redactedJson(request: object | string, changed: Partial<RequestRedaction> = {}): unknown {
  return JSON.parse(Buffer.from(redacted(request, changed).bytes).toString());
}
