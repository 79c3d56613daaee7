// What supervisor and inference process say to each other over Bun's IPC channel. The configuration travels this way, so that no
// secret stands on a command line or in an environment.

import type { InferenceConfig } from "./config.ts";

/** From the supervisor to the inference process. */
export type ToInference =
  | {
      readonly kind: "start";
      readonly config: InferenceConfig;
      /** Whether several processes in turn died of a fault of memory: what is stored is not opened again. */
      readonly is_distrusted: boolean;
    }
  | { readonly kind: "config"; readonly config: InferenceConfig }
  /** Lets go of the index, for another process; all else goes on. */
  | { readonly kind: "release" }
  | { readonly kind: "drain" };

/** From the inference process to the supervisor. */
export type FromInference =
  | { readonly kind: "hello" }
  | { readonly kind: "listening" }
  | { readonly kind: "failed"; readonly message: string }
  /** Its loop goes round. */
  | { readonly kind: "alive" };
