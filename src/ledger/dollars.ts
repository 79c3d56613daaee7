// Nano-dollars as people and programs read them: decimal dollars, exactly.

const NANO_DIGITS = 9;

/** Dollars as a decimal number without an exponent and without zeros at its end: 1500 nano-dollars are `0.0000015`. */
export function dollarsOf(nano_usd: number | bigint): string {
  const digits = BigInt(nano_usd)
    .toString()
    .padStart(NANO_DIGITS + 1, "0");
  const whole = digits.slice(0, -NANO_DIGITS);
  const fraction = digits.slice(-NANO_DIGITS).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
