// Values of conversations at rest: sealed, bound to whose they are, gone in time.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openBytes, sealBytes } from "../../src/memory/seal.ts";
import { keyFor, openPrivacyKey, parseKey } from "../../src/privacy/key.ts";
import { Mapping } from "../../src/privacy/mapping.ts";
import { mappingBytes, readMapping } from "../../src/privacy/mapping_bytes.ts";
import { restoreText } from "../../src/privacy/restore.ts";
import { Vault } from "../../src/privacy/vault.ts";
import { randomIntegers } from "../memory/random.ts";
import { redactedJson } from "./hand_made.ts";

const KEY = new Uint8Array(32).fill(7);
const OTHER_KEY = new Uint8Array(32).fill(8);
const LATER_MS = 4e12;

const sealMapping = (mapping: Mapping, key: Uint8Array, context: string, expires_ms: number) =>
  sealBytes(mappingBytes(mapping), key, context, expires_ms);
const openMapping = (sealed: Uint8Array, key: Uint8Array, context: string, now_ms: number) => {
  const bytes = openBytes(sealed, key, context, now_ms);
  return bytes === null ? null : readMapping(bytes);
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-vault-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function conversation(): Mapping {
  const mapping = new Mapping();
  redactedJson({ prompt: "ada@example.org wrote [EMAIL_2] to Ada Lovelace, \ud800" }, { mapping });
  return mapping;
}

describe("sealed values", () => {
  test("open as what they were, and number what comes next as before", () => {
    const opened = openMapping(sealMapping(conversation(), KEY, "c", LATER_MS), KEY, "c", 0)!;
    expect(restoreText("[EMAIL_1] [EMAIL_2] [PERSON_1]", opened)).toBe(
      "ada@example.org [EMAIL_2] Ada Lovelace",
    );
    expect(
      redactedJson({ prompt: "ADA@example.org, grace@navy.mil, [EMAIL_2]" }, { mapping: opened }),
    ).toEqual({
      prompt: "[EMAIL_1], [EMAIL_3], [EMAIL_2]",
    });
    const strict = new Mapping({ restores_bare: false });
    expect(openMapping(sealMapping(strict, KEY, "c", LATER_MS), KEY, "c", 0)!.restores_bare).toBe(false);
  });

  test("open with their own key, in their own context and in time alone", () => {
    const sealed = sealMapping(conversation(), KEY, "c", 1000);
    expect(openMapping(sealed, KEY, "c", 999)?.size).toBe(3);
    expect(openMapping(sealed, KEY, "c", 1000)).toBe(null);
    expect(openMapping(sealed, KEY, "d", 999)).toBe(null);
    expect(openMapping(sealed, OTHER_KEY, "c", 999)).toBe(null);
  });

  test("do not open when a bit of them has changed, and are not to be read", () => {
    const sealed = sealMapping(conversation(), KEY, "c", LATER_MS);
    expect(Buffer.from(sealed).includes("ada")).toBe(false);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed);
      changed[at]! ^= 1;
      expect(openMapping(changed, KEY, "c", 0), `byte ${at}`).toBe(null);
    }
    const random = randomIntegers(95);
    for (let length = 0; length < 80; length++) {
      expect(openMapping(sealed.subarray(0, length), KEY, "c", 0)).toBe(null);
      const garbage = Uint8Array.from({ length }, () => random(256));
      expect(openMapping(garbage, KEY, "c", 0)).toBe(null);
    }
  });

  test("are never the same twice", () => {
    const seal = () => Buffer.from(sealMapping(conversation(), KEY, "c", LATER_MS)).toString("hex");
    expect(seal()).not.toBe(seal());
  });
});

describe("a vault", () => {
  const open = (changed = {}) =>
    new Vault({
      folder: join(folder, "privacy"),
      key: KEY,
      ttl_ms: 60_000,
      conversations_max: 10,
      ...changed,
    });
  const files = () => readdirSync(join(folder, "privacy"));

  test("keeps a conversation for its tenant, and for other processes", async () => {
    expect(await open().keep("acme", "c1", conversation())).toBe(null);
    expect((await open().find("acme", "c1"))?.size).toBe(3);
    expect(await open().find("acme", "c2")).toBe(null);
    expect(await open().find("other", "c1")).toBe(null);
    expect(await open({ key: OTHER_KEY }).find("acme", "c1")).toBe(null);
    await open().forget("acme", "c1");
    expect(await open().find("acme", "c1")).toBe(null);
  });

  test("writes nothing that can be read, to files that nobody else may open", async () => {
    await open().keep("acme", "conversation-of-ada", conversation());
    const [name] = files();
    const path = join(folder, "privacy", name!);
    expect(name).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "latin1")).not.toMatch(/ada|acme|EMAIL/i);
  });

  test("keeps the later of two states, and as many conversations as it may", async () => {
    const vault = open({ conversations_max: 3 });
    for (let index = 0; index < 5; index++) {
      await vault.keep("acme", `c${index}`, conversation());
      await vault.keep("acme", `c${index}`, new Mapping());
      // Dated by hand, so that their order is certain.
      const newest = files().find((file) => statSync(join(folder, "privacy", file)).mtimeMs < 4e12);
      utimesSync(join(folder, "privacy", newest!), 0, 4e9 + index);
    }
    expect((await vault.find("acme", "c4"))?.size).toBe(0);
    expect(await vault.sweep()).toBe(2);
    expect(await vault.find("acme", "c0")).toBe(null);
    expect(await vault.find("acme", "c4")).not.toBe(null);
  });

  test("forgets what has expired, and what a writer left that died", async () => {
    const vault = open({ ttl_ms: 0 });
    await vault.keep("acme", "c", conversation());
    expect(await vault.find("acme", "c")).toBe(null);
    writeFileSync(join(folder, "privacy", "left.123.0"), "x");
    for (const name of files()) utimesSync(join(folder, "privacy", name), 0, 0);
    expect(await vault.sweep()).toBe(2);
    expect(files()).toEqual([]);
  });

  test("says why it cannot keep, and finds nothing in what is damaged", async () => {
    const vault = open();
    await vault.keep("acme", "c", conversation());
    writeFileSync(join(folder, "privacy", files()[0]!), "garbage");
    expect(await vault.find("acme", "c")).toBe(null);
    writeFileSync(join(folder, "file"), "");
    const blocked = open({ folder: join(folder, "file") });
    expect(await blocked.keep("acme", "c", conversation())).toMatch(
      /^the values of a conversation cannot be kept \(E\w+\)$/,
    );
    expect(await blocked.sweep()).toBe(0);
  });
});

describe("the key", () => {
  test("is read from the configuration in base64 and in hexadecimal", () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 32 }, (_, at) => 251 - at));
    for (const text of [
      bytes.toString("hex"),
      bytes.toString("base64"),
      bytes.toString("base64url"),
      ` ${bytes.toString("hex").toUpperCase()}\n`,
    ]) {
      expect(Buffer.from(parseKey(text)!)).toEqual(bytes);
      expect(openPrivacyKey(folder, text)).toEqual(bytes);
    }
    for (const text of [
      "",
      "secret",
      "0".repeat(63),
      "A".repeat(42),
      `${"A".repeat(42)}==`,
      "%".repeat(43),
    ]) {
      expect(openPrivacyKey(folder, text)).toEqual({
        fault: "privacy.key must be 32 bytes in base64 or hexadecimal",
      });
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is made once, for its owner alone", () => {
    const data = join(folder, "data");
    const key = openPrivacyKey(data, null);
    expect(key).toHaveLength(32);
    expect(openPrivacyKey(data, null)).toEqual(key);
    expect(readdirSync(data)).toEqual(["privacy.key"]);
    expect(statSync(join(data, "privacy.key")).mode & 0o777).toBe(0o600);
  });

  test("that is damaged is no key", () => {
    writeFileSync(join(folder, "privacy.key"), "short");
    expect(openPrivacyKey(folder, null)).toEqual({ fault: expect.stringContaining("must have 32 bytes") });
    expect(openPrivacyKey(join(folder, "privacy.key"), null)).toEqual({
      fault: expect.stringContaining("cannot be used"),
    });
  });

  test("is another one for each purpose", () => {
    const keys = (["user", "name", "seal"] as const).map((purpose) =>
      Buffer.from(keyFor(KEY, purpose)).toString("hex"),
    );
    expect(new Set(keys).size).toBe(3);
    expect(keyFor(OTHER_KEY, "user")).not.toEqual(keyFor(KEY, "user"));
  });
});
