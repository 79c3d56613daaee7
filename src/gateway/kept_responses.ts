// Answers to Responses that conversations go on from by their ids: kept sealed, as their clients saw them, until they expire.
// Nobody waits for a write; an answer is found in memory until it is found on the disk.

import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import type { ResponsesPlan } from "../config/plan.ts";
import { isFields, list } from "../dialects/fields.ts";
import { SealedFolder } from "../memory/sealed_folder.ts";
import { keyFor } from "../privacy/key.ts";
import { parseExact } from "../wire/exact_json.ts";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

const SWEEP_EVERY_MS = 10 * 60_000;
/** Answers that wait to be written; what is more is not kept. */
const WAITING_MAX_BYTES = 64 * 1024 * 1024;
/** Items of one answer that can be referred to. */
const ITEMS_MAX = 256;
/** A kept answer opens to at most this. */
const OPENED_MAX_BYTES = 256 * 1024 * 1024;
/** When another process of the gateway is asked to have written what a client names at once, in milliseconds from the last look. */
const LOOKS_MS = [25, 100];

type Fields = Readonly<Record<string, unknown>>;

/** An answer as it is kept. */
export interface KeptResponse {
  /** As the client asked for it: who may not call it may not read its answers either. */
  readonly model: string;
  /** The response as its client saw it. */
  readonly response: Fields & { readonly id: string };
  /** All that the model was asked, of earlier turns as well. */
  readonly input: readonly unknown[];
  /** Whether its items are found by their ids alone. */
  readonly has_items: boolean;
}

/** Where answers are kept. */
export interface KeptResponsesOptions {
  readonly folder: string;
  readonly key: Uint8Array;
  /** Whether other processes keep answers in the same folder. */
  readonly is_shared: boolean;
  log(line: string): void;
}

/** The kept answers of a data folder. */
export class KeptResponses {
  readonly #options: KeptResponsesOptions;
  /** Those that are being written, by tenant and id. */
  readonly #waiting = new Map<string, KeptResponse>();
  readonly #writes = new Set<Promise<void>>();
  readonly #sweeping: ReturnType<typeof setInterval>;
  #waiting_bytes = 0;
  /** What was written since the last sweep. */
  #written_bytes = 0;
  #plan: ResponsesPlan;
  #folder: SealedFolder;

  constructor(options: KeptResponsesOptions, plan: ResponsesPlan) {
    this.#options = options;
    this.#plan = plan;
    this.#folder = this.#open(plan);
    this.#sweeping = setInterval(() => void this.sweep(), SWEEP_EVERY_MS);
    this.#sweeping.unref();
    void this.sweep();
  }

  /** Keeps an answer from now on, or says in the log why it cannot be. Nothing is waited for. */
  keep(tenant: string, kept: KeptResponse, plan: ResponsesPlan): void {
    this.#configure(plan);
    const bytes = Buffer.from(JSON.stringify(kept));
    if (this.#waiting_bytes + bytes.length > WAITING_MAX_BYTES) {
      this.#options.log(`a response is not kept: the disk under ${this.#options.folder} is too slow`);
      return;
    }
    const name = nameOf(tenant, kept.response.id);
    this.#waiting.set(name, kept);
    this.#waiting_bytes += bytes.length;
    const write = this.#write(tenant, kept, bytes).finally(() => {
      this.#writes.delete(write);
      this.#waiting_bytes -= bytes.length;
      if (this.#waiting.get(name) === kept) this.#waiting.delete(name);
    });
    this.#writes.add(write);
  }

  async #write(tenant: string, kept: KeptResponse, bytes: Uint8Array): Promise<void> {
    const { id } = kept.response;
    const folder = this.#folder;
    const packed = await compress(bytes);
    let code = await folder.keep(tenant, id, packed);
    if (code === null && kept.has_items) {
      const pointer = Buffer.from(id);
      for (const item of itemIds(kept)) code ??= await folder.keep(tenant, itemName(item), pointer);
    }
    if (code !== null) this.#options.log(`a response cannot be kept under ${this.#options.folder} (${code})`);
    // Whoever forgot it meanwhile meant this one.
    if (!this.#waiting.has(nameOf(tenant, id))) await this.#remove(tenant, kept);
    this.#written_bytes += packed.length;
    if (this.#written_bytes > this.#plan.max_bytes / 16) await this.sweep();
  }

  /** A tenant's answer; null where there is none of that id, or no longer. */
  async find(tenant: string, id: string): Promise<KeptResponse | null> {
    const waiting = this.#waiting.get(nameOf(tenant, id));
    if (waiting !== undefined) return waiting;
    let bytes = await this.#folder.find(tenant, id);
    for (const wait_ms of this.#options.is_shared ? LOOKS_MS : []) {
      if (bytes !== null) break;
      await Bun.sleep(wait_ms);
      bytes = await this.#folder.find(tenant, id);
    }
    return bytes === null ? null : readKept(bytes);
  }

  /** The answer that an item is part of; null where that is not known. */
  async findByItem(tenant: string, item_id: string): Promise<KeptResponse | null> {
    for (const [name, kept] of this.#waiting)
      if (kept.has_items && name.startsWith(`${tenant}\n`) && itemIds(kept).includes(item_id)) return kept;
    const pointer = await this.#folder.find(tenant, itemName(item_id));
    return pointer === null ? null : this.find(tenant, Buffer.from(pointer).toString());
  }

  /** Removes an answer. */
  async forget(tenant: string, kept: KeptResponse): Promise<void> {
    this.#waiting.delete(nameOf(tenant, kept.response.id));
    await this.#remove(tenant, kept);
  }

  async #remove(tenant: string, kept: KeptResponse): Promise<void> {
    await this.#folder.forget(tenant, kept.response.id);
    if (!kept.has_items) return;
    for (const item of itemIds(kept)) await this.#folder.forget(tenant, itemName(item));
  }

  /** Removes what has expired and what is too much. */
  async sweep(): Promise<void> {
    this.#written_bytes = 0;
    await this.#folder.sweep();
  }

  /** Ends when all is written. */
  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    await Promise.all(this.#writes);
  }

  #configure(plan: ResponsesPlan): void {
    const { ttl_ms, max_bytes } = this.#plan;
    if (plan.ttl_ms === ttl_ms && plan.max_bytes === max_bytes) return;
    this.#plan = plan;
    this.#folder = this.#open(plan);
  }

  #open({ ttl_ms, max_bytes }: ResponsesPlan): SealedFolder {
    const { folder, key } = this.#options;
    return new SealedFolder({
      ...{ folder, ttl_ms, bytes_max: max_bytes, files_max: Number.POSITIVE_INFINITY },
      ...{ seal_key: keyFor(key, "response seal"), name_key: keyFor(key, "response name") },
    });
  }
}

function nameOf(tenant: string, id: string): string {
  return `${tenant}\n${id}`;
}

/** Items and responses do not get into each other's way, whatever their ids. */
function itemName(id: string): string {
  return `item\n${id}`;
}

function itemIds({ response }: KeptResponse): string[] {
  const ids = list(response["output"]).flatMap((item) =>
    isFields(item) && typeof item["id"] === "string" ? [item["id"]] : [],
  );
  return ids.slice(0, ITEMS_MAX);
}

async function readKept(packed: Uint8Array): Promise<KeptResponse | null> {
  const bytes = await decompress(packed, { maxOutputLength: OPENED_MAX_BYTES }).catch(() => null);
  const value = bytes === null ? null : parseExact(bytes);
  if (!isFields(value)) return null;
  const { model, response, input, has_items } = value;
  if (typeof model !== "string" || !isFields(response) || typeof response["id"] !== "string") return null;
  return {
    ...{ model, input: list(input), has_items: has_items === true },
    response: { ...response, id: response["id"] },
  };
}
