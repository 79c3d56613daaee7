// Addresses of networks: IPv4, IPv6 and MAC. Addresses that say nothing of anybody (loopback, masks, "any") are left.

import { SUBJECT } from "./context.ts";
import { goesOn, isAlnum, isAsciiLetter, isHex, isWord } from "./letters.ts";
import type { Numbers } from "./numbers.ts";
import type { Recogniser, Scan } from "./scan.ts";

const DOT = 0x2e;
const COLON = 0x3a;
const SLASH = 0x2f;
const DASH = 0x2d;

/** Finds IPv4 and IPv6 addresses. */
export const IP_ADDRESS: Recogniser = {
  entities: ["IP_ADDRESS"],
  numbers(scan, numbers) {
    for (let group = 0; group + 3 < numbers.count; group++) {
      if (isFourOctets(scan.text, numbers, group)) addIpv4(scan, numbers, group);
    }
  },
  colon: (scan, colon) => lookAtColons(scan, colon, addIpv6),
};

/** Finds MAC addresses, EUI-48 with colons or dashes. */
export const MAC_ADDRESS: Recogniser = {
  entities: ["MAC_ADDRESS"],
  colon: (scan, colon) => lookAtColons(scan, colon, addMac),
  token: addMac,
  code: addDottedMac,
};

function isFourOctets(text: string, numbers: Numbers, first: number): boolean {
  for (let group = first; group < first + 4; group++) {
    const length = numbers.length(group);
    if (length > 3 || (group < first + 3 && numbers.separator(group) !== DOT)) return false;
    const start = numbers.starts[group]!;
    if (length === 3 && text.slice(start, start + 3) > "255") return false;
    if (length > 1 && text.charCodeAt(start) === 0x30) return false;
  }
  return true;
}

function addIpv4(scan: Scan, numbers: Numbers, first: number): void {
  const { text } = scan;
  const start = numbers.starts[first]!;
  const end = numbers.ends[first + 3]!;
  const before = text.charCodeAt(start - 1);
  const after = text.charCodeAt(end);
  if (goesOn(text, start) || isWord(after)) return;
  if ((before === DOT || before === DASH) && isAlnum(text.charCodeAt(start - 2))) return;
  if ((after === DOT || after === DASH) && isAlnum(text.charCodeAt(end + 1))) return;
  const address = text.slice(start, end);
  if (/^(0|127|255)\./.test(address)) return;
  // "Chrome/120.0.0.0" and "v 1.2.3.4" are versions.
  const is_product = before === SLASH && isAsciiLetter(text.charCodeAt(start - 2));
  const is_small = address.split(".").every((octet) => octet.length === 1);
  const score = is_product ? 0.3 : is_small ? 0.4 : isVersion(text, start) ? 0.2 : 0.9;
  scan.add("IP_ADDRESS", start, end, score < 0.9 && scan.isNear(SUBJECT.network, start, end) ? 0.85 : score);
}

/** Whether "version" or "v" stands before. */
function isVersion(text: string, start: number): boolean {
  return /(version|ver|release|build|kernels?|\bv)\.?[ :="']{0,3}$/i.test(
    text.slice(Math.max(0, start - 12), start),
  );
}

/** The longest IPv6 address, with an IPv4 one in its end. */
const COLONS_MAX = 45;

/** The shortest IPv6 address that is written in full. */
const IPV6_WHOLE_MIN = 15;

/** Shows a run of hexadecimal digits and colons; gives where it ends, or how much of it can be an address. */
function lookAtColons(
  scan: Scan,
  colon: number,
  look: (scan: Scan, start: number, end: number) => void,
): number {
  const { text } = scan;
  let start = colon;
  while (start > 0 && colon - start < 4 && isHex(text.charCodeAt(start - 1))) start--;
  // In "ip:2001:db8::1" the first colon is none of the address.
  const is_label = (start === colon || goesOn(text, start)) && text.charCodeAt(colon + 1) !== COLON;
  if (is_label) start = colon + 1;
  let end = colon + 1;
  while (end - start <= COLONS_MAX && isColoned(text.charCodeAt(end))) end++;
  const is_part = !is_label && (goesOn(text, start) || text.charCodeAt(start - 1) === COLON);
  if (!is_part && end - start > 3 && end - start <= COLONS_MAX && !isWord(text.charCodeAt(end))) {
    let last = end;
    while (text.charCodeAt(last - 1) === DOT) last--;
    if (text.charCodeAt(last - 1) === COLON && text.charCodeAt(last - 2) !== COLON) last--;
    look(scan, start, last);
  }
  return end;
}

function isColoned(code: number): boolean {
  return isHex(code) || code === COLON || code === DOT;
}

function addIpv6(scan: Scan, start: number, end: number): void {
  // Without "::" it has eight groups, as "14:30" and "at 10:45:00" have not.
  const address = scan.text.slice(start, end);
  if (address.length < IPV6_WHOLE_MIN && !address.includes("::")) return;
  const halves = address.split("::");
  if (halves.length > 2) return;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1) ?? "";
  const has_ipv4 = last.includes(".");
  if (!groups.every((group, at) => isGroup(group) || (at === groups.length - 1 && isIpv4(group)))) return;
  const count = groups.length + (has_ipv4 ? 1 : 0);
  if (halves.length === 1 ? count !== 8 : count > 7) return;
  // "::" and "::1" are no one's; "ad::be" is C++ or Ruby.
  if (
    halves.length === 2 &&
    (groups.length < 2 || !/[0-9]/.test(address) || !groups.some((group) => group.length > 2))
  )
    return;
  scan.add("IP_ADDRESS", start, end, 0.95);
}

function isGroup(group: string): boolean {
  return group.length >= 1 && group.length <= 4 && !group.includes(".");
}

function isIpv4(group: string): boolean {
  const octets = group.split(".");
  return octets.length === 4 && octets.every((octet) => /^[0-9]{1,3}$/.test(octet) && Number(octet) <= 255);
}

const DOTTED_MAC_CHARS = 14;

/** Cisco's "001a.2b3c.4d5e": one of its parts is looked at as a word. */
function addDottedMac(scan: Scan, start: number, end: number): void {
  if (end - start !== 4) return;
  const { text } = scan;
  for (const from of [start, start - 5, start - 10]) {
    const to = from + DOTTED_MAC_CHARS;
    if (from < 0 || goesOn(text, from) || isWord(text.charCodeAt(to))) continue;
    if (/^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$/i.test(text.slice(from, to)))
      scan.add("MAC_ADDRESS", from, to, 0.8);
  }
}

const MAC_CHARS = 17;

function addMac(scan: Scan, start: number, end: number): void {
  if (end - start !== MAC_CHARS) return;
  const { text } = scan;
  const separator = text.charCodeAt(start + 2);
  if (separator !== COLON && separator !== DASH) return;
  let has_other = false;
  const first = text.charCodeAt(start);
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if ((at - start) % 3 === 2 ? code !== separator : !isHex(code)) return;
    if (code !== separator && code !== first) has_other = true;
  }
  if (has_other) scan.add("MAC_ADDRESS", start, end, 0.95);
}
