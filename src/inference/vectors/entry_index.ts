// An index of the semantic cache as the inference process uses it, wherever its entries are: in the data folder, or in a database that
// hosts share.

import type { Candidate, Filter, NewEntry, Observation, Place } from "./entry.ts";
import type { IndexStats } from "./vector_index.ts";

/** Entries by partition, found by the similarity of their vectors. Null: the index cannot be asked at the moment. */
export interface EntryIndex {
  search(
    place: Place,
    vector: Float32Array,
    limit: number,
    min_similarity: number,
    now_ms: number,
  ): readonly Candidate[] | Promise<readonly Candidate[] | null>;
  /** Adds an entry in place of the one with its id, whose verdicts it inherits if its text is the same; false if it is not added. */
  add(entry: NewEntry, vector: Float32Array, now_ms: number): boolean | Promise<boolean>;
  /** Appends a verdict to an entry; false if there is no such entry. */
  observe(place: Place, id: Uint8Array, observation: Observation): boolean | Promise<boolean>;
  /** Removes entries; resolves to how many. */
  remove(filter: Filter): Promise<number>;
  /** Lets no entry with this id be added until then, and removes those that there are; false if it cannot. */
  block(id: Uint8Array, until_ms: number): Promise<boolean>;
  /** Takes another limit of entries. */
  limit(max_entries: number): void;
  stats(): IndexStats;
  close(): Promise<void>;
}
