// What goes wrong leaves no value either: errors of providers that repeat what they were asked, answers that are none, refusals, guards,
// clients that leave, and processes that are killed.

import { afterAll, expect, test } from "vitest";
import {
  ALL_MARKERS,
  LIMITED_KEY,
  leaksOf,
  type MarkedGateway,
  type Mode,
  markedGateways,
  SLOW_MS,
} from "./marked_gateway.ts";
import { MARKERS, MarkerSearch, NAMED } from "./markers.ts";

const { started, end } = markedGateways();
afterAll(end);

const search = new MarkerSearch(ALL_MARKERS);
const CHAT = "/v1/chat/completions";

/** Twenty markers at a time. */
const groups = Array.from({ length: Math.ceil(MARKERS.length / 20) }, (_, index) =>
  MARKERS.slice(index * 20, index * 20 + 20),
);

function said(texts: readonly string[], more = ""): object {
  const parts = texts.map((text) => ({ type: "text", text }));
  return {
    messages: [{ role: "user", content: [...parts, ...(more === "" ? [] : [{ type: "text", text: more }])] }],
  };
}

async function failEverywhere(gateway: MarkedGateway): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const chat = async (model: string, body: object, asked = {}) => {
    const answer = await gateway.post(CHAT, { model, ...body }, asked);
    const what = `${model} ${answer?.status ?? 0}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  };
  for (const group of groups) {
    const texts = group.map(({ text }) => text);
    const body = said(texts);
    for (const model of ["refuses", "breaks", "cuts", "stops", "odd", "garbled", "tried"]) {
      await chat(model, body);
      await chat(model, { ...body, stream: true });
    }
    await chat("judged", said(texts, "nightjar"));
    await chat("judged", said(texts, "kestrel, merlin"));
    await chat("judged", { ...said(texts, "falcon"), stream: true });
    await chat("judged", { messages: texts.map((content) => ({ role: "user", content })) });
    await chat("judged", said(texts.map((text) => text.replace(/(?<=\w)(?=\w)/, "\u200b"))));
    await chat("open", body, { key: LIMITED_KEY });
    // What is not JSON, or too long, or for nobody.
    const json = JSON.stringify({ model: "open", ...body });
    for (const broken of [
      json.slice(0, -9),
      texts.join(","),
      `${json}${json}`,
      json.replaceAll('"', "'"),
      `{"model": ${json}}`,
    ]) {
      await gateway.post(CHAT, broken);
    }
    await gateway.post("/v1/embeddings", { model: "open", input: texts.map((text) => ({ text })) });
    await gateway.post(CHAT, { model: texts[0], ...body });
    await gateway.post(CHAT, {
      model: "open",
      messages: texts[0],
      tools: texts[1],
      n: texts[2],
      max_tokens: texts[3],
    });
  }
  const long = MARKERS.map(({ text }) => text)
    .join("\n\n")
    .repeat(60);
  await chat("open", said([long]));
  await chat("hurried", said(MARKERS.map(({ text }) => text)));
  return counts;
}

test.concurrent.each<Mode>(["redact", "mask", "audit"])(
  "errors of every sort (%s)",
  { timeout: SLOW_MS },
  async (mode) => {
    const gateway = await started({ mode });
    const counts = await failEverywhere(gateway);
    const outcomes = [...counts.keys()];
    for (const outcome of [
      ...[
        "refuses 400",
        "breaks 500",
        "garbled 502",
        "tried 200",
        "odd 200",
        "judged 400",
        "judged 200",
        "open 429",
      ],
      ...["open 413", "hurried 504"],
    ]) {
      expect(outcomes).toContain(outcome);
    }
    expect(await leaksOf(gateway, mode, search)).toEqual([]);
  },
);

test.each<Mode>(["redact", "audit"])(
  "clients that leave, and processes that are killed (%s)",
  { timeout: SLOW_MS },
  async (mode) => {
    const gateway = await started({ mode, workers: 2 });
    const { venturi, upstream } = gateway;
    const texts = MARKERS.map(({ text }) => text);

    // A client leaves while its call waits.
    const leaving = new AbortController();
    const left = gateway.post(CHAT, { model: "waits", ...said(texts) }, { signal: leaving.signal });
    await upstream.waitFor(() => upstream.requests.length === 1, SLOW_MS);
    leaving.abort();
    await left;

    const waiting = new AbortController();
    // Gateway processes are killed with calls in flight, one after the other.
    for (const pid of venturi.gateways) {
      const before = upstream.requests.length;
      const asked = groups.slice(0, 4).flatMap((group) =>
        [false, true].map((stream) => {
          const body = {
            model: "waits",
            ...said(group.map(({ text }) => text)),
            stream,
            user: group[0]!.text,
          };
          const headers = { "x-venturi-user": "ada@marker.example", "x-venturi-session": "a conversation" };
          return gateway.post(CHAT, body, { headers, signal: waiting.signal });
        }),
      );
      await upstream.waitFor(() => upstream.requests.length === before + asked.length, SLOW_MS);
      const from = venturi.lines.length;
      process.kill(pid, "SIGKILL");
      // What the other process has is ended with it, when its turn comes.
      await venturi.line(/ended|died|another/, from, SLOW_MS);
    }
    waiting.abort();
    await gateway.answers();

    // The inference process is killed while names are looked for, and similar requests.
    const asking = NAMED.flatMap(({ text }, index) => [
      gateway.post(CHAT, { model: "named", ...said([text]) }),
      gateway.post(CHAT, {
        model: "chat",
        messages: [{ role: "user", content: `${texts[0]} Round ${index}` }],
      }),
    ]);
    const inference = venturi.inference;
    expect(inference).not.toBeNull();
    process.kill(inference!, "SIGKILL");
    await Promise.all(asking);
    await venturi.until(
      () => venturi.inference !== null && venturi.inference !== inference,
      "another inference process",
      SLOW_MS,
    );
    for (const { text } of NAMED) await gateway.post(CHAT, { model: "named", ...said([text]) });

    expect(await leaksOf(gateway, mode, search)).toEqual([]);
  },
);
