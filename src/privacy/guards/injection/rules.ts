// The rules of the injection score: words of two kinds that stand near each other, such as "ignore" and "instructions". A rule
// that fires is a feature among others; how much it counts is learned.

import { wordHash } from "./hash.ts";

/** How many rules there are. */
export const RULE_COUNT = 12;

/** Words between the two of a pair, at most. */
const REACH = 8;

const OVERRIDE = 1 << 0;
const ORDERS = 1 << 1;
const REVEAL = 1 << 2;
const FREE = 1 << 3;
const LIMITS = 1 << 4;
const PERSONA = 1 << 5;
const MACHINE = 1 << 6;
const SECRET = 1 << 7;
const BEFORE = 1 << 8;
const ROLE = 1 << 9;
const MARKER = 1 << 10;
const ASIDE = 1 << 11;
const KINDS = 12;

/** Pairs: a word of the first kind, then one of the second within reach, or of either order if so said. */
const PAIRS: readonly { readonly first: number; readonly second: number; readonly any_order?: boolean }[] = [
  { first: OVERRIDE, second: ORDERS },
  { first: REVEAL, second: ORDERS },
  { first: FREE, second: LIMITS },
  { first: REVEAL, second: SECRET },
  { first: BEFORE, second: ORDERS, any_order: true },
  { first: ASIDE, second: MACHINE, any_order: true },
  { first: OVERRIDE, second: BEFORE },
  { first: PERSONA, second: MACHINE, any_order: true },
  { first: PERSONA, second: LIMITS, any_order: true },
];
const ROLE_RULE = PAIRS.length;
const MARKER_RULE = PAIRS.length + 1;
const PERSONA_RULE = PAIRS.length + 2;

const WORDS: readonly (readonly [number, string])[] = [
  [
    OVERRIDE,
    `ignore ignoring disregard forget override overrule bypass skip discard neglect dismiss abandon drop circumvent
    ignora ignorar ignore ignorez oubliez oublie olvida olvide ignoriere ignorieren vergiss vergessen ignori dimentica
    esqueça esquece ignorera negeer vergeet zignoruj zapomnij игнорируй игнорируйте забудь забудьте unut ignorer glem
    abaikan`,
  ],
  [
    ORDERS,
    `instruction instructions prompt prompts rule rules guideline guidelines directive directives directions commands
    programming training policy policies instrucciones instruções instruções istruzioni anweisungen anweisung regeln regole
    reglas regras règles consignes systemprompt instructies regels instrukcje zasady инструкции инструкций правила
    talimatları kuralları instruksjoner instruktioner instruksi`,
  ],
  [
    REVEAL,
    `reveal show print repeat output tell give display share disclose expose leak provide summarize quote recite
    revela muestra dime revelar mostre diga révèle révélez montre affiche zeige verrate nenne wiederhole rivela mostra dimmi
    toon pokaż ujawnij покажи раскрой скажи göster söyle`,
  ],
  [
    FREE,
    "no without never any free break broken ignore bypass remove disable sin sans ohne senza sem zonder без",
  ],
  [
    LIMITS,
    `restrictions restriction limits limitations filter filters censorship rules ethics ethical moral morals guidelines
    safety constraints policies boundaries safeguards warnings restricciones restrictions einschränkungen restrizioni
    restrições beperkingen ограничений`,
  ],
  [
    PERSONA,
    `dan jailbreak jailbroken jailbroke unrestricted unfiltered uncensored amoral immoral evil stan dude omega persona
    devmode unethical unbound`,
  ],
  [
    MACHINE,
    `ai assistant assistants chatgpt gpt llm chatbot bot model openai agent asistente assistente assistant ki assistent
    copilot claude gemini`,
  ],
  [
    SECRET,
    `password passwords secret passphrase credentials key token confidential contraseña passwort kennwort senha parola
    wachtwoord hasło пароль şifre parola lösenord passord sandi`,
  ],
  [
    BEFORE,
    `previous previously prior above earlier preceding foregoing initial original anteriores anterior précédentes
    vorherigen bisherigen precedenti vorige eerdere poprzednie предыдущие önceki tidigere sebelumnya`,
  ],
  [ROLE, "system assistant developer human admin root"],
  [MARKER, "im_start im_end inst endoftext sys start_header_id system_prompt begin_of_text eot_id"],
  [ASIDE, "attention important note dear hey hello instead please must urgent if"],
];

const MASKS = new Map<number, number>();
for (const [kind, words] of WORDS) {
  for (const word of words.split(/\s+/)) {
    const hash = wordHash(word);
    MASKS.set(hash, (MASKS.get(hash) ?? 0) | kind);
  }
}

/** Sees the words of a text one after another and says which rules each makes fire. */
export class Rules {
  /** At which word each kind was last seen. */
  readonly #last = new Float64Array(KINDS);

  constructor() {
    this.clear();
  }

  /** Forgets all words. */
  clear(): void {
    this.#last.fill(Number.NEGATIVE_INFINITY);
  }

  /** The rules that a word makes fire, as bits. */
  take(hash: number, word: number): number {
    const mask = MASKS.get(hash);
    return mask === undefined ? 0 : this.#fire(mask, word);
  }

  /** Whether the word is a role's name, which fires a rule if it opens a line and a colon follows. */
  isRole(hash: number): boolean {
    return ((MASKS.get(hash) ?? 0) & ROLE) !== 0;
  }

  #fire(mask: number, word: number): number {
    const last = this.#last;
    let fired = 0;
    for (let index = 0; index < PAIRS.length; index++) {
      const { first, second, any_order } = PAIRS[index]!;
      if ((mask & second) !== 0 && word - last[31 - Math.clz32(first)]! <= REACH) fired |= 1 << index;
      if (any_order && (mask & first) !== 0 && word - last[31 - Math.clz32(second)]! <= REACH) {
        fired |= 1 << index;
      }
    }
    if ((mask & MARKER) !== 0) fired |= 1 << MARKER_RULE;
    if ((mask & PERSONA) !== 0) fired |= 1 << PERSONA_RULE;
    for (let kind = 0; kind < KINDS; kind++) if ((mask & (1 << kind)) !== 0) last[kind] = word;
    return fired;
  }
}

/** The bit of the rule that a role's name before a colon makes fire. */
export const ROLE_BIT = 1 << ROLE_RULE;
