// The LMDB addon, or why there is none: it is a native module, and a gateway must also run where it does not load.

/** The module. */
export type Lmdb = typeof import("lmdb");

/** The module, or in words why it cannot be used. */
export const lmdb: Lmdb | { readonly fault: string } = await import("lmdb").catch((error: unknown) => ({
  fault: `the LMDB addon does not load (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`,
}));
