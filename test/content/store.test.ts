// The store of content: what is kept comes back byte for byte, what conversations share lies there once, tenants share nothing, and
// what is removed is gone.

import { Database } from "bun:sqlite";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { contentPath } from "../../src/content/file.ts";
import { piecesOf } from "../../src/content/pieces.ts";
import { ContentStore, type WholeCall } from "../../src/content/store.ts";
import { randomIntegers } from "../memory/random.ts";

const KEYS = { seal: Buffer.alloc(32, 1), name: Buffer.alloc(32, 2) };
const NOW_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const SYSTEM = `You are the assistant of a workshop. ${"Mind the rules of the house. ".repeat(200)}`;

let folder: string;
let store: ContentStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-content-"));
  store = open();
});

afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(keys = KEYS): ContentStore {
  const opened = ContentStore.open(folder, keys);
  if (!(opened instanceof ContentStore)) throw new Error(opened.fault);
  return opened;
}

let calls = 0;

function callOf(request: string | Uint8Array, given: Partial<WholeCall> = {}): WholeCall {
  calls += 1;
  return {
    ...{ id: `call-${calls}`, tenant: "acme", user: null, time_ms: NOW_MS, expires_ms: NOW_MS + DAY_MS },
    ...{ endpoint: "/chat/completions", format: "chat", model: "chat", key: "checkout" },
    ...{ is_stream: false, choices: 1, left_out: null },
    request: Buffer.from(request),
    answer: { bytes: Buffer.from('{"choices":[]}'), form: "whole" },
    ...given,
  };
}

/** A conversation after so many turns. */
function conversation(turns: number): string {
  const messages = [{ role: "system", content: SYSTEM }];
  for (let turn = 0; turn < turns; turn++) {
    messages.push({ role: "user", content: `Question ${turn}: ${"what is to be done here? ".repeat(8)}` });
    messages.push({ role: "assistant", content: `Answer ${turn}: ${"this and that. ".repeat(12)}` });
  }
  return JSON.stringify({ model: "chat", messages });
}

function counted(table: string): number {
  const db = new Database(contentPath(folder), { readonly: true });
  const { number } = db.query<{ number: number }, []>(`SELECT count(*) AS number FROM ${table}`).get()!;
  db.close();
  return number;
}

describe("what is kept", () => {
  test("comes back byte for byte, whatever the bytes are", () => {
    const drawing = randomIntegers(4);
    const random = Uint8Array.from({ length: 5_000 }, () => drawing(256));
    const bodies = [
      conversation(6),
      '{"messages":"Grüße 😀"}',
      "",
      "no JSON",
      random,
      `{"a":${"[".repeat(600)}`,
    ];
    for (const body of bodies) {
      const call = callOf(body, { answer: { bytes: Buffer.from(body), form: "events" } });
      store.keep([call]);
      const found = store.find(call.id, NOW_MS);
      expect(Buffer.from(found!.request).equals(Buffer.from(body))).toBe(true);
      expect(Buffer.from(found!.answer!.bytes).equals(Buffer.from(body))).toBe(true);
      expect(found).toMatchObject({ tenant: "acme", key: "checkout", endpoint: "/chat/completions" });
      expect(found!.answer!.form).toBe("events");
    }
  });

  test("is in pieces that are the body again", () => {
    const drawing = randomIntegers(11);
    for (let round = 0; round < 200; round++) {
      const messages = Array.from({ length: drawing(9) }, () => "x".repeat(drawing(900)));
      const body = Buffer.from(JSON.stringify({ messages, tools: messages, other: messages.join() }));
      const pieces = piecesOf(body).map(({ bytes }) => bytes);
      expect(Buffer.concat(pieces).equals(body)).toBe(true);
    }
  });

  test("lies there once where conversations and prompts repeat it", () => {
    for (let turns = 1; turns <= 20; turns++) store.keep([callOf(conversation(turns))]);
    // Whole, they would be some 9,000 bytes each, and twice that with the prompt.
    expect(counted("calls")).toBe(20);
    expect(counted("blobs")).toBeLessThanOrEqual(21);
    const before = counted("blobs");
    for (let again = 0; again < 50; again++) store.keep([callOf(conversation(20))]);
    expect(counted("blobs")).toBe(before);
    expect(store.find("call-nothing", NOW_MS)).toBeNull();
  });

  test("is shared by no two tenants", () => {
    store.keep([callOf(conversation(3))]);
    const before = counted("blobs");
    store.keep([callOf(conversation(3), { tenant: "other" })]);
    expect(counted("blobs")).toBe(2 * before);
  });

  test("cannot be read in the file, nor opened with another key, nor when it was put in another's place", () => {
    const call = callOf(conversation(2), { user: "ann@example.org" });
    const other = callOf('{"messages":[]}', { tenant: "other" });
    store.keep([call, other]);
    const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
    for (const word of ["acme", "checkout", "ann@example", "workshop", "Question"])
      expect(bytes.includes(word), word).toBe(false);
    const stranger = open({ ...KEYS, seal: Buffer.alloc(32, 9) });
    expect(stranger.find(call.id, NOW_MS)).toBeNull();
    stranger.close();
    const db = new Database(contentPath(folder), { readwrite: true });
    db.run("UPDATE calls SET card = (SELECT card FROM calls WHERE id = ?) WHERE id = ?", [call.id, other.id]);
    db.close();
    expect(store.find(other.id, NOW_MS)).toBeNull();
    expect(store.find(call.id, NOW_MS)).not.toBeNull();
  });

  test("opens no longer than it is kept", () => {
    const call = callOf(conversation(1));
    store.keep([call]);
    expect(store.find(call.id, NOW_MS + DAY_MS - 1)).not.toBeNull();
    expect(store.find(call.id, NOW_MS + DAY_MS)).toBeNull();
  });

  test("stays as it was where the same call is kept again, and leaves nothing behind", () => {
    const call = callOf(conversation(1));
    store.keep([call]);
    const before = counted("blobs");
    store.keep([{ ...call, request: Buffer.from(conversation(9)) }]);
    expect(Buffer.from(store.find(call.id, NOW_MS)!.request).toString()).toBe(conversation(1));
    expect(counted("blobs")).toBe(before);
  });
});

describe("what is removed", () => {
  function removeAll(filter: Parameters<ContentStore["remove"]>[0]): number {
    let removed = 0;
    for (let gone = store.remove(filter); gone > 0; gone = store.remove(filter)) removed += gone;
    return removed;
  }

  test("is what is meant: by id, tenant, user, time, and what nobody needs any more", () => {
    const [one, two] = [callOf(conversation(4)), callOf(conversation(5))];
    const ann = callOf(conversation(1), { user: "ann" });
    const other_ann = callOf(conversation(1), { tenant: "other", user: "ann" });
    const old = callOf(conversation(8), { time_ms: NOW_MS - 9 * DAY_MS });
    store.keep([one, two, ann, other_ann, old]);
    expect(removeAll({ id: two.id })).toBe(1);
    expect(store.find(one.id, NOW_MS)).not.toBeNull();
    expect(removeAll({ tenant: "acme", users: ["bob", "ann"] })).toBe(1);
    expect(store.find(ann.id, NOW_MS)).toBeNull();
    expect(store.find(other_ann.id, NOW_MS)).not.toBeNull();
    expect(removeAll({ before_ms: NOW_MS - DAY_MS })).toBe(1);
    expect(removeAll({ tenant: "other" })).toBe(1);
    expect(counted("calls")).toBe(1);
    expect(Buffer.from(store.find(one.id, NOW_MS)!.request).toString()).toBe(conversation(4));
    expect(removeAll({})).toBe(1);
    expect([counted("calls"), counted("blobs"), counted("uses")]).toEqual([0, 0, 0]);
  });

  test("gives its room back to the disk", () => {
    const drawing = randomIntegers(5);
    const noise = () => Buffer.from(Uint8Array.from({ length: 60_000 }, () => drawing(256))).toString("hex");
    for (let count = 0; count < 30; count++) store.keep([callOf(JSON.stringify({ prompt: noise() }))]);
    const full = store.stats();
    expect(full.calls).toBe(30);
    expect(full.bytes).toBeGreaterThan(1_500_000);
    expect(full.oldest_ms).toBe(NOW_MS);
    removeAll({});
    store.shrink();
    expect(store.stats()).toMatchObject({ calls: 0, oldest_ms: null });
    expect(readFileSync(contentPath(folder)).length).toBeLessThan(200_000);
  });
});
