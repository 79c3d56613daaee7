// The embedder that comes with Venturi, in the inference process' own thread: it takes less time than a way to another would.

import type { Embedder } from "./embedder.ts";

/** The built-in model as it is loaded. */
export interface BuiltinModel {
  /** Names its version too. */
  readonly name: string;
  readonly dims: number;
  /** The vector of a text, of length 1. */
  embed(text: string): Float32Array;
}

/** Loads the built-in model, or says why it cannot be loaded. */
export type LoadBuiltin = () => BuiltinModel | { readonly fault: string };

/** The built-in embedder. */
export function builtinEmbedder(load: LoadBuiltin): Embedder | { readonly fault: string } {
  const model = load();
  if ("fault" in model) return model;
  return { name: model.name, embed: (texts) => texts.map((text) => model.embed(text)) };
}
