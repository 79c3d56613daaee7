// Turns a host into the addresses to try, in order. Answers are kept for a short while, failures never;
// the address that worked last is tried first.

import { isIP } from "node:net";

/** The addresses of a host: at least one. `good` moves an address to the front for the next ones who ask. */
export interface Addresses {
  readonly list: readonly string[];
  good(address: string): void;
}

/** Looks a name up; rejects when it has no address. */
export type Lookup = (
  host: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>;

/** Answers held at most, for all hosts of a client together. */
const MAX_HOSTS = 1_024;

/** Resolves hosts for a client. */
export class Resolver {
  readonly #lookup: Lookup;
  readonly #keep_ms: number;
  readonly #known = new Map<string, { addresses: Addresses; until_ms: number }>();
  readonly #asked = new Map<string, Promise<Addresses>>();

  /** Answers are used for `keep_ms` milliseconds. */
  constructor(keep_ms: number, lookup: Lookup = systemLookup) {
    this.#keep_ms = keep_ms;
    this.#lookup = lookup;
  }

  /** The addresses when they are known without asking anyone, else a promise that rejects when there are none. */
  resolve(host: string, now_ms: number): Addresses | Promise<Addresses> {
    const known = this.#known.get(host);
    if (known !== undefined && (known.until_ms > now_ms || known.until_ms === 0)) return known.addresses;
    if (isIP(host) !== 0) return this.#keep(host, [host], 0);
    // Local by definition (RFC 6761 6.3), whatever the machine's tables say, and on either family.
    if (host === "localhost" || host.endsWith(".localhost")) return this.#keep(host, ["127.0.0.1", "::1"], 0);
    let asked = this.#asked.get(host);
    if (asked === undefined) {
      asked = this.#ask(host).finally(() => this.#asked.delete(host));
      this.#asked.set(host, asked);
    }
    return asked;
  }

  async #ask(host: string): Promise<Addresses> {
    const found = alternate(await this.#lookup(host));
    if (found.length === 0) throw new Error("no address");
    return this.#keep(host, found, performance.now() + this.#keep_ms);
  }

  #keep(host: string, found: readonly string[], until_ms: number): Addresses {
    const list = [...found];
    const last = this.#known.get(host)?.addresses.list[0];
    const addresses: Addresses = { list, good: (address) => moveToFront(list, address) };
    if (last !== undefined) addresses.good(last);
    if (this.#known.size >= MAX_HOSTS) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(host, { addresses, until_ms });
    return addresses;
  }
}

function moveToFront(list: string[], address: string): void {
  const at = list.indexOf(address);
  if (at <= 0) return;
  list.splice(at, 1);
  list.unshift(address);
}

/** The families in turn, beginning with that of the first answer (RFC 8305 4). */
function alternate(answers: readonly { readonly address: string; readonly family: number }[]): string[] {
  const first = answers.filter((answer) => answer.family === answers[0]!.family);
  const second = answers.filter((answer) => answer.family !== answers[0]!.family);
  const list: string[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    for (const answer of [first[i], second[i]]) {
      if (answer !== undefined && !list.includes(answer.address)) list.push(answer.address);
    }
  }
  return list;
}

const systemLookup: Lookup = (host) => Bun.dns.lookup(host, { socketType: "tcp" });
