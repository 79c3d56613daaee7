// A process that damages a store again and again, and has its keeper do all that it does: `FOLDER SEED ROUNDS`. What a damaged file
// can do to it is to end it; so it says first what it is at.

import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCacheKeeper } from "../../../src/cache/exact/keeper.ts";
import { randomIntegers } from "../../memory/random.ts";
import { isWhole } from "./checked_body.ts";
import { makeEntry, makeKey, NOW_MS, SIZE_BYTES } from "./made.ts";
import { seen } from "./seen.ts";

const [folder = "", seed = "1", rounds = "1"] = process.argv.slice(2);
const random = randomIntegers(Number(seed));
const counts = { repaired: 0, read: 0, wrong: 0 };
const path = join(folder, "cache", "answers", "data.mdb");
const copy = (name: string) => join(`${folder}.${name}`);

cpSync(folder, copy("right"), { recursive: true });
for (let round = 0; round < Number(rounds); round++) {
  rmSync(folder, { recursive: true, force: true });
  cpSync(copy("right"), folder, { recursive: true });
  const bytes = readFileSync(path);
  const damages = 1 + random(4);
  for (let damage = 0; damage < damages; damage++) {
    const length = 1 + random([1, 8, 600, 9_000][random(4)]!);
    const at = random(bytes.length - length);
    // Often in the first bytes of a page, where one number decides much, or in one of the two heads.
    const page = random(5) === 0 ? random(2) : Math.floor(at / 4096);
    const from = random(2) === 0 ? at : page * 4096 + random(page < 2 ? 168 : 40);
    for (let index = from; index < Math.min(from + length, bytes.length); index++) bytes[index] = random(256);
  }
  writeFileSync(path, bytes);
  console.log(`round ${round}`);
  const options = {
    max_bytes: SIZE_BYTES,
    log: (line: string) => void (line.includes("put aside") && counts.repaired++),
  };
  const keeper = openCacheKeeper(folder, options);
  if ("fault" in keeper) throw new Error(keeper.fault);
  for (let number = 0; number < 1_000; number++) {
    const entry = keeper.cache.get(makeKey(number), NOW_MS);
    if (entry === null) continue;
    counts.read++;
    if (!isWhole(entry.body) || entry.model !== "fast") counts.wrong++;
  }
  await keeper.tidy(NOW_MS);
  for (let number = 0; number < 300; number++) keeper.cache.put(makeKey(number), makeEntry());
  await seen(keeper.cache);
  await keeper.cache.purge({ model: "fast" });
  await keeper.cache.purge({ all: true });
  await keeper.close();
}
rmSync(copy("right"), { recursive: true, force: true });
console.log(JSON.stringify(counts));
process.exit(0);
