// Which embedder a source stands for.

import type { EmbedderSource } from "../config.ts";
import { builtinEmbedder, type LoadBuiltin } from "./builtin_embedder.ts";
import type { Embedder } from "./embedder.ts";
import type { EmbedderMaker } from "./embedder_set.ts";
import { providerEmbedder } from "./provider_embedder.ts";
import { remembering } from "./remembering.ts";
import { transformersEmbedder } from "./transformers_embedder.ts";

/** Makes embedders, with the built-in model loaded by this function. */
export function embedderMaker(loadBuiltin: LoadBuiltin): EmbedderMaker {
  return (source: EmbedderSource, threads: number): Embedder | { readonly fault: string } => {
    switch (source.kind) {
      case "builtin":
        return builtinEmbedder(loadBuiltin);
      case "transformers":
        return remembering(transformersEmbedder(source, threads));
      case "provider":
        return remembering(providerEmbedder(source));
    }
  };
}
