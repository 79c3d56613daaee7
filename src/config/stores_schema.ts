// Where what the gateway keeps is kept, as a user configures it: `ledger: postgres://…`, `keys: postgres://…` in short, or `store`
// beside the other settings. Whatever way it was written, the rest of the program sees one form.

import { resolve } from "node:path";
import * as z from "zod";
import { POSTGRES_URL, readPostgresAddress } from "./postgres_address.ts";
import type { Path } from "./problem.ts";

const EMBEDDED = "sqlite";
const ADDRESS_FAULT =
  "must be the URL of a Postgres database, like postgres://user:password@host:5432/database";

/** The address of a database. */
export const postgres_url = z.string().regex(/^postgres(ql)?:\/\/[!-~]+$/, ADDRESS_FAULT);

/** Where the ledger's rows go. */
export const ledger_store = z
  .string()
  .regex(
    /^(sqlite|otlp|postgres(ql)?:\/\/[!-~]+)$/,
    `must be sqlite, otlp or the URL of a Postgres database`,
  );

/** Settings of the ledger, or where its rows go, alone. */
export function orLedgerStore<T extends z.ZodRawShape>(settings: T) {
  const store = ledger_store
    .default(EMBEDDED)
    .describe(
      "Where rows go for good: sqlite is the data folder alone; the URL of a Postgres database, which many hosts may share; otlp, the collector of telemetry.otlp, as log records.",
    );
  return z.union([ledger_store, z.strictObject({ store, ...settings })]);
}

/** A list of keys, or the database that keys are shared in, or both. */
export function orKeyStore<T extends z.ZodType>(list: z.ZodArray<T>) {
  const store = postgres_url.describe("The Postgres database that keys made by command are shared in.");
  const both = z.strictObject({ store, list: list.default([]).describe("Keys that are written here.") });
  return z.union([postgres_url, list, both]);
}

/** What every configuration has of these, however it is written. */
export interface Written<L, K> {
  ledger: string | L;
  keys: string | K[] | { store: string; list: K[] };
}

/** The same in one form. */
export interface Settled<L, K> {
  ledger: L;
  keys: K[];
  /** The database that keys are shared in; null: those of the data folder are this host's own. */
  key_store: string | null;
}

/** Brings what was written into one form. `fullLedger` fills in the defaults of a ledger of which only the store is given. */
export function settleStores<L, K, W extends Written<L, K>>(
  written: W,
  fullLedger: (store: string) => L,
): Omit<W, "ledger" | "keys"> & Settled<L, K> {
  const { ledger, keys, ...rest } = written;
  return {
    ...rest,
    ledger: typeof ledger === "string" ? fullLedger(ledger) : ledger,
    keys: typeof keys === "string" ? [] : Array.isArray(keys) ? keys : keys.list,
    key_store: typeof keys === "string" ? keys : Array.isArray(keys) ? null : keys.store,
  };
}

/** Whether a ledger's rows go to Postgres. */
export function isPostgres(store: string): boolean {
  return POSTGRES_URL.test(store);
}

/** The same with the files that addresses name found from the configuration's own folder. */
export function withFilesFrom<C extends Pick<Stores, "ledger" | "key_store" | "vectors">>(
  config: C,
  folder: string,
): C {
  const found = (url: string) => {
    if (!isPostgres(url) || !URL.canParse(url)) return url;
    const address = new URL(url);
    const file = address.searchParams.get("sslrootcert");
    if (file === null) return url;
    address.searchParams.set("sslrootcert", resolve(folder, file));
    return address.href;
  };
  const { ledger, key_store, vectors } = config;
  return {
    ...config,
    ...(vectors === undefined ? {} : { vectors: found(vectors) }),
    ledger: { ...ledger, store: found(ledger.store) },
    key_store: key_store === null ? null : found(key_store),
  };
}

/** Where the settings of stores stand in a file, which depends on the way that they were written. */
export interface StorePlaces {
  readonly ledger: Path;
  readonly keys: Path;
  readonly key_list: Path;
}

/** Finds them in what was read of a file. */
export function placesOf(tree: unknown): StorePlaces {
  const written = (typeof tree === "object" && tree !== null ? tree : {}) as Partial<Record<string, unknown>>;
  const { ledger, keys } = written;
  const is_list = Array.isArray(keys) || typeof keys !== "object";
  return {
    ledger: typeof ledger === "string" ? ["ledger"] : ["ledger", "store"],
    keys: is_list ? ["keys"] : ["keys", "store"],
    key_list: is_list ? ["keys"] : ["keys", "list"],
  };
}

/** What is checked of a configuration. */
export interface Stores {
  readonly ledger: { readonly store: string };
  readonly key_store: string | null;
  readonly vectors?: string | undefined;
  readonly state?: string | { readonly secret?: string | undefined } | undefined;
  readonly telemetry: { readonly otlp?: unknown };
}

/** Checks the addresses of stores. */
export function checkStores(
  { ledger, key_store, vectors, state, telemetry }: Stores,
  places: StorePlaces,
  fault: (path: Path, what: string | null) => void,
  readCa: (path: string) => { readonly pem: string } | { readonly fault: string },
): void {
  const check = (path: Path, url: string | null) => {
    if (url === null || !isPostgres(url)) return;
    const address = readPostgresAddress(url);
    if ("fault" in address) return fault(path, address.fault);
    const ca = address.ca_file === null ? null : readCa(address.ca_file);
    if (ca !== null && "fault" in ca) fault(path, `names an sslrootcert that ${ca.fault}`);
  };
  check(places.ledger, ledger.store);
  check(places.keys, key_store);
  check(["vectors"], vectors ?? null);
  // Requests are known by a secret that all hosts have, and their answers are where all hosts find them.
  if (vectors !== undefined && (typeof state !== "object" || state.secret === undefined))
    fault(
      ["vectors"],
      "needs state: { url: valkey://…, secret: … }, by which hosts share the answers to similar requests",
    );
  if (ledger.store === "otlp" && telemetry.otlp === undefined)
    fault(places.ledger, "is otlp, but telemetry.otlp names no collector; add its endpoint");
}
