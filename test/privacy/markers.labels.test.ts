// What clients say of their calls in headers: request ids, users, features, tags, sessions, traces. Of none of it a value is kept.

import { afterAll, expect, test } from "vitest";
import { ALL_MARKERS, leaksOf, type Mode, markedGateways, SLOW_MS } from "./marked_gateway.ts";
import { MARKERS, MarkerSearch } from "./markers.ts";

const { started, end } = markedGateways();
afterAll(end);

const search = new MarkerSearch(ALL_MARKERS);
const OF_HEADERS = /^[ -~]*$/;
const OF_TAGS = /^[^,=]*$/;

/** Headers that speak of a call, each with something that holds a value. */
function headersOf(text: string, value: string, is_told: boolean): Record<string, string> {
  return {
    ...(is_told && !value.includes(" ") ? { "x-request-id": value } : {}),
    "x-venturi-user": text,
    "x-venturi-feature": text,
    "x-venturi-session": text,
    traceparent: is_told ? value : "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    tracestate: `vendor=${text}`,
    baggage: `who=${value}`,
    cookie: `who=${value}`,
    referer: `http://example.com/?who=${encodeURIComponent(value)}`,
    "user-agent": text,
    "idempotency-key": value,
    "openai-organization": value,
    ...(OF_TAGS.test(text) ? { "x-venturi-tags": `${text},who=${text}${is_told ? `,${value}=1` : ""}` } : {}),
  };
}

test.concurrent.each<Mode>(["redact", "mask", "audit"])(
  "with %s nothing of them is kept",
  { timeout: SLOW_MS },
  async (mode) => {
    const gateway = await started({ mode });
    const markers = MARKERS.filter(({ text }) => OF_HEADERS.test(text));
    expect(markers.length).toBeGreaterThan(150);
    for (const [index, { text, value }] of markers.entries()) {
      // What its words alone tell is told without them by some values only.
      const is_told = text === `It is ${value}, I think.` || text.startsWith("Reach me at");
      const headers = headersOf(text, value, is_told);
      const body = {
        model: ["chat", "open", "judged"][index % 3]!,
        messages: [{ role: "user", content: `Round ${index % 40}` }],
      };
      const answer = await gateway.post("/v1/chat/completions", { ...body, user: text }, { headers });
      expect(answer?.status).toBe(200);
      // Whoever is refused before anything is known of the call leaves no more.
      if (index % 4 > 0) continue;
      await gateway.post(
        `/v1/chat/completions?who=${encodeURIComponent(value)}`,
        { ...body, model: text },
        { headers },
      );
      await gateway.post(`/v1/${encodeURIComponent(value)}`, body, { headers });
      await gateway.post("/v1/chat/completions", body, { headers, key: value.replaceAll(" ", "") });
    }
    expect(await leaksOf(gateway, mode, search)).toEqual([]);
  },
);

test("users, features and tags without a value stay what they are, and those with one stay apart", {
  timeout: SLOW_MS,
}, async () => {
  const gateway = await started({ mode: "redact" });
  const body = { model: "open", messages: [{ role: "user", content: "Hello" }] };
  const call = (user: string) =>
    gateway.post("/v1/chat/completions", body, {
      headers: {
        "x-venturi-user": user,
        "x-venturi-feature": "search",
        "x-venturi-tags": "team=blue",
        "x-request-id": "mine-1",
      },
    });
  for (const user of ["user-17", "ada@example.com", "jo@example.com", "ada@example.com"]) await call(user);
  await gateway.admin("ledger/flush", "POST");
  const { data: calls } = JSON.parse(await gateway.admin("calls?limit=10")) as {
    data: Record<string, unknown>[];
  };
  for (const row of calls)
    expect(row).toMatchObject({ feature: "search", tags: { team: "blue" }, request_id: "mine-1" });
  const [ada, jo, ada_before, plain] = calls.map(({ user }) => String(user));
  expect(plain).toBe("user-17");
  expect(ada).toMatch(/^hidden-[0-9a-f]{16}$/);
  expect(ada_before).toBe(ada);
  expect(jo).not.toBe(ada);
});
