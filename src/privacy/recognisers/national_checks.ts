// Check digits and letters of national numbers. Each takes the value without separators, letters in capitals.

import { isLuhn, weighted } from "./checksums.ts";

/** American social security number: areas 000, 666 and from 900 on, group 00 and serial 0000 were never given out. */
export function isSsn(digits: string): boolean {
  const area = digits.slice(0, 3);
  if (area === "000" || area === "666" || area >= "900") return false;
  if (digits.slice(3, 5) === "00" || digits.slice(5) === "0000") return false;
  // Printed in advertisements, and in use by nobody.
  return digits !== "078051120" && digits !== "219099999" && !isOneDigit(digits) && digits !== "123456789";
}

/** American taxpayer number: 9, and the groups that the tax office gives out. */
export function isItin(digits: string): boolean {
  const group = Number(digits.slice(3, 5));
  const is_given =
    (group >= 50 && group <= 65) || (group >= 70 && group <= 99 && group !== 89 && group !== 93);
  return digits.startsWith("9") && is_given;
}

/** Canadian social insurance number: Luhn; none begins with 0 or 8. */
export function isSin(digits: string): boolean {
  return !/^[08]/.test(digits) && isLuhn(digits);
}

/** British health service number: mod 11 with weights 10 to 2. */
export function isNhs(digits: string): boolean {
  const check = 11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  return (check === 11 ? 0 : check) === Number(digits[9]) && !isOneDigit(digits);
}

/** German tax number: of the first ten digits one stands two or three times, and not in a row of three. */
export function isSteuerIdForm(digits: string): boolean {
  if (digits.startsWith("0")) return false;
  const counts = new Map<string, number>();
  for (const digit of digits.slice(0, 10)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
  const repeated = [...counts.values()].filter((count) => count > 1);
  return repeated.length === 1 && repeated[0]! <= 3 && !/(\d)\1\1/.test(digits.slice(0, 10));
}

/** French social security number with its key: 97 less the rest of a division by 97; Corsica's 2A and 2B count as 19 and 18. */
export function isNir(value: string): boolean {
  if (!/^[123478]\d{2}(?:0[1-9]|1[0-2]|[2-9]\d)(?:\d{2}|2[AB])\d{8}$/.test(value)) return false;
  const number = Number(value.slice(0, 13).replace("2A", "19").replace("2B", "18"));
  return 97 - (number % 97) === Number(value.slice(13));
}

const DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE";

/** Spanish identity number: eight digits and a letter by mod 23; a foreigner's begins with X, Y or Z for 0, 1 or 2. */
export function isDni(value: string): boolean {
  const digits = value.slice(0, -1).replace(/^[XYZ]/, (letter) => String("XYZ".indexOf(letter)));
  return DNI_LETTERS[Number(digits) % 23] === value.at(-1);
}

/** What characters at odd places count in the Italian tax code, from 0 (or A) on. */
const ITALIAN_ODD = [
  1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];

/** Italian tax code: its form (digits may be replaced by letters, where two people would have the same) and its last letter. */
export function isCodiceFiscale(value: string): boolean {
  if (!/^[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]$/.test(value))
    return false;
  let sum = 0;
  for (let place = 0; place < 15; place++) {
    const code = value.charCodeAt(place);
    const number = code < 0x3a ? code - 0x30 : code - 0x41;
    sum += place % 2 === 0 ? ITALIAN_ODD[number]! : number;
  }
  return String.fromCharCode(0x41 + (sum % 26)) === value[15];
}

/** Both check digits of a Brazilian number: mod 11 over what stands before each. */
function hasBrazilianChecks(digits: string, weights: readonly number[]): boolean {
  const first = brazilianCheck(digits, weights.slice(1));
  return first === Number(digits.at(-2)) && brazilianCheck(digits, weights) === Number(digits.at(-1));
}

function brazilianCheck(digits: string, weights: readonly number[]): number {
  const rest = weighted(digits, weights) % 11;
  return rest < 2 ? 0 : 11 - rest;
}

/** Brazilian person's number. */
export function isCpf(digits: string): boolean {
  return hasBrazilianChecks(digits, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) && !isOneDigit(digits);
}

/** Brazilian company's number; since 2026 its first twelve characters may be letters, which count as their ASCII code less 48. */
export function isCnpj(value: string): boolean {
  return hasBrazilianChecks(value, [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) && !isOneDigit(value);
}

/** Chinese identity number (GB 11643): region, day of birth, and ISO 7064 mod 11-2. */
export function isResidentId(value: string): boolean {
  if (!/^[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]$/.test(value))
    return false;
  const sum = weighted(value.slice(0, 17), [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
  return "10X98765432"[sum % 11] === value[17];
}

/** British national insurance number: letters that are in use, six digits, A to D. */
export function isNino(value: string): boolean {
  return (
    /^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]$/.test(value) && !/^(?:BG|GB|KN|NK|NT|TN|ZZ)/.test(value)
  );
}

/** Indian permanent account number: the fourth letter says what its holder is. */
export function isPan(value: string): boolean {
  return /^[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]$/.test(value);
}

/** Whether one digit is repeated throughout. */
export function isOneDigit(digits: string): boolean {
  for (let at = 1; at < digits.length; at++) if (digits.charCodeAt(at) !== digits.charCodeAt(0)) return false;
  return true;
}
