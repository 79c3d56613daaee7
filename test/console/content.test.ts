// The admin API of content: who may see it, what they see, that it is recorded, and what is removed.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ContentStore, type WholeCall } from "../../src/content/store.ts";
import { bookedNames } from "../../src/privacy/discretion.ts";
import { keyFor, openPrivacyKey } from "../../src/privacy/key.ts";
import { type ApiUnderTest, openApi } from "./admin_api.ts";

const YAML = `
admin: { token: an-admin-token-of-its-own, content_token: another-one-for-content }
telemetry: { content: { store: on } }`;
/** As those are passed on who have the admin token alone. */
const RELAYED = { "x-venturi-actor": "admin token from 10.0.0.7" };
const ALLOWED = { "x-venturi-actor": "content token from 10.0.0.7", "x-venturi-may-see-content": "yes" };

let own: ApiUnderTest;

beforeEach(() => {
  own = openApi(YAML);
});
afterEach(() => own.end());

function keyOf(): Uint8Array {
  return openPrivacyKey(own.folder, null) as Uint8Array;
}

function keep(...calls: Partial<WholeCall>[]): void {
  const key = keyOf();
  const keys = { seal: keyFor(key, "content seal"), name: keyFor(key, "content name") };
  const store = ContentStore.open(own.folder, keys) as ContentStore;
  const time_ms = Date.now();
  const answer = {
    choices: [{ index: 0, message: { role: "assistant", content: "Four." }, finish_reason: "stop" }],
  };
  store.keep(
    calls.map((call) => ({
      ...{ id: "call-1", tenant: "acme", user: null, time_ms, expires_ms: time_ms + 60_000 },
      ...{ endpoint: "/chat/completions", format: "chat" as const, model: "chat", key: "checkout" },
      ...{ is_stream: false, choices: 1, left_out: null },
      request: Buffer.from('{"model":"chat","seed":12345678901234567890,"messages":[]}'),
      answer: { bytes: Buffer.from(JSON.stringify(answer)), form: "whole" as const },
      ...call,
    })),
  );
  store.close();
}

function audited(): { action: string; target: string; actor: string; change: unknown }[] {
  const lines = readFileSync(join(own.folder, "audit.ndjson"), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

describe("reading", () => {
  test("is for who has the permission, and each is recorded before it is answered", async () => {
    keep({});
    const refused = await own.ask("GET", "calls/call-1/content", undefined, RELAYED);
    expect(refused.status).toBe(403);
    expect(refused.json.error).toMatchObject({ code: "content_not_allowed", type: "permission_error" });
    expect(refused.json.error.message).toContain("admin.content_token");
    expect(refused.headers.get("cache-control")).toBe("no-store");
    const read = await own.ask("GET", "calls/call-1/content", undefined, ALLOWED);
    expect(read.json).toMatchObject({
      ...{ object: "call.content", id: "call-1", tenant: "acme", key: "checkout", format: "chat" },
      ...{ endpoint: "/chat/completions", answer_text: "Four.", answer_left_out: null, answer_events: null },
    });
    expect(read.json.answer.choices[0].message.content).toBe("Four.");
    // Whoever asks at the socket by himself may read the files behind it as well.
    expect((await own.ask("GET", "calls/call-1/content")).status).toBe(200);
    expect(audited()).toMatchObject([
      {
        action: "content.read",
        target: "call-1",
        actor: "content token from 10.0.0.7",
        change: { tenant: "acme" },
      },
      { action: "content.read", target: "call-1", actor: "socket uid 7" },
    ]);
  });

  test("is never by what is passed on for anybody, whatever path it finds", async () => {
    keep({});
    const from = { "x-venturi-from": "10.0.0.7" };
    for (const path of ["calls/call-1/content", "keys"]) {
      expect((await own.ask("GET", path, undefined, from)).status).toBe(404);
      expect((await own.ask("GET", path, undefined, { ...ALLOWED, ...from })).status).toBe(404);
    }
  });

  test("shows requests as they were, and streams that broke off as they came", async () => {
    keep({}, { id: "call-2", answer: { bytes: Buffer.from("data: {}\n\n"), form: "events" } });
    const response = await own.api.answer(new Request("http://admin/admin/v1/calls/call-1/content"));
    expect(await response.text()).toContain('"seed":12345678901234567890');
    const broken = await own.ask("GET", "calls/call-2/content");
    expect(broken.json).toMatchObject({ answer: null, answer_text: null, answer_events: "data: {}\n\n" });
  });

  test("of what is not kept says why, and needs the permission all the same", async () => {
    const missing = await own.ask("GET", "calls/nothing/content");
    expect(missing.status).toBe(404);
    expect(missing.json.error.message).toContain("not kept yet, no longer, or was left out");
    expect((await own.ask("GET", "calls/nothing/content", undefined, RELAYED)).status).toBe(403);
    const off = openApi(null);
    expect((await off.ask("GET", "calls/nothing/content")).json.error.message).toContain(
      "telemetry.content.store",
    );
    await off.end();
  });
});

describe("removal", () => {
  test("needs no permission to see, and is of one call, a tenant, a user under any of his names, or what is old", async () => {
    const names = bookedNames("jo@example.org", keyFor(keyOf(), "user"));
    expect(new Set(names).size).toBe(4);
    keep(
      ...names.map((user, index) => ({ id: `jo-${index}`, user })),
      ...[{ id: "ann", user: "ann" }, { id: "one" }, { id: "elsewhere", tenant: "other", user: "ann" }],
      { id: "old", time_ms: Date.now() - 9 * 86_400_000 },
    );
    const remove = (query: string) => own.ask("DELETE", query, undefined, RELAYED);
    expect((await remove("calls/one/content")).json).toEqual({ object: "content.delete", removed: 1 });
    expect((await remove("content?tenant=acme&user=jo@example.org")).json.removed).toBe(4);
    expect((await remove("content?before=8d")).json.removed).toBe(1);
    expect((await remove("content?tenant=other")).json.removed).toBe(1);
    expect((await own.ask("GET", "content")).json).toMatchObject({
      store: "on",
      retention_days: 7,
      calls: 1,
    });
    expect((await remove("content?all=true")).json.removed).toBe(1);
    expect((await own.ask("GET", "content")).json).toMatchObject({ calls: 0, oldest: null });
    expect(audited().map(({ action }) => action)).toEqual(Array(5).fill("content.delete"));
    // The log is for ever; the person is not to be.
    expect(JSON.stringify(audited())).not.toContain("jo@");
  });

  test.each([
    ["content", "missing_required_parameter"],
    ["content?user=ann", "missing_required_parameter"],
    ["content?before=yesterday", "invalid_value"],
  ])("of %s is refused: %s", async (path, code) => {
    expect((await own.ask("DELETE", path)).json.error.code).toBe(code);
  });

  test("where nothing was ever kept removes nothing, and says what there is", async () => {
    expect((await own.ask("DELETE", "content?all=true")).json.removed).toBe(0);
    expect((await own.ask("GET", "content")).json).toMatchObject({
      calls: 0,
      bytes: 0,
      max_bytes: 1024 ** 3,
    });
  });
});
