// Whether a text is the refusal of a model. Few formats say so in a field; what models say then begins alike.
// A heuristic: it looks at how a short answer begins, in the languages below, and leaves everything else alone.

import { indexOf, needle } from "../wire/search.ts";

/** A refusal is short: what goes on for longer has an answer in it. */
const REFUSAL_MAX_CHARS = 1_000;

/** What a refusal may begin with before it says so. */
const APOLOGIES = [
  ...["i'm sorry", "i am sorry", "i'm really sorry", "sorry", "i apologize", "my apologies", "unfortunately"],
  ...[
    "lo siento",
    "lamento",
    "je suis désolé",
    "je suis désolée",
    "désolé",
    "es tut mir leid",
    "tut mir leid",
  ],
  ...[
    "mi dispiace",
    "desculpe",
    "sinto muito",
    "lamento",
    "het spijt me",
    "przykro mi",
    "извините",
    "к сожалению",
  ],
  ...["很抱歉", "抱歉", "对不起", "申し訳ありませんが", "申し訳ございませんが", "죄송합니다", "죄송하지만"],
  ...["but", "however", "pero", "mais", "aber", "ma", "mas", "maar", "ale", "но"],
] as const;

/** How it says so. */
const REFUSALS = [
  ...[
    "i can't help",
    "i cannot help",
    "i can't assist",
    "i cannot assist",
    "i can't comply",
    "i cannot comply",
  ],
  ...["i can't provide", "i cannot provide", "i can't do that", "i cannot do that", "i can't fulfill"],
  ...["i cannot fulfill", "i can't create", "i cannot create", "i can't support", "i can't discuss"],
  ...["i can't engage", "i cannot engage", "i can't generate", "i cannot generate", "i won't be able to"],
  ...["i won't help", "i won't provide", "i will not", "i'm unable to", "i am unable to", "i'm not able to"],
  ...["i am not able to", "i must decline", "i have to decline", "i can't continue", "i cannot continue"],
  ...["as an ai language model, i can", "as an ai, i can't", "as an ai, i cannot", "i can't answer that"],
  ...["no puedo ayudar", "no puedo proporcionar", "no puedo cumplir", "no puedo responder", "no puedo crear"],
  ...["je ne peux pas", "je ne suis pas en mesure", "je ne suis pas capable", "ich kann dabei nicht"],
  ...["ich kann dir dabei nicht", "ich kann ihnen dabei nicht", "ich kann das nicht", "dabei kann ich"],
  ...["das kann ich nicht", "ich kann diese anfrage nicht", "non posso aiutar", "non posso fornire"],
  ...["non sono in grado", "não posso ajudar", "não posso fornecer", "não consigo ajudar"],
  ...["ik kan je daar niet", "ik kan u daar niet", "ik kan daar niet", "nie mogę pomóc", "я не могу помочь"],
  ...["не могу помочь", "я не могу предоставить", "我无法", "我不能", "无法提供", "お手伝いできません"],
  ...["お答えできません", "その要求にはお応えできません", "도와드릴 수 없습니다", "제공할 수 없습니다"],
] as const;

/** Why an answer ended that somebody has kept from being one: chat completions, Messages, Gemini. */
const REFUSAL_REASONS: ReadonlySet<string | null> = new Set([
  ...["content_filter", "refusal", "safety", "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII"],
]);

/** Whether a finish reason says that there is no answer because somebody refuses one. */
export function isRefusalReason(finish_reason: string | null): boolean {
  return REFUSAL_REASONS.has(finish_reason);
}

const MEMBER = needle('"refusal"');
const DELTA = needle('"response.refusal.delta"');
const COLON = 0x3a;
const QUOTE = 0x22;

/** Whether the JSON of an answer, or of an event of one, has a refusal in chat completions' words or in those of Responses. */
export function saysRefusal(json: Uint8Array): boolean {
  for (let at = indexOf(json, MEMBER); at >= 0; at = indexOf(json, MEMBER, at + 1)) {
    let next = skipSpace(json, at + MEMBER.length);
    if (json[next] !== COLON) continue;
    next = skipSpace(json, next + 1);
    if (json[next] === QUOTE && json[next + 1] !== QUOTE) return true;
  }
  return indexOf(json, DELTA) >= 0;
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at += 1;
  return at;
}

/** Whether a text begins as refusals do, and is as short as they are. */
export function looksRefused(text: string): boolean {
  if (text.length > REFUSAL_MAX_CHARS) return false;
  let rest = text.slice(0, 300).normalize("NFKC").toLowerCase().replaceAll("\u2019", "'").trimStart();
  // At most a few words before it: an apology, its but, a comma.
  for (let words = 0; words < 4; words++) {
    const apology = APOLOGIES.find((word) => beginsWith(rest, word));
    if (apology === undefined) break;
    rest = rest.slice(apology.length).replace(/^[\s,.;:!、,。。-]+/, "");
  }
  return REFUSALS.some((phrase) => rest.startsWith(phrase));
}

/** Whether a text begins with a word, and not with a longer one. */
function beginsWith(text: string, word: string): boolean {
  return text.startsWith(word) && !/^[a-zà-ÿ]/.test(text.slice(word.length));
}
