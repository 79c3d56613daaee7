// The semantic cache's index, whatever keeps it: one table of cases for the data folder and for Postgres with pgvector.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { tenantPrefix } from "../../../src/cache/key.ts";
import { readPostgresAddress } from "../../../src/config/postgres_address.ts";
import type { Filter, Place } from "../../../src/inference/vectors/entry.ts";
import type { EntryIndex } from "../../../src/inference/vectors/entry_index.ts";
import { PostgresIndex } from "../../../src/inference/vectors/postgres_index.ts";
import { openVectorIndex } from "../../../src/inference/vectors/vector_index.ts";
import { Database } from "../../../src/postgres/database.ts";
import { PostgresServer, postgres_missing } from "../../postgres/server.ts";
import { clusteredVectors, cosine } from "./random_vectors.ts";

const DIMS = 64;
const HOUR_MS = 3_600_000;
const next = clusteredVectors(1, DIMS, 20);

let server: PostgresServer | null = null;
let schemas = 0;

function openShared(schema: string, max_entries = 10_000): PostgresIndex {
  const address = readPostgresAddress(server!.url(schema));
  if ("fault" in address) throw new Error(address.fault);
  return new PostgresIndex({ address, max_entries, log: () => {} });
}

/** Why the extension cannot be had; null if it can. */
async function missingExtension(): Promise<string | null> {
  if (postgres_missing !== null) return postgres_missing;
  server = await PostgresServer.start();
  const address = readPostgresAddress(server.url("extension"));
  if ("fault" in address) return address.fault;
  const db = new Database(address);
  const [found] = await db.ask("SELECT 1 AS n FROM pg_available_extensions WHERE name = 'vector'");
  await db.close();
  if (found !== undefined) return null;
  await server.stop();
  return "pgvector is not installed (Debian 13: apt-get install postgresql-17-pgvector)";
}

const missing = await missingExtension();
if (missing !== null) console.warn(`${missing}: the shared index is not tested`);

const ENGINES = [
  {
    name: "kept in a data folder:",
    missing: null,
    open: async (): Promise<{ index: EntryIndex; end(): Promise<void> }> => {
      const folder = mkdtempSync(join(tmpdir(), "venturi-index-"));
      const index = openVectorIndex({ folder, max_entries: 10_000, log: () => {} });
      if (index === null || "fault" in index) throw new Error(index?.fault ?? "it is taken");
      return {
        index,
        end: async () => {
          await index.close();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  },
  {
    name: "kept in postgres:",
    missing,
    open: async (): Promise<{ index: EntryIndex; end(): Promise<void> }> => {
      const index = openShared(`vectors_${++schemas}`);
      const fault = await index.ready();
      if (fault !== null) throw new Error(fault);
      return { index, end: () => index.close() };
    },
  },
];

/** A partition as gateways name it: the tenant, the narrower scope, a hash. */
const placeOf = (tenant: string, name = "p"): Place => ({
  partition: Buffer.concat([tenantPrefix(tenant), Buffer.from([0, 0]), Buffer.from(name.padEnd(32, "."))]),
  space: "test",
});

describe.each(ENGINES)("$name", (engine) => {
  describe.skipIf(engine.missing !== null)("an index", () => {
    let index: EntryIndex;
    let end: () => Promise<void>;
    beforeEach(async () => {
      ({ index, end } = await engine.open());
    });
    afterEach(() => end());

    interface Extra {
      readonly text?: string;
      readonly model?: string;
      readonly tags?: readonly string[];
      readonly expires_ms?: number;
    }
    const add = async (place: Place, id: string, vector: Float32Array, extra: Extra = {}) => {
      const { text = `text of ${id}`, model = "m", tags = [], expires_ms = Date.now() + HOUR_MS } = extra;
      return await index.add(
        { ...place, id: Buffer.from(id), text, model, tags, expires_ms },
        vector,
        Date.now(),
      );
    };
    const search = async (place: Place, vector: Float32Array, min = 0.99, limit = 64) =>
      (await index.search(place, vector, limit, min, Date.now())) ?? [];
    const ids = async (place: Place, vector: Float32Array, min?: number, limit?: number) =>
      (await search(place, vector, min, limit)).map(({ id }) => Buffer.from(id).toString());

    test("finds what is like a vector, the most similar first, with all that is known of it", async () => {
      const place = placeOf("acme");
      const vector = next();
      const near = vector.map((value, at) => value + (at === 0 ? 0.2 : 0));
      const length = Math.hypot(...near);
      const expires_ms = Date.now() + HOUR_MS;
      expect(
        await add(
          place,
          "near",
          near.map((value) => value / length),
        ),
      ).toBe(true);
      expect(await add(place, "same", vector, { text: "the same", tags: ["a"], expires_ms })).toBe(true);
      await add(
        place,
        "far",
        vector.map((value) => -value),
      );
      const found = await search(place, vector, 0.5, 5);
      expect(found.map(({ id }) => Buffer.from(id).toString())).toEqual(["same", "near"]);
      expect(found[0]).toMatchObject({ text: "the same", observations: [], expires_ms });
      expect(found[0]!.similarity).toBeGreaterThan(0.999);
      expect(found[1]!.similarity).toBeCloseTo(
        cosine(
          vector,
          near.map((value) => value / length),
        ),
        1,
      );
      expect(await search(place, vector, 0.5, 1)).toHaveLength(1);
    });

    test("never finds what is of another tenant, partition or space, however alike", async () => {
      const vector = next();
      await add(placeOf("acme"), "mine", vector);
      await add(placeOf("acme", "q"), "elsewhere", vector);
      await add(placeOf("acm"), "theirs", vector);
      await add({ ...placeOf("acme"), space: "other" }, "other space", vector);
      expect(await ids(placeOf("acme"), vector, -1)).toEqual(["mine"]);
      expect(await ids(placeOf("acm"), vector, -1)).toEqual(["theirs"]);
      expect(await ids(placeOf("nobody"), vector, -1)).toEqual([]);
      expect(await ids(placeOf("acme"), next().slice(1), -1)).toEqual([]);
    });

    test("replaces an entry by one with its id, and lets it inherit verdicts only for the same text", async () => {
      const place = placeOf("acme");
      const vector = next();
      await add(place, "a", vector, { text: "one" });
      for (let count = 0; count < 70; count++) {
        expect(await index.observe(place, Buffer.from("a"), [0.9 + count / 1_000, count % 2 === 0])).toBe(
          true,
        );
      }
      const [seen] = await search(place, vector);
      expect(seen!.observations).toHaveLength(64);
      expect(seen!.observations.at(-1)).toEqual([0.9 + 69 / 1_000, false]);
      await add(place, "a", vector, { text: "one" });
      expect((await search(place, vector))[0]!.observations).toHaveLength(64);
      await add(place, "a", vector, { text: "two" });
      expect(await search(place, vector)).toMatchObject([{ text: "two", observations: [] }]);
      expect(await index.observe(place, Buffer.from("b"), [0.9, true])).toBe(false);
      expect(await index.observe(placeOf("acm"), Buffer.from("a"), [0.9, true])).toBe(false);
    });

    test("does not find what has expired", async () => {
      const place = placeOf("acme");
      const vector = next();
      await add(place, "short", vector, { expires_ms: Date.now() + 300 });
      expect(await ids(place, vector)).toEqual(["short"]);
      await Bun.sleep(320);
      expect(await ids(place, vector)).toEqual([]);
      expect(await add(place, "late", vector, { expires_ms: Date.now() - 1 })).toBe(false);
    });

    test("lets an id that is blocked not be added until its time is over", async () => {
      const vector = next();
      await add(placeOf("acme"), "bad", vector);
      expect(await index.block(Buffer.from("bad"), Date.now() + 400)).toBe(true);
      expect(await ids(placeOf("acme"), vector)).toEqual([]);
      expect(await add(placeOf("acme"), "bad", vector)).toBe(false);
      await Bun.sleep(420);
      expect(await add(placeOf("acme"), "bad", vector)).toBe(true);
    });

    test("removes by id, partition, tenant, model and tag", async () => {
      const vector = next();
      const [mine, other, theirs] = [placeOf("acme"), placeOf("acme", "q"), placeOf("acm")];
      const fill = async () => {
        await add(mine, "a", vector, { model: "m1", tags: ["x", "y"] });
        await add(other, "b", vector, { model: "m2", tags: ["y"] });
        await add(theirs, "a", vector, { model: "m1" });
      };
      const there = async () =>
        [await ids(mine, vector), await ids(other, vector), await ids(theirs, vector)].map(
          (one) => one.length,
        );
      const cases: [Filter, number, number[]][] = [
        [{ by: "id", id: Buffer.from("a") }, 2, [0, 1, 0]],
        [{ by: "partition", partition: mine.partition }, 1, [0, 1, 1]],
        [{ by: "prefix", prefix: tenantPrefix("acme") }, 2, [0, 0, 1]],
        [{ by: "prefix", prefix: new Uint8Array(0) }, 3, [0, 0, 0]],
        [{ by: "model", model: "m1" }, 2, [0, 1, 0]],
        [{ by: "tag", tag: "y" }, 2, [0, 0, 1]],
      ];
      for (const [filter, removed, left] of cases) {
        await fill();
        expect(await index.remove(filter)).toBe(removed);
        expect(await there()).toEqual(left);
      }
    });

    test("takes nothing that is out of bounds", async () => {
      const place = placeOf("acme");
      expect(await add(place, "x".repeat(1_500), next())).toBe(false);
      expect(await add(place, "a", next(), { text: "x".repeat(9_000) })).toBe(false);
      expect(await add(place, "a", next(), { tags: new Array(40).fill("t") })).toBe(false);
      expect(await add(place, "a", new Float32Array(DIMS))).toBe(false);
      expect(await add(place, "a", new Float32Array(DIMS).fill(Number.NaN))).toBe(false);
    });
  });
});

describe.skipIf(missing !== null)("an index that hosts share", () => {
  afterAll(() => server?.stop());

  test("is one for all of them, stays within its limit, and goes on when the database is back", {
    timeout: 60_000,
  }, async () => {
    const [a, b] = [openShared("hosts", 50), openShared("hosts", 50)];
    expect([await a.ready(), await b.ready()]).toEqual([null, null]);
    const place = placeOf("acme");
    const vectors = Array.from({ length: 60 }, () => next());
    for (const [number, vector] of vectors.entries()) {
      const id = Buffer.from(`id-${number}`);
      const entry = {
        ...place,
        id,
        text: `text ${number}`,
        model: "m",
        tags: [],
        expires_ms: Date.now() + HOUR_MS,
      };
      expect(await a.add(entry, vector, Date.now() + number)).toBe(true);
    }
    const [found] = (await b.search(place, vectors[59]!, 1, 0.99, Date.now()))!;
    expect(Buffer.from(found!.id).toString()).toBe("id-59");
    await b.sweep();
    expect(b.stats()).toMatchObject({ entries: 50, evicted: 10 });
    expect(await a.search(place, vectors[0]!, 1, 0.999_9, Date.now())).toEqual([]);
    await server!.kill();
    expect(await b.search(place, vectors[59]!, 1, 0.99, Date.now())).toBe(null);
    await server!.go();
    const isBack = async () =>
      ((await b.search(place, vectors[59]!, 1, 0.99, Date.now())) ?? []).length === 1;
    for (let tries = 0; tries < 200 && !(await isBack()); tries++) await Bun.sleep(50);
    expect(await isBack()).toBe(true);
    await Promise.all([a.close(), b.close()]);
  });

  test("asks within one partition of one tenant, by an index of that, and has a graph for large ones", async () => {
    const index = openShared("plans");
    expect(await index.ready()).toBe(null);
    const place = placeOf("acme");
    const entry = {
      ...place,
      id: Buffer.from("a"),
      text: "t",
      model: "m",
      tags: [],
      expires_ms: Date.now() + HOUR_MS,
    };
    await index.add(entry, next(), Date.now());
    const address = readPostgresAddress(server!.url("plans"));
    if ("fault" in address) throw new Error(address.fault);
    const db = new Database(address);
    const found = await db.ask<{ indexdef: string }>(
      "SELECT indexdef FROM pg_indexes WHERE schemaname = 'plans' AND tablename = 'similar_requests'",
    );
    const texts = found.map(({ indexdef }) => indexdef).join("\n");
    expect(texts).toContain("(tenant, partition, space, id)");
    expect(texts).toMatch(/USING hnsw .*vector_cosine_ops/);
    await db.close();
    await index.close();
  });
});
