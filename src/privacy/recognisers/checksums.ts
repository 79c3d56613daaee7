// Check digits, as their standards define them. Each takes the value without separators.

/** Luhn (ISO/IEC 7812-1, annex B): cards, Canadian SIN, IMEI. */
export function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let at = digits.length - 1, is_doubled = false; at >= 0; at--, is_doubled = !is_doubled) {
    const digit = digits.charCodeAt(at) - 0x30;
    sum += is_doubled ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return digits.length > 1 && sum % 10 === 0;
}

/** ISO 7064 mod 97-10 over digits and letters (A is 10): 1 for a right value. */
function mod97(value: string): number {
  let rest = 0;
  for (let at = 0; at < value.length; at++) {
    const number = Number.parseInt(value[at]!, 36);
    rest = (rest * (number > 9 ? 100 : 10) + number) % 97;
  }
  return rest;
}

/** ISO 7064 mod 97-10 as it stands, check digits last: LEI, creditor references. */
export function isMod97(value: string): boolean {
  return value.length > 2 && mod97(value) === 1;
}

/** ISO 13616: the first four characters go last, then mod 97-10. */
export function isIbanCheck(value: string): boolean {
  return isMod97(value.slice(4) + value.slice(0, 4));
}

const VERHOEFF_PRODUCT = [
  "0123456789",
  "1234067895",
  "2340178956",
  "3401289567",
  "4012395678",
  "5987604321",
  "6598710432",
  "7659821043",
  "8765932104",
  "9876543210",
];
const VERHOEFF_PERMUTATION = [
  "0123456789",
  "1576283094",
  "5803796142",
  "8916043527",
  "9453126870",
  "4286573901",
  "2793806415",
  "7046913258",
];

/** Verhoeff: Aadhaar. */
export function isVerhoeff(digits: string): boolean {
  let check = 0;
  for (let place = 0; place < digits.length; place++) {
    const digit = Number(digits[digits.length - 1 - place]);
    check = Number(VERHOEFF_PRODUCT[check]![Number(VERHOEFF_PERMUTATION[place % 8]![digit])]);
  }
  return digits.length > 1 && check === 0;
}

/** ISO 7064 mod 11,10: the German tax number. */
export function isMod11_10(digits: string): boolean {
  let product = 10;
  for (let at = 0; at < digits.length - 1; at++) {
    const sum = (Number(digits[at]) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return digits.length > 1 && (11 - product) % 10 === Number(digits.at(-1));
}

/** The sum of the digits times their weights; further digits do not count. */
export function weighted(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * (digits.charCodeAt(at) - 0x30), 0);
}

/** The American Bankers Association's routing number: weights 3, 7, 1, mod 10. */
export function isAba(digits: string): boolean {
  return digits.length === 9 && weighted(digits, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0;
}

/** The checksums that a configuration can ask for. */
export const CHECKSUMS = {
  luhn: isLuhn,
  mod97: isMod97,
  iban: isIbanCheck,
  verhoeff: isVerhoeff,
  mod11_10: isMod11_10,
  aba: isAba,
} as const;

/** The name of a checksum that a configuration can ask for. */
export type Checksum = keyof typeof CHECKSUMS;
