// A process that writes rows as a supervisor does, until it is killed: it says of every batch when it is written, and it begins
// with batches that may be there already, as a ring that was not released would have it do.

import { parseConfig } from "../../src/config/load.ts";
import { writeRow } from "../../src/ledger/row_line.ts";
import { startLedgerWriter } from "../../src/supervisor/accounts/ledger_writer.ts";
import { drawnRow, randomFrom } from "./store/rows.ts";

/** Rows of a batch, and batches that are under way at once. */
export const BATCH_ROWS = 25;
const UNDER_WAY = 3;
/** It ends by itself after so long. */
const LIFE_MS = 30_000;

/** The rows of a batch: the same for the same number. */
export function batchOf(number: number): string[] {
  const random = randomFrom(number + 1);
  return Array.from({ length: BATCH_ROWS }, (_, index) => {
    const time = Date.UTC(2026, 10, 24) + Math.floor(random() * 2 * 86_400_000);
    const row = { ...drawnRow(random, time), id: `${number}-${index}`, request_id: `${number}-${index}` };
    return writeRow(row);
  });
}

if (import.meta.main) {
  // Whoever started it may be gone.
  setTimeout(() => process.exit(3), LIFE_MS).unref();
  const [folder = "", yaml = "", first = "0", last = "0"] = process.argv.slice(2);
  const loaded = parseConfig(Buffer.from(yaml), "test.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const writer = startLedgerWriter({ folder, config: loaded.config, log: () => {} });
  let next = Number(first);
  const write = async () => {
    while (next < Number(last)) {
      const number = next++;
      await writer.write(Buffer.from(batchOf(number).join("\n")));
      process.stdout.write(`${number}\n`);
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, write));
  await writer.close();
  process.stdout.write("closed\n");
  process.exit(0);
}
