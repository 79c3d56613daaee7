// Kept answers that hosts share: behind each host's own, sealed with the secret that all hosts have, so that the server knows whose they
// are and nothing else. What is late, missing or cannot be opened is no answer.

import { openBytes, sealBytes } from "../../memory/seal.ts";
import { messageOf, type Valkey } from "../../valkey/connection.ts";
import type { CacheEntry } from "../entry.ts";
import type { CacheKey } from "../key.ts";
import { bytesOfEntry, entryOfBytes } from "./entry_bytes.ts";
import { FaultReport } from "./fault_report.ts";
import { isMeant, type KeysMeant, keysMeant, type PurgeFilter } from "./purge_filter.ts";

/** After an answer that was late or a fault, nothing is looked for during this time. */
const PAUSE_MS = 1_000;
/** Bytes under way to the server at most; more are not kept there. */
const PENDING_MAX_BYTES = 16 * 1024 * 1024;
/** Longer answers are not shared. */
const MOST_BODY_BYTES = 4 * 1024 * 1024;
/** Purges that hosts can hear of later, about. */
const PURGES_KEPT = 1_000;
const NO_KEY = new Uint8Array(0);

/**
 * Puts an answer, unless the server's memory is filling up: limits need the rest of it. KEYS: the answer. ARGV: its bytes, for how many
 * milliseconds.
 */
export const PUT_SCRIPT = `
local memory = redis.call('INFO', 'memory')
local most = tonumber(string.match(memory, '\\nmaxmemory:(%d+)')) or 0
if most > 0 and tonumber(string.match(memory, 'used_memory:(%d+)')) > most * 0.8 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

/** What they are opened with. */
export interface SharedAnswersOptions {
  readonly valkey: Valkey;
  readonly prefix: string;
  /** As configured. */
  readonly secret: string;
  /** Hears of faults, at most once a minute. */
  onFault(message: string): void;
  onLook?(is_hit: boolean): void;
}

/** What was purged somewhere, for the others to do as well. */
export interface Purge {
  readonly filter: PurgeFilter;
  /** Whether the answer that it names is a wrong one. */
  readonly is_bad: boolean;
  /** Answers from before then are meant. */
  readonly at_ms: number;
}

/** A key for one use, out of the secret that all hosts have. */
export function secretFor(use: "answers" | "fingerprints", secret: string): Uint8Array {
  return Bun.SHA256.hash(`venturi ${use}\n${secret}`) as Uint8Array;
}

/** Answers that hosts share. Nothing that is called here throws or rejects. */
export class SharedAnswers {
  readonly #options: SharedAnswersOptions;
  readonly #key: Uint8Array;
  readonly #faults: FaultReport;
  #paused_until_ms = 0;
  #pending_bytes = 0;
  #heard = "0";

  constructor(options: SharedAnswersOptions) {
    this.#options = options;
    this.#key = secretFor("answers", options.secret);
    this.#faults = new FaultReport(options.onFault);
  }

  /** The answer under a key, if it comes in time; null for none. */
  async get(key: CacheKey, budget_ms: number, now_ms = Date.now()): Promise<CacheEntry | null> {
    if (performance.now() < this.#paused_until_ms) return null;
    const { valkey, onLook } = this.#options;
    const late = Symbol("late");
    let timer: NodeJS.Timeout | undefined;
    try {
      const found = await Promise.race([
        valkey.bytes("GET", [this.#nameOf(key.bytes)]),
        new Promise<typeof late>((resolve) => {
          timer = setTimeout(() => resolve(late), budget_ms);
        }),
      ]);
      if (found === late) throw new Error(`no answer within ${budget_ms} ms`);
      const entry = found instanceof Uint8Array ? this.#open(key.bytes, found, now_ms) : null;
      const is_hit = entry !== null && entry.stale_until_ms > now_ms;
      onLook?.(is_hit);
      return is_hit ? entry : null;
    } catch (error) {
      this.#fault(error);
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Keeps an answer, or not. Resolves to whether it is kept. */
  async put(key: CacheKey, entry: CacheEntry, now_ms = Date.now()): Promise<boolean> {
    const lasts_ms = Math.floor(entry.stale_until_ms - now_ms);
    const is_fit = lasts_ms > 0 && entry.body.length <= MOST_BODY_BYTES;
    if (!is_fit) return false;
    if (this.#pending_bytes + entry.body.length > PENDING_MAX_BYTES) return false;
    this.#pending_bytes += entry.body.length;
    try {
      const packed = bytesOfEntry(key.bytes, entry);
      const sealed = sealBytes(packed, this.#key, key.hex, entry.stale_until_ms);
      const call = { keys: [this.#nameOf(key.bytes)], args: [sealed, lasts_ms] };
      return (await this.#options.valkey.run("put", call)) === 1;
    } catch (error) {
      this.#fault(error);
      return false;
    } finally {
      this.#pending_bytes -= entry.body.length;
    }
  }

  /** Removes what a filter means, a little at a time, and tells the other hosts to do the same. Resolves to how many answers that were. */
  async purge(filter: PurgeFilter, is_bad: boolean, now_ms = Date.now()): Promise<number> {
    const { valkey, prefix } = this.#options;
    const meant = keysMeant(filter);
    if (meant === null) return 0;
    try {
      const purge: Purge = { filter, is_bad, at_ms: now_ms };
      const args = [
        `${prefix}:{all}:purges`,
        "MAXLEN",
        "~",
        PURGES_KEPT,
        "*",
        "purge",
        JSON.stringify(purge),
      ];
      await valkey.bytes("XADD", args);
      let removed = 0;
      for await (const names of this.#namesOf(meant)) {
        for (const name of names) {
          if (!(await this.#isMeant(name, filter))) continue;
          removed += Number(await valkey.bytes("UNLINK", [name]));
        }
      }
      return removed;
    } catch (error) {
      this.#fault(error);
      return 0;
    }
  }

  /** What was purged since this was asked last, here or elsewhere; at first all that is known. */
  async purges(): Promise<Purge[]> {
    const { valkey, prefix } = this.#options;
    try {
      const reply = await valkey.bytes("XRANGE", [`${prefix}:{all}:purges`, this.#after, "+", "COUNT", 100]);
      const found: Purge[] = [];
      for (const item of Array.isArray(reply) ? reply : []) {
        const [id, fields] = item as [Uint8Array, Uint8Array[]];
        this.#heard = text(id);
        const purge = readPurge(text(fields[1] ?? new Uint8Array()));
        if (purge !== null) found.push(purge);
      }
      return found;
    } catch (error) {
      this.#fault(error);
      return [];
    }
  }

  get #after(): string {
    return this.#heard === "0" ? "-" : `(${this.#heard}`;
  }

  #nameOf(key: Uint8Array): string {
    return `${this.#options.prefix}:a:${Buffer.from(key).toString("hex")}`;
  }

  async *#namesOf({ prefix, only }: KeysMeant): AsyncGenerator<readonly string[]> {
    if (only !== null) yield [this.#nameOf(only)];
    else yield* this.#options.valkey.scan(`${this.#nameOf(prefix)}*`);
  }

  /** What else a filter says stands in the answer itself. */
  async #isMeant(name: string, filter: PurgeFilter): Promise<boolean> {
    const { model, tag, before_ms } = filter;
    if (model === undefined && tag === undefined && before_ms === undefined) return true;
    const key = Buffer.from(name.slice(this.#nameOf(NO_KEY).length), "hex");
    const sealed = await this.#options.valkey.bytes("GET", [name]);
    const entry = sealed instanceof Uint8Array ? this.#open(key, sealed, 0) : null;
    // What cannot be opened is nobody's answer any more.
    return entry === null || isMeant({ ...entry, served_by: servedBy(entry) }, filter);
  }

  #open(key: Uint8Array, sealed: Uint8Array, now_ms: number): CacheEntry | null {
    const packed = openBytes(sealed, this.#key, Buffer.from(key).toString("hex"), now_ms);
    return packed === null ? null : entryOfBytes(key, Buffer.from(packed), packed.length);
  }

  #fault(error: unknown): void {
    this.#paused_until_ms = performance.now() + PAUSE_MS;
    this.#faults.note(`answers are not shared for a moment (${messageOf(error)})`);
  }
}

function servedBy({ provider, served_model }: CacheEntry): string {
  return `${provider}/${served_model}`;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** What another host has written; null where it is nothing that this one knows. */
function readPurge(line: string): Purge | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { filter, is_bad, at_ms } = value as Record<string, unknown>;
  if (typeof filter !== "object" || filter === null || typeof at_ms !== "number") return null;
  const known: Record<string, string | true> = {};
  for (const name of ["tenant", "model", "tag", "key_hex"] as const) {
    const part = (filter as Record<string, unknown>)[name];
    if (typeof part === "string") known[name] = part;
  }
  if ((filter as Record<string, unknown>)["all"] === true) known["all"] = true;
  return { filter: known as PurgeFilter, is_bad: is_bad === true, at_ms };
}
