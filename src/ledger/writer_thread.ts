// The thread that the ledger is written in: SQLite's waits for the disk are nobody else's. It obeys the orders that come as messages.
// Its handle is in the supervisor; the rows that it is given stay where they came from until it says that they are on the disk.

import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { basename } from "node:path";
import type { LedgerStoreStatus } from "../memory/host_facts.ts";
import { linesIn } from "./row_reader.ts";
import type { LedgerSettings } from "./settings.ts";
import { Writer } from "./writer.ts";

/** What the thread is told. */
export type Order =
  | { readonly kind: "open"; readonly folder: string; readonly settings: LedgerSettings }
  | { readonly kind: "write"; readonly batch: number; readonly lines: Uint8Array }
  | { readonly kind: "flush"; readonly flush: number }
  | { readonly kind: "configure"; readonly settings: LedgerSettings }
  | { readonly kind: "close" };

/** What the thread tells. */
export type Report =
  | { readonly kind: "opened"; readonly fault: string | null }
  | { readonly kind: "written"; readonly batch: number }
  | { readonly kind: "flushed"; readonly flush: number }
  | { readonly kind: "status"; readonly status: LedgerStoreStatus | null }
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "shifts"; readonly count: number; readonly news: readonly string[] }
  | { readonly kind: "closed" };

declare const self: Worker;

/**
 * How much this thread stands back (`nice`): where it shares a processor with calls, it gets a quarter of it, not half. Rows come in
 * bursts of milliseconds, for which those calls would wait.
 */
const NICENESS = 5;

function standBack(): void {
  try {
    setPriority(Number(basename(readlinkSync("/proc/thread-self"))), NICENESS);
  } catch {
    // Only Linux has threads of different priority, and whoever runs it may forbid it.
  }
}

const tell = (report: Report) => self.postMessage(report);
let writer: Writer | null = null;

self.onmessage = async ({ data: order }: MessageEvent<Order>) => {
  switch (order.kind) {
    case "open": {
      const { folder, settings } = order;
      const log = (line: string) => tell({ kind: "log", line });
      const onStatus = (status: LedgerStoreStatus | null) => tell({ kind: "status", status });
      const onShifts = (count: number, news: readonly string[]) => tell({ kind: "shifts", count, news });
      const opened = Writer.open({ folder, settings, log, onStatus, onShifts });
      if (opened instanceof Writer) writer = opened;
      standBack();
      tell({ kind: "opened", fault: opened instanceof Writer ? null : opened.fault });
      return;
    }
    case "write":
      if (writer === null) return;
      await writer.write(linesIn(order.lines));
      tell({ kind: "written", batch: order.batch });
      return;
    case "flush":
      await writer?.flush();
      tell({ kind: "flushed", flush: order.flush });
      return;
    case "configure":
      writer?.configure(order.settings);
      return;
    case "close":
      await writer?.close();
      writer = null;
      tell({ kind: "closed" });
      self.onmessage = null;
      return;
  }
};
