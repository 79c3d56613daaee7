// What the account of a call costs its gateway process: opened, noted before it is sent, closed with its row in the ring.
// The supervisor's side of a row is measured by `bench/ledger.ts`.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../../src/config/load.ts";
import { resolveModel } from "../../src/config/models.ts";
import { usageOf } from "../../src/dialects/usage.ts";
import { Account } from "../../src/gateway/account.ts";
import { Alarms } from "../../src/gateway/alarms.ts";
import { Books } from "../../src/gateway/books.ts";
import { Call } from "../../src/gateway/call.ts";
import { type CallEnd, recordRefused } from "../../src/gateway/call_row.ts";
import type { Prepared } from "../../src/gateway/prepare.ts";
import { isSampled, traceIdOf } from "../../src/ledger/trace.ts";
import { clockBase, SteadyClock } from "../../src/memory/clock.ts";
import { AREA_HEAD_WORD, AREA_TAIL_WORD, areaPlaces } from "../../src/memory/layout.ts";
import { mapFile } from "../../src/memory/mapping.ts";
import { EventSink } from "../../src/memory/spill.ts";
import { createState } from "../../src/memory/state.ts";
import type { Task } from "./measure.ts";

const CONFIG = `
providers: { bench: { kind: openai, base_url: "http://127.0.0.1:9/v1", api_keys: [a-providers-key] } }
models:
  chat: { targets: [bench/model], price: { input_per_mtok: 1, output_per_mtok: 2 } }
keys: [{ name: checkout, key: a-clients-key, team: shop }]
telemetry: { traces: { sample: 0.1, slow_ms: 0 } }
`;
const GEOMETRY = { areas: 1, call_slots: 1024 };
/** Rows that fit the ring for certain. */
const ROWS = 2_000;

const END: CallEnd = {
  ...{ status: 200, code: null, finish_reason: "stop", counted_tokens: null, answer: null },
  usage: usageOf({ input_tokens: 270, output_tokens: 40 }),
};
const REFUSED: CallEnd = {
  ...{ status: 401, code: "invalid_api_key", finish_reason: null, counted_tokens: null, usage: null },
};

/** The tasks, in a folder of their own; `end` when they have been measured. */
export function accountTasks(): { readonly tasks: readonly Task[]; end(): void } {
  const loaded = parseConfig(Buffer.from(CONFIG), "bench.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { plan } = loaded;
  const model = resolveModel(plan, "chat")!;
  const folder = mkdtempSync(join(tmpdir(), "venturi-bench-"));
  const state = createState(folder, GEOMETRY, () => {});
  const clock = new SteadyClock(clockBase());
  const sink = new EventSink(folder, state.area(0));
  const books = new Books({ state, index: 0, clock, sink, desk: null, log: () => {} });

  const begun = () => new Call(null, new Request("http://localhost/"), plan, new Alarms(1_000));
  // Of the calls that are kept whole, and of the others, which are most.
  const drawn = (is_sampled: boolean): Call => {
    for (;;) {
      const call = begun();
      if (isSampled(traceIdOf(call.ledger_id, null), 0.1) === is_sampled) return call;
    }
  };
  const [call, sampled, unknown] = [drawn(false), drawn(true), begun()];
  for (const one of [call, sampled]) {
    one.client = plan.keys[0]!;
    one.model = model;
    one.target = model.targets[0]!;
    const times = {
      started_ms: one.arrived_ms + 0.03,
      connected_ms: one.arrived_ms + 0.031,
      first_byte_ms: 0,
    };
    times.first_byte_ms = one.arrived_ms + 0.4;
    one.tries = [{ provider: "bench", model: "model", outcome: "ok", times, ended_ms: one.arrived_ms + 0.5 }];
  }
  for (const one of [call, sampled, unknown]) {
    Object.assign(one, { authenticated_ms: one.arrived_ms + 0.003, body_ms: one.arrived_ms + 0.02 });
    Object.assign(one, { scanned_ms: one.arrived_ms + 0.023, asked_ms: one.arrived_ms + 0.03 });
    Object.assign(one, { connected_ms: one.arrived_ms + 0.031, first_byte_ms: one.arrived_ms + 0.4 });
  }
  const prepared = {
    ...{ model, user: null, has_tokens: true, max_output_tokens: 100, choices: 1, is_stream: false },
    ...{ read_body: new Uint8Array(1_000), watch: null, estimateInput: () => 250 },
  } as unknown as Prepared;

  // Room is made as the supervisor would, but without its work.
  const { words } = mapFile(join(folder, "state"));
  const ends = areaPlaces(GEOMETRY, 0).header >> 2;
  let rows = 0;
  const makeRoom = () => {
    rows += 1;
    if (rows % ROWS === 0) words[ends + AREA_HEAD_WORD] = words[ends + AREA_TAIL_WORD]!;
  };
  const answer = (one: Call) => {
    makeRoom();
    const account = new Account(one, prepared, books);
    account.reserve();
    account.sending(model, one.target!);
    return account.close(END);
  };
  const of = (name: string, run: () => unknown): Task => ({ text: "a call", name, bytes: 0, run });
  return {
    tasks: [
      of("answered", () => answer(call)),
      of("answered, traced", () => answer(sampled)),
      of("refused", () => {
        makeRoom();
        return recordRefused(unknown, REFUSED, books);
      }),
    ],
    end: () => rmSync(folder, { recursive: true, force: true }),
  };
}
