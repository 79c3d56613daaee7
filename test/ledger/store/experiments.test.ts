// What is told of tests and shadows is what their rows say.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NO_USAGE } from "../../../src/dialects/usage.ts";
import type { LedgerRow } from "../../../src/ledger/row.ts";
import { writeRow } from "../../../src/ledger/row_line.ts";
import { meanOf, quantileOf, shareOf } from "../../../src/ledger/statistics.ts";
import { type ExperimentsQuery, experimentsJson } from "../../../src/ledger/store/experiments.ts";
import { type OpenLedger, onEveryEngine } from "./engines.ts";
import { ledgerRow, randomFrom } from "./rows.ts";

const NOW = Date.UTC(2026, 10, 26, 6, 30);
/** A call of an arm. */
function armRow(model: string, took_ms: number, changes: Partial<LedgerRow> = {}): LedgerRow {
  return ledgerRow({
    ...{ time: NOW, cache: "bypass", routing: { route: "ab", model, split: true } },
    ...{ timings_us: { total: took_ms * 1_000 }, ...changes },
  });
}

onEveryEngine((engine) => {
  let ledger: OpenLedger;
  beforeEach(async () => {
    ledger = await engine.open();
  });
  afterEach(() => ledger.close());

  const write = (rows: readonly LedgerRow[]) => ledger.write(rows.map(writeRow), NOW);
  const read = (query: Partial<ExperimentsQuery> = {}) =>
    ledger.reader.experiments({ since_ms: NOW - 86_400_000, until_ms: NOW + 1, ...query });

  describe("a split", () => {
    test("is told arm by arm, as the rows say", async () => {
      const random = randomFrom(3);
      const took_ms = Array.from({ length: 200 }, () => Math.round(100 + 900 * random()));
      const cheap = took_ms.map((ms, index) =>
        armRow("cheap", ms, {
          ...{ cost_nano_usd: 1_000 + index, error: index < 10 ? "upstream_error" : null },
          ...{ refusal: index >= 190, finish_reason: index >= 180 ? "length" : "stop" },
          usage: { ...NO_USAGE, output_tokens: index },
        }),
      );
      const dear = took_ms.map((ms) => armRow("dear", 2 * ms, { cost_nano_usd: null, status: 200 }));
      await write([...cheap, ...dear]);
      const { experiments, is_cut } = await read();
      expect(is_cut).toBe(false);
      const [{ kind, name, agreement, arms }] = experiments as [(typeof experiments)[0]];
      expect({ kind, name, agreement }).toEqual({ kind: "split", name: "ab", agreement: null });
      const answered = took_ms.slice(10);
      expect(arms).toEqual([
        {
          ...{ name: "cheap", calls: 200, errors: shareOf(10, 200) },
          ...{ refusals: shareOf(10, 190), cut: shareOf(20, 190) },
          ...{ p50_ms: quantileOf(answered, 0.5), p95_ms: quantileOf(answered, 0.95) },
          output_tokens: meanOf(answered.map((_, index) => index + 10)),
          cost_nano_usd: meanOf(took_ms.map((_, index) => 1_000 + index)),
        },
        {
          ...{ name: "dear", calls: 200, errors: shareOf(0, 200) },
          ...{ refusals: shareOf(0, 200), cut: shareOf(0, 200) },
          p50_ms: quantileOf(
            took_ms.map((ms) => 2 * ms),
            0.5,
          ),
          p95_ms: quantileOf(
            took_ms.map((ms) => 2 * ms),
            0.95,
          ),
          ...{ output_tokens: meanOf(new Array(200).fill(20)), cost_nano_usd: null },
        },
      ]);
    });

    test("does not count what says nothing of it: other calls, kept answers, clients that left, other times", async () => {
      await write([
        armRow("cheap", 10),
        armRow("cheap", 10, { cache: "hit" }),
        armRow("cheap", 10, { error: "client_closed", status: 499 }),
        armRow("cheap", 10, { time: NOW - 2 * 86_400_000 }),
        ledgerRow({ time: NOW }),
        ledgerRow({ time: NOW, routing: { route: "plain", model: "cheap" } }),
        // What a client says cannot make a call one of a test.
        ledgerRow({ time: NOW, tags: { x: '"split":true' } }),
      ]);
      const { experiments } = await read();
      expect(experiments.map(({ name, arms }) => [name, arms.map(({ calls }) => calls)])).toEqual([
        ["ab", [1]],
      ]);
      expect((await read({ route: "other" })).experiments).toEqual([]);
      expect((await read({ route: "ab" })).experiments).toHaveLength(1);
    });
  });

  test("a shadow is told beside the same calls of its model, with how much both agree", async () => {
    const own = Array.from({ length: 40 }, (_, index) =>
      ledgerRow({
        ...{ time: NOW, model: "chat", cost_nano_usd: 10, cache: "miss" },
        timings_us: { total: index },
      }),
    );
    const shadows = own.map(({ id }, index) =>
      ledgerRow({
        ...{ time: NOW, tenant: "shadow/acme", model: "candidate", cost_nano_usd: 30, refusal: index === 0 },
        shadow: { of: id, agreement: (index % 4) / 4, of_refused: index < 2 },
      }),
    );
    // A call without a shadow, and a shadow whose call is not there any more.
    const lost = ledgerRow({ time: NOW, shadow: { of: "gone", agreement: 1, of_refused: false } });
    await write([...own, ledgerRow({ time: NOW, model: "chat" }), ...shadows, lost]);
    const { experiments } = await read();
    expect(experiments).toHaveLength(1);
    expect(experiments[0]).toMatchObject({
      ...{ kind: "shadow", name: "chat", agreement: meanOf(own.map((_, index) => (index % 4) / 4)) },
      arms: [
        { name: "chat", calls: 40, refusals: shareOf(2, 40), cost_nano_usd: { value: 10 } },
        { name: "candidate", calls: 40, refusals: shareOf(1, 40), cost_nano_usd: { value: 30 } },
      ],
    });
  });

  test("an empty ledger has none, and figures are told in dollars", async () => {
    expect((await read()).experiments).toEqual([]);
    await write([armRow("cheap", 1, { cost_nano_usd: 1e9 }), armRow("cheap", 1, { cost_nano_usd: 3e9 })]);
    expect(experimentsJson(await read())).toMatchObject({
      ...{ object: "list", is_cut: false },
      data: [{ name: "ab", arms: [{ name: "cheap", calls: 2, cost_usd: { value: 2 } }] }],
    });
  });
});
