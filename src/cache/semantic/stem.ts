// The stem of an English word: what its plural, its tenses and its -ing form have in common. Both texts go through the same
// rules, so a stem need not be a word.

const IRREGULAR = new Map<string, string>();
for (const line of `be:been being|become:became|begin:began begun|bite:bit bitten|blow:blew blown|break:broke broken|bring:brought
build:built|buy:bought|catch:caught|child:children|choose:chose chosen|come:came|deal:dealt|die:dying|dig:dug|draw:drew drawn
drink:drank drunk|drive:drove driven|eat:ate eaten|fall:fell fallen|feed:fed|feel:felt|fight:fought|find:found|fly:flew flown|foot:feet
forget:forgot forgotten|forgive:forgave forgiven|freeze:froze frozen|get:got gotten|give:gave given|go:went gone goes|grow:grew grown
half:halves|hang:hung|hear:heard|hide:hid hidden|hold:held|keep:kept|know:knew known|leaf:leaves|leave:left|lend:lent|lie:lying|life:lives
lose:lost|make:made|man:men|mean:meant|meet:met|mouse:mice|pay:paid|person:people persons|prove:proven|ride:rode ridden|ring:rang rung
rise:rose risen|run:ran|say:said|see:saw seen|seek:sought|sell:sold|send:sent|shake:shook shaken|shoot:shot|show:shown|shrink:shrank shrunk
sing:sang sung|sink:sank sunk|sit:sat|sleep:slept|speak:spoke spoken|spend:spent|stand:stood|steal:stole stolen|stick:stuck|strike:struck
swim:swam swum|take:took taken|teach:taught|tear:tore torn|tell:told|think:thought|throw:threw thrown|tooth:teeth|tie:tying|try:tries tried
understand:understood|wake:woke woken|wear:wore worn|win:won|woman:women|write:wrote written|analysis:analyses|crisis:crises
datum:data|index:indices|matrix:matrices|medium:media|thesis:theses|hypothesis:hypotheses`.split(/[|\n]/)) {
  const [base, forms] = line.split(":");
  for (const form of forms!.split(" ")) IRREGULAR.set(form, base!);
}

const VOWELS = new Set("aeiouy");
const KEPT_ENDINGS = ["ss", "us", "is", "news"];
const SIBILANTS = ["sses", "xes", "zes", "ches", "shes"];

/** Whether there is a vowel before `end`: "bring" and "red" have no ending to lose. */
function hasVowel(word: string, end: number): boolean {
  for (let i = 0; i < end; i += 1) if (VOWELS.has(word[i]!)) return true;
  return false;
}

/** "stopp" to "stop", but not "fill" to "fil". */
function undouble(stem: string): string {
  const last = stem.at(-1);
  return stem.length > 3 && last === stem.at(-2) && !"lsz".includes(last!) && !VOWELS.has(last!)
    ? stem.slice(0, -1)
    : stem;
}

/** Without the endings that only change number or tense; a final e goes too, and y becomes i. */
function withoutEnding(word: string): string {
  if (word.length > 4 && word.endsWith("ies")) return `${word.slice(0, -3)}i`;
  if (word.length > 4 && word.endsWith("ied")) return `${word.slice(0, -3)}i`;
  if (word.length > 4 && word.endsWith("es") && SIBILANTS.some((end) => word.endsWith(end)))
    return word.slice(0, -2);
  if (word.length > 5 && word.endsWith("ing") && hasVowel(word, word.length - 3)) {
    return undouble(word.slice(0, -3));
  }
  if (word.length > 4 && word.endsWith("ed") && !word.endsWith("eed") && hasVowel(word, word.length - 2)) {
    return undouble(word.slice(0, -2));
  }
  if (word.length > 3 && word.endsWith("s") && !KEPT_ENDINGS.some((ending) => word.endsWith(ending))) {
    return word.slice(0, -1);
  }
  return word;
}

/** Whether a word is of ASCII letters in lower case only. */
function isPlain(word: string): boolean {
  for (let i = 0; i < word.length; i += 1) {
    const code = word.charCodeAt(i);
    if (code < 97 || code > 122) return false;
  }
  return true;
}

/** The stem of a word in lower case. Words that are not of ASCII letters only stay as they are. */
export function stem(word: string): string {
  if (word.length < 3 || !isPlain(word)) return word;
  const base = withoutEnding(IRREGULAR.get(word) ?? word);
  if (base.length > 3 && base.endsWith("e")) return base.slice(0, -1);
  return base.length > 2 && base.endsWith("y") ? `${base.slice(0, -1)}i` : base;
}
