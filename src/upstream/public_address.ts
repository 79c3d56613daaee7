// Which addresses are on the public internet: what a client names may be fetched from those, and from no place inside (SSRF).
// Sources: IANA's registries of special-purpose addresses, for IPv4 and IPv6; RFC 6052 and RFC 3056 for addresses inside of others.

import { BlockList, isIP } from "node:net";

const SPECIAL_IPV4: readonly (readonly [net: string, bits: number])[] = [
  ...([
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
  ] as const),
  ...([
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.0.2.0", 24],
    ["192.88.99.0", 24],
  ] as const),
  ...([
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
  ] as const),
  ...([
    ["224.0.0.0", 4],
    ["240.0.0.0", 4],
  ] as const),
];
/** Only global unicast is public; of it, what is for documentation, tunnels or tests is not. */
const GLOBAL_IPV6 = ["2000::", 3] as const;
const SPECIAL_IPV6: readonly (readonly [net: string, bits: number])[] = [
  ...([
    ["2001::", 23],
    ["2001:db8::", 32],
    ["2002::", 16],
    ["3fff::", 20],
  ] as const),
];

const special = new BlockList();
for (const [net, bits] of SPECIAL_IPV4) special.addSubnet(net, bits, "ipv4");
for (const [net, bits] of SPECIAL_IPV6) special.addSubnet(net, bits, "ipv6");
const global_ipv6 = new BlockList();
global_ipv6.addSubnet(...GLOBAL_IPV6, "ipv6");

/** Whether an IP address is on the public internet. What is no address is not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, "ipv4");
  if (family !== 6) return false;
  return global_ipv6.check(address, "ipv6") && !special.check(address, "ipv6");
}
