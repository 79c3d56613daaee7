// Pumps: in order, one at a time, and as long as it takes.

import { afterEach, expect, test } from "vitest";
import { type Outcome, type Piece, Pump } from "../../../src/ledger/delivery/pump.ts";
import { postJson } from "../../../src/ledger/delivery/webhook.ts";
import { HookServer } from "./hook_server.ts";

const PATIENCE = { first_ms: 1, most_ms: 4, lasting_ms: 60_000 };
const passing: Outcome = { ok: false, fault: "it rains", is_lasting: false, retry_after_ms: null };
const lasting: Outcome = { ok: false, fault: "it answered 400", is_lasting: true, retry_after_ms: null };

/** Pieces from a list, delivered with outcomes from another; what arrived, and a promise for the end of the list. */
function pieces(count: number, outcomes: Outcome[]) {
  const arrived: number[] = [];
  const tried: number[] = [];
  const all = Promise.withResolvers<void>();
  let place = 0;
  const next = (): Piece | null => {
    const number = place;
    if (number >= count) return null;
    return {
      what: `piece ${number}`,
      deliver: async () => {
        tried.push(number);
        return outcomes.shift() ?? { ok: true };
      },
      done: () => {
        arrived.push(number);
        place += 1;
        if (place === count) all.resolve();
      },
    };
  };
  return { next, arrived, tried, all: all.promise };
}

let pump: Pump | null = null;
let server: HookServer | null = null;
afterEach(async () => {
  await pump?.stop();
  await server?.stop();
  pump = null;
  server = null;
});

test("a piece that fails is tried again before the next, and what happened is said", async () => {
  const list = pieces(3, [{ ok: true }, passing, passing]);
  const said: string[] = [];
  pump = new Pump({ name: "hook", next: list.next, log: (line) => said.push(line), patience: PATIENCE });
  pump.wake();
  pump.wake();
  await list.all;
  expect(list.tried).toEqual([0, 1, 1, 1, 2]);
  expect(list.arrived).toEqual([0, 1, 2]);
  expect(said[0]).toBe("hook: piece 1 not delivered (it rains); next try in 1 s");
  expect(said.at(-1)).toBe("hook: piece 1 delivered after 3 tries");
});

test("a failure that lasts waits long, until somebody changes something", async () => {
  const list = pieces(1, [lasting]);
  const { promise, resolve } = Promise.withResolvers<string>();
  pump = new Pump({ name: "hook", next: list.next, log: resolve, patience: PATIENCE });
  pump.wake();
  expect(await promise).toBe("hook: piece 0 not delivered (it answered 400); next try in 60 s");
  pump.wake();
  expect(list.arrived).toEqual([]);
  pump.hurry();
  await list.all;
});

test("a pump that is stopped does not wait for its next try, and takes nothing up again", async () => {
  const list = pieces(1, [lasting]);
  const { promise, resolve } = Promise.withResolvers<string>();
  pump = new Pump({ name: "hook", next: list.next, log: resolve, patience: PATIENCE });
  pump.wake();
  await promise;
  await pump.stop();
  pump.wake();
  expect(list.tried).toEqual([0]);
});

test("a fault of what gives the pieces is said, and the pump goes on when it is woken", async () => {
  const list = pieces(1, []);
  const said = Promise.withResolvers<string>();
  let is_broken = true;
  const next = () => {
    if (is_broken) throw new Error("the disk is full");
    return list.next();
  };
  pump = new Pump({ name: "hook", next, log: said.resolve, patience: PATIENCE });
  pump.wake();
  expect(await said.promise).toBe("hook: the disk is full");
  is_broken = false;
  // The end of the first run is a step behind its message.
  await new Promise((resolve) => setImmediate(resolve));
  pump.wake();
  await list.all;
});

test.each([
  [{ status: 204 }, { ok: true }],
  [{ status: 500 }, { is_lasting: false, fault: "it answered 500" }],
  [{ status: 408 }, { is_lasting: false }],
  [
    { status: 429, headers: { "retry-after": "7" } },
    { is_lasting: false, retry_after_ms: 7000 },
  ],
  [{ status: 400 }, { is_lasting: true, fault: "it answered 400" }],
  [{ status: 410 }, { is_lasting: true }],
  [
    { status: 301, headers: { location: "/elsewhere" } },
    { is_lasting: true, fault: "it answered 301" },
  ],
] as const)("an answer of %j means %j", async (answer, meaning) => {
  server = new HookServer();
  server.answers.push(answer);
  const outcome = await postJson(server.url, '{"a":1}', new AbortController().signal);
  expect(outcome).toMatchObject(meaning);
  expect(server.posted).toEqual([{ a: 1 }]);
});

test("a server that is not there may be there later", async () => {
  server = new HookServer();
  const { url } = server;
  await server.stop();
  server = null;
  const outcome = await postJson(url, "{}", new AbortController().signal);
  expect(outcome).toMatchObject({ ok: false, is_lasting: false, retry_after_ms: null });
});
