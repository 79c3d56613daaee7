// The simulator keeps the promises of the exchange interface: order, pause, abort, uploads and time limits.
// The handler here writes down every call, so that what must not come is seen too.

import { describe, expect, test } from "vitest";
import type { Exchange, ExchangeHandler, UploadBody } from "../../src/upstream/exchange.ts";
import { createSimClient } from "../../src/upstream/sim/client.ts";
import { askRequest, simRequest } from "./sim_ask.ts";

const CHAT = "/v1/chat/completions";
const MESSAGES = [{ role: "user", content: "one two three four five" }];
const STREAM = { model: "echo", messages: MESSAGES, stream: true };
/** Events of `STREAM`: role, five words, finish, `[DONE]`. */
const STREAM_EVENTS = 8;

/** A handler that writes down what it is told; `on` may act in the middle of it. */
function recorder(on: (what: string, log: readonly string[]) => void = () => {}): {
  handler: ExchangeHandler;
  log: string[];
  ended: Promise<void>;
} {
  const log: string[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const tell = (what: string): void => {
    log.push(what);
    on(what, log);
    if (what === "end" || what.startsWith("error")) resolve();
  };
  const handler: ExchangeHandler = {
    onHead: (head) => tell(`head ${head.status}`),
    onData: () => tell("data"),
    onEnd: () => tell("end"),
    onError: (error) => tell(`error ${error.failure}`),
  };
  return { handler, log, ended };
}

/** Lets everything run that is due, timers of no delay included. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

const WHOLE = ["head 200", ...Array(STREAM_EVENTS).fill("data"), "end"];

describe("order", () => {
  test("nothing is told before exchange has returned", async () => {
    const { handler, log, ended } = recorder();
    const exchange = createSimClient().exchange(simRequest(CHAT, STREAM), handler);
    expect(log).toEqual([]);
    expect(exchange.reused).toBe(false);
    expect(exchange.times).toMatchObject({ first_byte_ms: 0 });
    await ended;
    expect(log).toEqual(WHOLE);
    const { started_ms, connected_ms, first_byte_ms } = exchange.times;
    expect(started_ms).toBeLessThanOrEqual(connected_ms);
    expect(connected_ms).toBeLessThanOrEqual(first_byte_ms);
  });

  test("a long stream lets others run in between", async () => {
    const { handler, log, ended } = recorder();
    const body = { model: "lorem", messages: MESSAGES, stream: true, max_tokens: 2000 };
    createSimClient().exchange(simRequest(CHAT, body), handler);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(log.length).toBeLessThan(1000);
    await ended;
    expect(log.length).toBe(2000 + 5);
  });

  test("a closed client still ends what is under way", async () => {
    const client = createSimClient();
    const { handler, log, ended } = recorder();
    client.exchange(simRequest(CHAT, STREAM), handler);
    client.close();
    await ended;
    expect(log).toEqual(WHOLE);
  });
});

describe("abort", () => {
  test("before anything was told", async () => {
    const { handler, log } = recorder();
    createSimClient().exchange(simRequest(CHAT, STREAM), handler).abort();
    await settle();
    expect(log).toEqual([]);
  });

  test.each(WHOLE.map((_, index) => index))(
    "in the middle of callback %d, after which nothing comes",
    async (index) => {
      let exchange: Exchange | null = null;
      const { handler, log } = recorder((_what, so_far) => {
        if (so_far.length === index + 1) exchange?.abort();
      });
      exchange = createSimClient().exchange(simRequest(CHAT, STREAM), handler);
      await settle();
      expect(log).toEqual(WHOLE.slice(0, index + 1));
      exchange.abort();
      exchange.resume();
    },
  );

  test("ends what hangs, and what is slow", async () => {
    for (const model of ["hang", "slow"]) {
      const { handler, log } = recorder();
      const exchange = createSimClient().exchange(
        simRequest(CHAT, { model, messages: MESSAGES }, { total_ms: 20 }),
        handler,
      );
      await settle();
      exchange.abort();
      await new Promise((resolve) => setTimeout(resolve, 40));
      expect(log).toEqual([]);
    }
  });
});

describe("what goes wrong on our side", () => {
  test("a handler that throws is told so, once", async () => {
    for (const bad of ["head 200", "data"]) {
      const { handler, log, ended } = recorder((what) => {
        if (what === bad) throw new Error("a bug");
      });
      createSimClient().exchange(simRequest(CHAT, STREAM), handler);
      await ended;
      await settle();
      expect(log.at(-1)).toBe("error handler");
      expect(log.filter((what) => what === bad).length).toBe(1);
    }
  });

  test("JSON nested too deeply to be written again fails the exchange", async () => {
    const deep = `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`;
    const tools = `[{"type":"function","function":{"name":"f","parameters":${deep}}}]`;
    const body = `{"model":"echo","messages":${JSON.stringify(MESSAGES)},"tools":${tools}}`;
    const told = await askRequest(simRequest(CHAT, body));
    expect(told.error?.failure ?? told.status).toSatisfy((end) => end === "bad_response" || end === 400);
  });
});

describe("pause", () => {
  test.each(WHOLE.slice(0, -1).map((_, index) => index))(
    "in the middle of callback %d, resumed later",
    async (index) => {
      let exchange: Exchange | null = null;
      const { handler, log, ended } = recorder((_what, so_far) => {
        if (so_far.length === index + 1) exchange?.pause();
      });
      exchange = createSimClient().exchange(simRequest(CHAT, STREAM), handler);
      await settle();
      expect(log).toEqual(WHOLE.slice(0, index + 1));
      exchange.resume();
      exchange.resume();
      expect(log.length).toBe(index + 1);
      await ended;
      expect(log).toEqual(WHOLE);
    },
  );

  test("before the head, and to and fro", async () => {
    const { handler, log, ended } = recorder();
    const exchange = createSimClient().exchange(simRequest(CHAT, STREAM), handler);
    exchange.pause();
    await settle();
    expect(log).toEqual([]);
    exchange.resume();
    exchange.pause();
    await settle();
    expect(log).toEqual([]);
    exchange.resume();
    exchange.pause();
    exchange.resume();
    await ended;
    expect(log).toEqual(WHOLE);
  });

  test("holds a slow stream without losing or doubling a word", async () => {
    let exchange: Exchange | null = null;
    const { handler, log, ended } = recorder((what) => {
      if (what !== "data") return;
      exchange?.pause();
      setTimeout(() => exchange?.resume(), 1);
    });
    const body = { model: "slow", messages: MESSAGES, stream: true, max_tokens: 3 };
    exchange = createSimClient().exchange(simRequest(CHAT, body), handler);
    await ended;
    expect(log).toEqual(["head 200", ...Array(6).fill("data"), "end"]);
  });

  test("does not stop the limit on the whole", async () => {
    const { handler, log, ended } = recorder();
    const exchange = createSimClient().exchange(simRequest(CHAT, STREAM, { total_ms: 5 }), handler);
    exchange.pause();
    await ended;
    expect(log).toEqual(["error total_timeout"]);
  });
});

describe("request bodies", () => {
  const bytes = Buffer.from(
    JSON.stringify({ model: "echo", messages: [{ role: "user", content: "Grüße" }] }),
  );
  const stream_of = (chunks: readonly Uint8Array[]): UploadBody => ({
    stream: new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    }),
    length: null,
  });

  test("in parts, cut anywhere, give the same answer as whole", async () => {
    const whole = await askRequest({ ...simRequest(CHAT, {}), body: [bytes] });
    expect(whole.text).toContain("Grüße");
    for (let cut = 0; cut <= bytes.length; cut++) {
      const body = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect((await askRequest({ ...simRequest(CHAT, {}), body })).text).toBe(whole.text);
    }
    const upload = stream_of([...bytes].map((byte) => Uint8Array.of(byte)));
    expect((await askRequest({ ...simRequest(CHAT, {}), body: upload })).text).toBe(whole.text);
  });

  test("that are missing or empty are no JSON", async () => {
    for (const body of [null, [], stream_of([])]) {
      const told = await askRequest({ ...simRequest(CHAT, {}), body });
      expect(told.status).toBe(400);
    }
  });

  test("over 64 MiB are refused, and reading stops there", async () => {
    const mebibyte = new Uint8Array(1024 * 1024);
    let pulled = 0;
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(mebibyte);
      },
      cancel() {
        cancelled = true;
      },
    });
    const told = await askRequest({ ...simRequest(CHAT, {}), body: { stream, length: null } });
    expect(told.status).toBe(413);
    expect(cancelled).toBe(true);
    expect(pulled).toBeLessThan(70);
    const parts = Array<Uint8Array>(65).fill(mebibyte);
    expect((await askRequest({ ...simRequest(CHAT, {}), body: parts })).status).toBe(413);
  });

  test("that fail while they are read fail the exchange", async () => {
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error("the client went away"));
      },
    });
    const told = await askRequest({ ...simRequest(CHAT, {}), body: { stream, length: 9 } });
    expect([told.status, told.error?.failure]).toEqual([0, "upload"]);
  });

  test("that are still being read are given up on abort and on a time limit", async () => {
    for (const total_ms of [0, 5]) {
      const { promise: cancelled, resolve } = Promise.withResolvers<void>();
      const stream = new ReadableStream<Uint8Array>({ cancel: () => resolve() });
      const { handler, log } = recorder();
      const request = { ...simRequest(CHAT, {}, { total_ms }), body: { stream, length: null } };
      const exchange = createSimClient().exchange(request, handler);
      await Promise.resolve();
      if (total_ms === 0) exchange.abort();
      await cancelled;
      expect(log).toEqual(total_ms === 0 ? [] : ["error total_timeout"]);
    }
  });
});
