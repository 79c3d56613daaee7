// New prices into the data folder and out of it again: what is wrong is named, and never costs the calls their prices.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findPrice } from "../../src/ledger/prices/book.ts";
import { readProviders } from "../../src/ledger/prices/data.ts";
import {
  loadPriceBook,
  PACKAGE,
  prepareInstalledPrices,
  priceFilePath,
} from "../../src/ledger/prices/load.ts";
import { updatePrices } from "../../src/ledger/prices/update.ts";

const NOW = new Date("2026-11-26T06:00:00Z");
const INSTALLED = `genai-prices@${PACKAGE.version}`;

const provider = (models: unknown) => ({ id: "openai", api_pattern: "https://api\\.openai\\.com", models });
const model = (prices: unknown) => ({ id: "gpt-9", name: "GPT 9", match: { equals: "gpt-9" }, prices });
const PRICES = [provider([model({ input_mtok: 9, output_mtok: 90 })])];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-prices-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function fileWith(text: string): string {
  const path = join(folder, "new.json");
  writeFileSync(path, text);
  return path;
}

async function versionOf(name: string): Promise<string | null> {
  const { book } = await loadPriceBook(folder);
  return findPrice(book, "openai", "api.openai.com", name)?.version ?? null;
}

describe("an update", () => {
  test("from a file is what calls are priced with from then on, and the version says its date and content", async () => {
    expect(await versionOf("gpt-9")).toBeNull();
    const result = await updatePrices(folder, fileWith(JSON.stringify(PRICES)), NOW);
    expect(result).toEqual({ ok: true, path: priceFilePath(folder), providers: 1, models: 1 });
    expect(await versionOf("gpt-9")).toMatch(/^genai-prices@2026-11-26-[0-9a-f]{8}\/openai:gpt-9$/);
    expect(readdirSync(folder).sort()).toEqual(["new.json", "prices.json"]);
  });

  test("from an address", async () => {
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => Response.json(PRICES) });
    expect(await updatePrices(folder, `${server.url}data.json`, NOW)).toMatchObject({ ok: true, models: 1 });
    expect(await versionOf("gpt-9")).not.toBeNull();
  });

  test("that differs in a price has another version", async () => {
    await updatePrices(folder, fileWith(JSON.stringify(PRICES)), NOW);
    const first = await versionOf("gpt-9");
    const dearer = [provider([model({ input_mtok: 10, output_mtok: 90 })])];
    await updatePrices(folder, fileWith(JSON.stringify(dearer)), NOW);
    expect(await versionOf("gpt-9")).not.toBe(first);
  });

  test.each<[string, string, RegExp]>([
    ["no JSON", "{", /is not JSON/],
    ["no list", "{}", /providers must be a list/],
    ["nothing", "[]", /there are no prices in it/],
    ["an answer of another kind", '"hello"', /providers must be a list/],
    [
      "a price that is none",
      JSON.stringify([provider([model({ input_mtok: 1 }), model({ input_mtok: "1" })])]),
      /providers\[0\]\.models\[1\]\.prices\.input_mtok must be an object/,
    ],
    [
      "a negative price",
      JSON.stringify([provider([model({ input_mtok: -1 })])]),
      /providers\[0\]\.models\[0\]\.prices\.input_mtok must be a number from zero up/,
    ],
    [
      "a rule that is not known",
      JSON.stringify([provider([{ ...model({}), match: { sounds_like: "x" } }])]),
      /models\[0\]\.match\.sounds_like must be equals, /,
    ],
    [
      "a pattern that is none",
      JSON.stringify([provider([{ ...model({}), match: { regex: "(" } }])]),
      /match\.regex must be a regular expression/,
    ],
    [
      "a time that is none",
      JSON.stringify([provider([model([{ constraint: { start_date: "soon" }, prices: {} }])])]),
      /prices\[0\]\.constraint\.start_date must be a date/,
    ],
  ])("of %s changes nothing, and says what is wrong where", async (_, text, fault) => {
    await updatePrices(folder, fileWith(JSON.stringify(PRICES)), NOW);
    const before = readFileSync(priceFilePath(folder), "utf8");
    const result = await updatePrices(folder, fileWith(text), NOW);
    expect(result).toEqual({ ok: false, fault: expect.stringMatching(fault) });
    expect(readFileSync(priceFilePath(folder), "utf8")).toBe(before);
  });

  test("from nowhere, or from a server that has none, says so", async () => {
    using server = Bun.serve({
      ...{ port: 0, hostname: "127.0.0.1" },
      fetch: () => new Response("gone", { status: 410 }),
    });
    for (const source of [join(folder, "none.json"), server.url.href]) {
      expect(await updatePrices(folder, source, NOW)).toMatchObject({
        ...{ ok: false, fault: expect.stringContaining("cannot be read") },
      });
    }
  });
});

describe("loading", () => {
  test("without an update takes the installed prices", async () => {
    expect(await versionOf("gpt-4o-mini")).toBe(`${INSTALLED}/openai:gpt-4o-mini`);
  });

  test("an update that is older than the installed release is not taken", async () => {
    await updatePrices(folder, fileWith(JSON.stringify(PRICES)), new Date("2026-01-01T00:00:00Z"));
    expect(await versionOf("gpt-9")).toBeNull();
    expect(await versionOf("gpt-4o-mini")).toBe(`${INSTALLED}/openai:gpt-4o-mini`);
  });

  test.each<[string, (text: string) => string]>([
    ["cut off", (text) => text.slice(0, -100)],
    ["changed by hand", (text) => text.replace("90", "91")],
    ["something else", () => "[]"],
  ])("an update that is %s is not taken, and that is told", async (_, spoil) => {
    await updatePrices(folder, fileWith(JSON.stringify(PRICES)), NOW);
    writeFileSync(priceFilePath(folder), spoil(readFileSync(priceFilePath(folder), "utf8")));
    const { book, fault } = await loadPriceBook(folder);
    expect(fault).toContain("prices.json");
    expect(book.version).toBe(INSTALLED);
  });

  test("the installed prices are stored once, and then read from there alike", async () => {
    const direct = (await loadPriceBook(folder)).book;
    expect(await prepareInstalledPrices(folder)).toMatchObject({ ok: true, models: expect.any(Number) });
    expect(await prepareInstalledPrices(folder)).toBeNull();
    const stored = (await loadPriceBook(folder)).book;
    expect(stored.version).toBe(direct.version);
    const models = (book: typeof direct) =>
      book.providers.map((one) => [one.id, one.fallbacks, one.models()]);
    expect(models(stored)).toEqual(models(direct));
  });

  test("a folder that cannot be written to is told, and costs no price", async () => {
    const path = fileWith("");
    expect(await prepareInstalledPrices(path)).toMatchObject({ ok: false });
    expect((await loadPriceBook(path)).book.version).toBe(INSTALLED);
  });

  test("the release that is named is the one that is installed", () => {
    const file = join(import.meta.dirname, "../../node_modules/@pydantic/genai-prices/package.json");
    expect((JSON.parse(readFileSync(file, "utf8")) as { version: string }).version).toBe(PACKAGE.version);
  });
});

test("the published data of an earlier day is read whole", ({ skip }) => {
  const file = join(import.meta.dirname, "../../../shared/data/prices/genai-prices-v2.json");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return skip("shared/data is not beside the checkout");
  }
  const read = readProviders(JSON.parse(text));
  expect(read).toMatchObject({ ok: true });
  expect(read.ok && read.providers.reduce((sum, one) => sum + one.models().length, 0)).toBe(1_466);
});
