// Addresses of wallets: Base58Check (Bitcoin, Litecoin, Dogecoin, Tron …) and Bech32 with their checksums, Ethereum by its form,
// and Base58 of 32 bytes (Solana) where the words around speak of a wallet.

import { createHash } from "node:crypto";
import { SUBJECT } from "./context.ts";
import { isHex } from "./letters.ts";
import type { Recogniser, Scan } from "./scan.ts";

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BASE58_OF = new Int8Array(128).fill(-1);
for (let value = 0; value < 58; value++) BASE58_OF[BASE58.charCodeAt(value)] = value;

const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const BECH32_PREFIXES = ["bc1", "tb1", "ltc1", "addr1", "cosmos1"];
const BECH32_MAX = 110;

const ETHEREUM_CHARS = 42;

/** Finds addresses of wallets. */
export const CRYPTO_WALLET: Recogniser = {
  entities: ["CRYPTO_WALLET"],
  token(scan, start, end) {
    const length = end - start;
    if (length > BECH32_MAX) return;
    if (length === ETHEREUM_CHARS && isEthereum(scan.text, start, end)) addEthereum(scan, start, end);
    else if (length >= 26 && length <= 44) addBase58(scan, start, end);
    addBech32(scan, start, end);
  },
};

function isEthereum(text: string, start: number, end: number): boolean {
  if (!text.startsWith("0x", start)) return false;
  for (let at = start + 2; at < end; at++) if (!isHex(text.charCodeAt(at))) return false;
  return !/^0x(.)\1*$/.test(text.slice(start, end));
}

function addEthereum(scan: Scan, start: number, end: number): void {
  scan.add("CRYPTO_WALLET", start, end, scan.isNear(SUBJECT.wallet, start, end) ? 0.95 : 0.8);
}

function addBase58(scan: Scan, start: number, end: number): void {
  const bytes = base58Bytes(scan.text.slice(start, end));
  if (bytes === null) return;
  if (bytes.length === 25 && isChecked(bytes)) scan.add("CRYPTO_WALLET", start, end, 0.99);
  else if (bytes.length === 32 && scan.isNear(SUBJECT.wallet, start, end)) {
    scan.add("CRYPTO_WALLET", start, end, 0.7);
  }
}

/** The bytes that Base58 stands for; null where it is none. */
function base58Bytes(text: string): Uint8Array | null {
  const bytes = new Uint8Array(text.length);
  let used = 0;
  for (let at = 0; at < text.length; at++) {
    let carry = BASE58_OF[text.charCodeAt(at)] ?? -1;
    if (carry < 0) return null;
    for (let place = 0; place < used || carry > 0; place++) {
      carry += bytes[place]! * 58;
      bytes[place] = carry & 0xff;
      carry >>= 8;
      if (place >= used) used = place + 1;
    }
  }
  for (let at = 0; text[at] === "1"; at++) used++;
  return bytes.slice(0, used).reverse();
}

function isChecked(bytes: Uint8Array): boolean {
  const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest();
  const sum = sha256(sha256(bytes.subarray(0, -4)));
  return sum.subarray(0, 4).equals(bytes.subarray(-4));
}

function addBech32(scan: Scan, start: number, end: number): void {
  const lower = scan.text.slice(start, end).toLowerCase();
  const prefix = BECH32_PREFIXES.find((candidate) => lower.startsWith(candidate));
  if (prefix !== undefined && isBech32(lower, prefix.length - 1)) scan.add("CRYPTO_WALLET", start, end, 0.99);
}

/** BIP 173 and BIP 350: the remainder is 1 for Bech32 and this for Bech32m. */
const BECH32M = 0x2bc830a3;
const BECH32_GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

function isBech32(text: string, separator: number): boolean {
  const values: number[] = [];
  for (let at = 0; at < separator; at++) values.push(text.charCodeAt(at) >> 5);
  values.push(0);
  for (let at = 0; at < separator; at++) values.push(text.charCodeAt(at) & 31);
  for (let at = separator + 1; at < text.length; at++) {
    const value = BECH32.indexOf(text[at]!);
    if (value < 0) return false;
    values.push(value);
  }
  let check = 1;
  for (const value of values) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    BECH32_GENERATOR.forEach((generator, bit) => {
      if (((top >> bit) & 1) === 1) check ^= generator;
    });
  }
  return text.length - separator > 6 && (check === 1 || check === BECH32M);
}
