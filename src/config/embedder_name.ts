// How an embedder is named in the configuration.

import * as z from "zod";

/** An embedder's name: the built-in one, a local model, or a provider's. */
export const embedder = z
  .string()
  .regex(
    /^(builtin|transformers:[!-~]{1,512}|provider:[A-Za-z0-9][A-Za-z0-9._-]{0,63}\/[!-~]{1,256})$/,
    "is builtin, transformers:MODEL or provider:NAME/MODEL",
  );
