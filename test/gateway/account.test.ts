// The account of a call by itself: what its row says of how it ended.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { resolveModel } from "../../src/config/models.ts";
import { usageOf } from "../../src/dialects/usage.ts";
import { Account } from "../../src/gateway/account.ts";
import { Alarms } from "../../src/gateway/alarms.ts";
import { Call } from "../../src/gateway/call.ts";
import { type CallEnd, recordRefused } from "../../src/gateway/call_row.ts";
import type { Prepared } from "../../src/gateway/prepare.ts";
import { readNote, rowOfKilled } from "../../src/ledger/flight_note.ts";
import { type TestBooks, testBooks } from "./test_books.ts";

const CONFIG = `
providers: { one: { kind: openai, base_url: "http://127.0.0.1:9/v1", api_keys: [a-providers-key] } }
models:
  chat: { targets: [one/model], price: { input_per_mtok: 1, output_per_mtok: 2 } }
keys: [{ name: checkout, key: a-clients-key, team: shop }]
`;
const END: CallEnd = {
  ...{ status: 200, code: null, finish_reason: "stop", counted_tokens: null },
  usage: usageOf({ input_tokens: 1_000, output_tokens: 100 }),
};

let books: TestBooks;
beforeEach(() => {
  books = testBooks();
});
afterEach(() => books.dispose());

function newCall(headers: Record<string, string> = {}): { call: Call; prepared: Prepared } {
  const loaded = parseConfig(Buffer.from(CONFIG), "test.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { plan } = loaded;
  const model = resolveModel(plan, "chat")!;
  const call = new Call(null, new Request("http://localhost/", { headers }), plan, new Alarms(1_000));
  call.client = plan.keys[0]!;
  call.model = model;
  call.target = model.targets[0]!;
  // As much of a prepared call as an account looks at.
  const prepared: Partial<Prepared> = {
    ...{ model, user: null, has_tokens: true, max_output_tokens: 100, choices: 1, is_stream: false },
    ...{ read_body: new Uint8Array(400), estimateInput: () => 100 },
  };
  return { call, prepared: prepared as Prepared };
}

describe("an account's row", () => {
  test("is priced, and of no cache where nothing is said of one", () => {
    const { call, prepared } = newCall({ "x-venturi-feature": "search", "x-venturi-tags": "a,b=c" });
    const account = new Account(call, prepared, books.books);
    account.sending(call.model!, call.target!);
    expect(account.close(END)).toBe(1_000 * 1_000 + 100 * 2_000);
    expect(books.rows()).toHaveLength(1);
    expect(books.rows()[0]).toMatchObject({
      ...{ id: call.ledger_id, request_id: call.id, key: "checkout", team: "shop", model: "chat" },
      ...{ feature: "search", tags: { a: "", b: "c" }, usage: END.usage, cost_nano_usd: 1_200_000 },
      ...{ price_version: "config", cache: "bypass", similarity: null, saved_nano_usd: 0 },
    });
    expect([...books.books.flights.live]).toEqual([]);
  });

  test.each(["hit", "semantic", "stale", "joined"] as const)(
    "of a cache's answer (%s) costs nothing and saves",
    (cache) => {
      const { call, prepared } = newCall();
      const account = new Account(call, prepared, books.books);
      call.cache = cache;
      call.kept_from = { provider: "one", model: "m", age_s: 1, similarity: 0.97, cache_key: null };
      expect(account.close({ ...END, saved: { nano_usd: 1_200_000, duration_ms: 5 } })).toBe(0);
      expect(books.rows()[0]).toMatchObject({
        ...{ cache, similarity: 0.97, saved_nano_usd: 1_200_000, cost_nano_usd: 0, usage: END.usage },
      });
    },
  );

  test("is the same when the request's body was let go of, as long as nobody has to count it", () => {
    const { call, prepared } = newCall();
    const cut = { ...END, status: 499, code: "client_closed", usage: null, counted_tokens: 7 };
    for (const lets_go of [false, true]) {
      const account = new Account(call, prepared, books.books);
      expect(account.request_bytes).toBe(400);
      if (lets_go) account.letGoOfBody();
      expect(account.request_bytes).toBe(lets_go ? 0 : 400);
      expect(account.close(cut)).toBe(100 * 1_000 + 7 * 2_000);
    }
    const [kept, let_go] = books.rows();
    expect(let_go).toMatchObject({ usage: kept!.usage, estimated: true, model: "chat", stream: false });
  });

  test("of an answer that was not in a cache costs what it costs", () => {
    const { call, prepared } = newCall();
    call.cache = "miss";
    expect(new Account(call, prepared, books.books).close(END)).toBe(1_200_000);
    expect(books.rows()[0]).toMatchObject({ cache: "miss", saved_nano_usd: 0 });
  });

  test("of a call whose process dies is made of its note", () => {
    const { call, prepared } = newCall({ "x-venturi-user": "ann" });
    const account = new Account(call, prepared, books.books);
    account.sending(call.model!, call.target!);
    account.progressed(7);
    const [note] = [...books.books.flights.live];
    const killed = rowOfKilled(readNote(note!.text)!, note!.output_tokens);
    expect(killed).toMatchObject({
      ...{ id: call.ledger_id, key: "checkout", user: "ann", status: 502, error: "killed", estimated: true },
      ...{ cost_nano_usd: 100 * 1_000 + 7 * 2_000, price_version: "config", provider: "one" },
      usage: { input_tokens: 100, output_tokens: 7 },
    });
  });

  test("of a call that was refused early says why", () => {
    const { call } = newCall();
    call.target = null;
    recordRefused(call, { ...END, status: 401, code: "invalid_api_key", usage: null }, books.books);
    expect(books.rows()[0]).toMatchObject({
      ...{ status: 401, error: "invalid_api_key", model: null, provider: null, cost_nano_usd: 0 },
    });
  });
});

describe("an answer that is asked for once more", () => {
  test("is in the row, the cost and the note of the next", async () => {
    const { call, prepared } = newCall();
    const account = new Account(call, prepared, books.books);
    account.sending(call.model!, call.target!);
    expect(await account.again({ usage: END.usage, counted_tokens: null }, 300)).toBeNull();
    account.sending(call.model!, call.target!);
    const [note] = books.books.flights.live;
    const killed = rowOfKilled(readNote(note!.text)!, 10);
    expect(killed.usage).toMatchObject({ input_tokens: 1_300, output_tokens: 110 });
    expect(killed.cost_nano_usd).toBe(1_200_000 + 300 * 1_000 + 10 * 2_000);
    expect(account.close({ ...END, usage: usageOf({ input_tokens: 10, output_tokens: 5 }) })).toBe(1_220_000);
    expect(books.rows()).toHaveLength(1);
    expect(books.rows()[0]).toMatchObject({
      usage: { input_tokens: 1_010, output_tokens: 105 },
      ...{ cost_nano_usd: 1_220_000, estimated: false },
    });
  });
});
