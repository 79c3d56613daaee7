// Where the vectors of a quality measurement come from: the built-in embedder, or a file of vectors that another one made.

import { readFileSync } from "node:fs";
import * as z from "zod";
import type { Query } from "./arrivals.ts";

/** Gives texts their vectors, of unit length. */
export interface Vectors {
  readonly name: string;
  /** Null where there is none: a file has only the texts that were asked for. */
  of(text: string): Float32Array | null;
  /** Whether nothing of the text was trained on. */
  isHeldOut(query: Query & { readonly set: string }): boolean;
}

const BUILTIN = "../../src/inference/embedders/builtin/embedder.ts";
const HELD_OUT = "./held_out.ts";

/** A function that a module has, whatever else it is. */
function functionOf(module: unknown, name: string): (...values: unknown[]) => unknown {
  const found: unknown = typeof module === "object" && module !== null ? Reflect.get(module, name) : null;
  if (typeof found !== "function") throw new Error(`there is no ${name}`);
  return (...values) => Reflect.apply(found, module, values);
}

/** The rule of what the built-in embedder was not trained on: others are measured on the same texts. */
async function heldOutRule(): Promise<Vectors["isHeldOut"]> {
  const isHeldOut = functionOf(await import(HELD_OUT), "isHeldOut");
  return (query) => isHeldOut(query) === true;
}

/** The built-in embedder's vectors. */
export async function builtinVectors(): Promise<Vectors> {
  const embedder = functionOf(await import(BUILTIN), "loadBuiltinEmbedder")();
  if (typeof embedder === "object" && embedder !== null && "fault" in embedder)
    throw new Error(String(embedder.fault));
  const embed = functionOf(embedder, "embed");
  const of = (text: string): Float32Array | null => {
    const vector = embed(text);
    return vector instanceof Float32Array ? vector : null;
  };
  return { name: "builtin", of, isHeldOut: await heldOutRule() };
}

const LINE = z.object({ text: z.string(), vector: z.string() });

/** Vectors out of a file of lines `{"text": …, "vector": base64 of 32-bit floats, little-endian}`. */
export async function storedVectors(name: string, path: string): Promise<Vectors> {
  const vectors = new Map<string, Float32Array>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (line === "") continue;
    const { text, vector } = LINE.parse(JSON.parse(line));
    const bytes = Uint8Array.from(Buffer.from(vector, "base64"));
    vectors.set(text, new Float32Array(bytes.buffer));
  }
  return { name, of: (text) => vectors.get(text) ?? null, isHeldOut: await heldOutRule() };
}
