// A block of a stream that only this format knows, until it is whole: a search that the provider runs, a summary, what is new.

import { parseExact } from "../../wire/exact_json.ts";
import { list } from "../fields.ts";
import type { OwnPart } from "../neutral/parts.ts";
import type { Fields } from "./own.ts";
import { ownPart } from "./read_blocks.ts";

/** Adds up the deltas of one block. */
export class GrowingBlock {
  readonly #value: Record<string, unknown>;
  readonly #json: string[] = [];

  /** @param start the block as it started */
  constructor(start: Fields) {
    this.#value = { ...start };
  }

  /** Adds a delta, known or not; returns how many characters longer the block is. */
  add(delta: Fields): number {
    let added = 0;
    for (const [name, piece] of Object.entries(delta)) {
      if (name === "type") continue;
      const before = this.#value[name];
      if (name === "partial_json" && typeof piece === "string") this.#json.push(piece);
      else if (name === "citation") this.#value["citations"] = [...list(this.#value["citations"]), piece];
      else
        this.#value[name] = typeof piece === "string" && typeof before === "string" ? before + piece : piece;
      added += typeof piece === "string" ? piece.length : JSON.stringify(piece).length;
    }
    return added;
  }

  /** The block with all that came. */
  whole(): OwnPart {
    const json = this.#json.join("");
    const input = json === "" ? undefined : parseExact(Buffer.from(json));
    return ownPart(input === undefined ? this.#value : { ...this.#value, input });
  }
}
