// What everyday English words are worth when two texts are compared: which say nothing, which deny, ask or
// measure. Written by hand; whoever adds a word asks: can the answer be another one if only this word changes?

/** Words that change no answer: articles, auxiliaries, courtesies, fillers, and what a question or an order is introduced with. */
export const LIGHT_WORDS = new Set(
  `a an the this that these those there it its itself
i me us we you myself yourself
am are be been being is do does have has having can could would going
please pls plz kindly thanks thank thankyou thx hi hello hey ok okay alright sure oh well so just really actually basically simply quite
very too also then now currently current presently exactly literally maybe perhaps anyway still yet already hmm um uh yeah yep
sir madam bro buddy dear lol
want wants wanted wanna need needs needed wish wishing try trying tried wonder wondering wondered hope hoping able possible possibly
tell telling show showing give giving let lets know knowing known help helping assist see seeing check look looking
provide provides advise inform ask asking happen happens get getting gets got obtain obtained seem seems seemed located require requires required heck hell damn
what which thing things stuff something anything some any such kind sort type much lot lots bit
if whether because since though although but while regarding concerning
say said here way ways
question questions specific particular
own`.split(/\s+/),
);

/**
 * Prepositions and particles. One that is there or not changes little ("in my account", "on my account"), but what stands after
 * it must not change places with something else, and it must not turn into its opposite.
 */
export const RELATION_WORDS = new Set(
  `to from into onto in on out off with within over than between through via toward towards for of by at as along across up down during
per about around near upon`.split(/\s+/),
);

/** Prepositions that change the answer by being there. */
export const STRICT_RELATION_WORDS = new Map(
  `before after until till:until above below beneath:below behind inside outside under underneath:under against versus vs:versus except instead
excluding:except without:not`
    .split(/\s+/)
    .map((entry) => {
      const [word, key] = entry.split(":");
      return [word!, key ?? word!];
    }),
);

/** Courtesies that are meant themselves after a verb of saying: "how do you say hello". */
export const COURTESIES = new Set(
  "hi hello hey thanks thank please sorry goodbye bye welcome yes no".split(" "),
);

/** Verbs and nouns after which a word can be meant itself. */
export const SAYING_WORDS = new Set(
  "say says translate translation spell pronounce define write word phrase mean means".split(" "),
);

/** Pronouns that end what a preposition governs: "from me to Carrie". */
export const OBJECT_PRONOUNS = new Set("me us him them".split(" "));

/** Words for how much of something, or which of its kind, is meant. */
export const SCOPE_WORDS = new Map(
  `only all every each everything everyone:everyone everybody:everyone both either more less fewer:less most least last previous next always again
another other others:other else same twice once double triple half quarter >= <= ever enough solely:only merely:only entire:whole whole entirely:whole
several few majority minority partially partly:partially fully:whole completely:whole exclusively:only alone`
    .split(/\s+/)
    .map((entry) => {
      const [word, key] = entry.split(":");
      return [word!, key ?? word!];
    }),
);

/** Words that deny. */
export const NEGATIONS = new Set(
  "not no never none nobody nothing nowhere neither nor hardly barely scarcely ain't aint non".split(" "),
);

/** Question words that ask for different things; "what" and "which" ask for what the rest says. */
export const QUESTION_WORDS = new Map([
  ["who", "?who"],
  ["whom", "?who"],
  ["whose", "?whose"],
  ["when", "?when"],
  ["where", "?where"],
  ["why", "?why"],
  ["reason", "?why"],
  ["reasons", "?why"],
  ["date", "?when"],
  ["location", "?where"],
]);

/** Words of which at most one of a kind can hold: a text that has none contradicts nobody. */
export const SLOT_WORDS = new Map<string, readonly [slot: string, value: string]>(
  `owner=first:my mine our ours|owner=second:your yours|owner=his:his|owner=her:her hers|owner=their:their theirs
person=he:he him|person=she:she|person=they:they them|tense=past:was were did had|tense=future:will shall|tense=must:must|tense=should:should|tense=may:may might|join=and:and plus|join=or:or
way=how:how ?how|deed=use:use uses using|deed=find:find finding locate`
    .split(/[|\n]/)
    .flatMap((line) => {
      const [slot, value, words] = line.split(/[=:]/);
      return words!.split(" ").map((word) => [word, [slot!, value!] as const] as const);
    }),
);

/** Function words besides the light ones that people know; typing errors of an unknown word are looked for among known ones. */
const OTHER_KNOWN_WORDS = `because should through without between before after another please something anything everything nothing
favorite tomorrow yesterday weather account balance transfer payment restaurant reservation schedule reminder calendar meeting password
insurance language shopping question information temperature university government business customer different difference important
computer internet software hardware keyboard mountain hospital medicine birthday vacation passport security identity available
recommend recommendation suggestion explain explanation calculate calculation definition translate translation summarize summary
`;

/** Words that are spelled right, for telling typing errors. */
export const KNOWN_WORDS: readonly string[] = OTHER_KNOWN_WORDS.split(/\s+/).filter((word) => word !== "");
