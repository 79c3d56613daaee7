// The addon for graphs of vectors, or why there is none: it is optional, and without it every set is scanned.

/** The module. */
export type Hnswlib = typeof import("hnswlib-node");

/** The module, or in words why it cannot be used. */
export const hnswlib: Hnswlib | { readonly fault: string } = await import("hnswlib-node").catch(
  (error: unknown) => ({
    fault: `hnswlib-node does not load (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`,
  }),
);
