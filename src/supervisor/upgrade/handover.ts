// What a supervisor and the one that is to follow it say to each other over Bun's IPC channel.

/** Where a gateway listens. */
export interface ListenedAddress {
  readonly hostname: string;
  readonly port: number;
}

/** From the one before. */
export type ToSuccessor =
  /** The data folder is nobody's now; calls go on meanwhile. */
  { readonly kind: "take"; readonly address: ListenedAddress };

/** From the one that follows. */
export type FromSuccessor =
  /** Its configuration is good, and it can read what is in the data folder. `layout` is the version of its mapped file. */
  | { readonly kind: "prepared"; readonly layout: number }
  /** It answers calls: the one before may go. */
  | { readonly kind: "serving" }
  | { readonly kind: "failed"; readonly message: string };
