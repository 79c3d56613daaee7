// The words around a value that say what it is, in English, German, French, Spanish, Italian and Portuguese, and a few of Chinese.
// They are read from the value outwards: the nearest counts most, and a word such as "order" or "version" ends the reading.

import { isLetter } from "./letters.ts";
import { WordMap } from "./word_map.ts";

/** What words can speak of, each a bit. */
export const SUBJECT = {
  phone: 1,
  card: 1 << 1,
  account: 1 << 2,
  routing: 1 << 3,
  ssn: 1 << 4,
  tax: 1 << 5,
  nino: 1 << 6,
  health: 1 << 7,
  sin: 1 << 8,
  nir: 1 << 9,
  identity: 1 << 10,
  aadhaar: 1 << 11,
  pan: 1 << 12,
  brazil: 1 << 13,
  passport: 1 << 14,
  licence: 1 << 15,
  birth: 1 << 16,
  address: 1 << 17,
  medical: 1 << 18,
  secret: 1 << 19,
  wallet: 1 << 20,
  network: 1 << 21,
  call: 1 << 22,
} as const;

type Subject = keyof typeof SUBJECT;

/** Two words that belong together are joined by "_". */
const WORDS: Readonly<Record<Subject, string>> = {
  phone:
    "phone phones tel telephone mobile cell cellphone fax whatsapp sms landline voicemail hotline msisdn phonenumber telefon telefonnummer " +
    "handy handynummer mobil mobilnummer rufnummer festnetz téléphone telephone_number teléfono telefono móvil movil celular cellulare telefone " +
    "telemóvel телефон тел",
  call:
    "call calls called calling dial reach contact text texts ring answering message messages office desk portable anrufen rückruf appeler appelez joindre " +
    "llamar llame llámame chiamare chiamami ligar ligue",
  card:
    "card cards cc creditcard credit_card debit_card visa mastercard amex maestro karte kreditkarte kreditkartennummer kartennummer " +
    "carte tarjeta carta cartão cardnumber pan_number",
  account:
    "account accounts acct iban bank konto kontonummer bankverbindung compte cuenta clabe conto conta bankkonto accountnumber",
  routing: "routing aba sort_code sortcode bankleitzahl blz transit",
  ssn: "ssn social_security socialsecurity social_sec soc_sec",
  tax:
    "itin tin tax taxpayer tax_id steuer steuernummer steuerid steueridentifikationsnummer steuer_id identifikationsnummer idnr fiscal fiscale " +
    "codice_fiscale impôt impuesto",
  nino: "nino national_insurance ni_number",
  health: "nhs health_service",
  sin: "sin social_insurance nas assurance_sociale",
  nir: "nir insee sécurité_sociale securite_sociale sécu vitale",
  identity:
    "dni nie nif national_id identity identidad documento identité ausweis personalausweis carta_identità rg",
  aadhaar: "aadhaar aadhar uidai uid",
  pan: "pan pan_card permanent_account",
  brazil: "cpf cnpj cadastro",
  passport:
    "passport passports pass_nr pass_no reisepass passnummer passeport pasaporte passaporto passaporte passportnumber паспорт",
  licence:
    "driver_license driver_licence drivers_license drivers_licence driving_licence driving_license license_number licence_number dl dmv " +
    "führerschein führerscheinnummer de_conduire permis licencia de_conducir patente cnh habilitação driverslicense driverlicense",
  birth:
    "birth born birthday birthdate dob dateofbirth geboren geburtsdatum geburtstag geb naissance né née nacimiento nacido nacida " +
    "cumpleaños nascita nato nata nascimento nascido nascida aniversário",
  address:
    "address addresses addr located office offices send sent live lives lived living located ship shipped deliver delivered mail mailed meet residence residing resides " +
    "anschrift adresse wohnt wohne wohnhaft lieferadresse habite habitant domicile dirección direccion domicilio vive vivo indirizzo abita " +
    "abito residente endereço endereco morada mora moro",
  medical:
    "mrn medical_record medical_records medicalrecord patient_id patient_number patient_no patientid patient_identifier chart_number health_record hospital_number " +
    "patientennummer krankenakte dossier_médical historia_clínica historia_clinica cartella_clinica prontuário",
  secret:
    "password passwords passwd pwd passphrase passcode secret secrets token tokens apikey api_key access_key secret_key auth_key private_key " +
    "credential credentials bearer kennwort passwort schlüssel de_passe contraseña clave senha parola",
  wallet:
    "wallet wallets bitcoin btc eth ethereum solana monero xmr sol crypto litecoin tron blockchain satoshi",
  network: "ip ips ipv4 ipv6 host hosts server ping address addr client remote gateway subnet dns",
};

/** Words that say that a number is something else. What stands beyond them does not speak of it. */
const OTHERWISE =
  "order orders invoice ticket isbn issn ean upc sku version versions ver tracking serial revision commit build uuid guid hash checksum sha " +
  "part_number part_no model_number case_number case_no item_number product_code batch lot catalog timestamp epoch port pid ref reference bestellung bestellnummer rechnung rechnungsnummer commande facture pedido factura ordine fattura " +
  "pages rows lines bytes tokens_used issue pull doi pmid arxiv";

/** The bit of `OTHERWISE`. */
const STOP = 1 << 30;

/** What a word speaks of, by itself and before some other words. */
interface Meaning {
  alone: number;
  before: Map<string, number> | null;
}

const MEANINGS = new Map<string, Meaning>();

function learn(words: string, subject: number): void {
  for (const word of words.split(" ")) {
    const [first = "", second] = word.split("_");
    const meaning = MEANINGS.get(first) ?? { alone: 0, before: null };
    MEANINGS.set(first, meaning);
    if (second === undefined) meaning.alone |= subject;
    else {
      meaning.before ??= new Map();
      meaning.before.set(second, (meaning.before.get(second) ?? 0) | subject);
    }
  }
}

for (const [subject, words] of Object.entries(WORDS)) learn(words, SUBJECT[subject as Subject]);
learn(OTHERWISE, STOP);

const KNOWN = new WordMap(MEANINGS);

/** What a word speaks of; null for nothing. */
function meaningOf(text: string, start: number, end: number): Meaning | null {
  return KNOWN.findFolded(text, start, end) ?? null;
}

/** What a word and the one behind it speak of together. */
function joined(meaning: Meaning | null, text: string, next_start: number, next_end: number): number {
  if (meaning === null || meaning.before === null || next_end === next_start) return 0;
  return meaning.before.get(text.slice(next_start, next_end).toLowerCase()) ?? 0;
}

/** Words of scripts without spaces, which have to be searched for. */
const UNSPACED: readonly (readonly [word: string, subject: number])[] = [
  ["身份证", SUBJECT.identity],
  ["护照", SUBJECT.passport],
  ["生日", SUBJECT.birth],
  ["出生", SUBJECT.birth],
  ["地址", SUBJECT.address],
  ["订单", STOP],
  ["电话", SUBJECT.phone],
  ["手机", SUBJECT.phone],
  ["電話", SUBJECT.phone],
  ["携帯", SUBJECT.phone],
  ["卡号", SUBJECT.card],
  ["银行卡", SUBJECT.card],
  ["账号", SUBJECT.account],
  ["账户", SUBJECT.account],
  ["密码", SUBJECT.secret],
  ["密钥", SUBJECT.secret],
];

const BEFORE_CHARS = 72;
const BEFORE_WORDS = 10;
const AFTER_CHARS = 28;
const AFTER_WORDS = 3;
const UNSPACED_CHARS = 16;
/** Where scripts without spaces begin among the characters. */
const FIRST_UNSPACED = 0x2e80;
const NEWLINE = 0x0a;

/** What the words around a place speak of, as sums of `SUBJECT`s. */
export interface Context {
  /** All that is spoken of. */
  readonly all: number;
  /** What the nearest of the words that say anything speaks of. */
  readonly nearest: number;
  /** Whether the nearest of them says that a number is something else. */
  readonly is_otherwise: boolean;
}

/** Reads the words before `start`. */
export function contextBefore(text: string, start: number): Context {
  const spaced = readBefore(text, start);
  const unspaced = readUnspaced(text, start);
  if (unspaced === 0) return spaced;
  const nearest = isUnspaced(text, start) ? unspaced : spaced.nearest || unspaced;
  return { ...spaced, all: spaced.all | unspaced, nearest };
}

/** Whether the last letter before `start` is of a script without spaces: then no spaced word is nearer. */
function isUnspaced(text: string, start: number): boolean {
  for (let at = start - 1; at >= Math.max(0, start - UNSPACED_CHARS); at--) {
    const code = text.charCodeAt(at);
    if (code >= FIRST_UNSPACED || isLetter(code)) return code >= FIRST_UNSPACED;
  }
  return false;
}

function readBefore(text: string, start: number): Context {
  const from = Math.max(0, start - BEFORE_CHARS);
  let all = 0;
  let nearest = 0;
  let next_start = start;
  let next_end = start;
  let at = start;
  for (let words = 0; words < BEFORE_WORDS && at > from; words++) {
    while (at > from && !isLetter(text.charCodeAt(at - 1))) at--;
    const end = at;
    while (at > from && isLetter(text.charCodeAt(at - 1)) && !isHump(text, at, end)) at--;
    if (end - at < 2) continue;
    const meaning = meaningOf(text, at, end);
    if (meaning !== null) {
      const said = meaning.alone | joined(meaning, text, next_start, next_end);
      if ((said & STOP) !== 0) return { all, nearest, is_otherwise: nearest === 0 };
      all |= said;
      if (nearest === 0) nearest = said;
    }
    next_start = at;
    next_end = end;
  }
  return { all, nearest, is_otherwise: false };
}

/** Reads the few words behind `end`, on the same line: what they speak of. */
export function contextAfter(text: string, end: number): number {
  const to = Math.min(text.length, end + AFTER_CHARS);
  let all = 0;
  let last: Meaning | null = null;
  let at = end;
  for (let words = 0; words < AFTER_WORDS && at < to; words++) {
    while (at < to && !isLetter(text.charCodeAt(at))) {
      if (text.charCodeAt(at) === NEWLINE) return all;
      at++;
    }
    const start = at;
    while (at < to && isLetter(text.charCodeAt(at)) && (at === start || !isHump(text, at, at + 1))) at++;
    const meaning = meaningOf(text, start, at);
    const said = (meaning?.alone ?? 0) | joined(last, text, start, at);
    if ((said & STOP) !== 0) break;
    all |= said;
    last = meaning;
  }
  return all;
}

function readUnspaced(text: string, start: number): number {
  const last = lastVisible(text, start);
  if (!(last >= FIRST_UNSPACED)) return 0;
  const window = text.slice(Math.max(0, start - UNSPACED_CHARS), start);
  let said = 0;
  for (const [word, subject] of UNSPACED) if (window.includes(word)) said |= subject;
  return (said & STOP) !== 0 ? 0 : said;
}

/** The last character before `start` that is no space, sign or letter of Latin, among the nearest. */
function lastVisible(text: string, start: number): number {
  for (let at = start - 1; at >= Math.max(0, start - UNSPACED_CHARS); at--) {
    const code = text.charCodeAt(at);
    if (code >= FIRST_UNSPACED) return code;
  }
  return 0;
}

/** Whether a word of camel case has a new part at `at`: "phoneNumber" is two words. */
function isHump(text: string, at: number, word_end: number): boolean {
  if (at >= word_end) return false;
  const code = text.charCodeAt(at);
  const before = text.charCodeAt(at - 1);
  return code >= 0x41 && code <= 0x5a && before >= 0x61 && before <= 0x7a;
}
