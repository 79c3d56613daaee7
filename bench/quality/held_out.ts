// Which texts of ../shared/data/paraphrase/intents-dev.jsonl the shipped embedder never saw (models/embedder/data.py has the rule
// too): one intent in five, whole, and one text in five of the others.

/** A row of the file, as far as the rule looks at it. */
export interface IntentText {
  readonly text: string;
  readonly intent: string;
  readonly set: string;
}

/** Whether no text of the intent was trained on. */
export function isHeldOutIntent({ set, intent }: Pick<IntentText, "set" | "intent">): boolean {
  return fnv1a(`${set}/${intent}`) % 5 === 0;
}

/** Whether the text was not trained on: because of its intent or of itself. */
export function isHeldOut(row: IntentText): boolean {
  return isHeldOutIntent(row) || fnv1a(row.text) % 5 === 0;
}

/** FNV-1a of 32 bits over the bytes of the text. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
