// The commands that read the ledger, as a user runs them: processes of their own, in a folder of their own.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { writeRow } from "../../src/ledger/row_line.ts";
import { Writer } from "../../src/ledger/writer.ts";

const MAIN = resolve(import.meta.dirname, "../../src/main.ts");

/** What a command said, and its exit code. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A folder with a ledger. */
export class LedgerFolder {
  readonly path = mkdtempSync(join(tmpdir(), "venturi-"));
  #writer: Writer | null = null;

  /** Writes rows into the ledger of `data`, which it makes. */
  async write(rows: readonly LedgerRow[], data = "data"): Promise<void> {
    if (this.#writer === null) {
      const settings = {
        ledger: { store: "sqlite", retention_days: 400, max_mb: 100 },
        alerts: null,
        budgets: [],
        watches_quality: true,
        otlp: null,
      };
      const opened = Writer.open({ folder: join(this.path, data), settings, log: () => {} });
      if (!(opened instanceof Writer)) throw new Error(opened.fault);
      this.#writer = opened;
    }
    await this.#writer.write(rows.map(writeRow));
  }

  /** Closes the ledger, as when the gateway is stopped. */
  async stopWriting(): Promise<void> {
    await this.#writer?.close();
    this.#writer = null;
  }

  config(text: string): void {
    writeFileSync(join(this.path, "venturi.yaml"), text);
  }

  spawn(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    return Bun.spawn([process.execPath, MAIN, ...args], {
      cwd: this.path,
      env: { PATH: process.env["PATH"] ?? "", ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
    const child = this.spawn(args, env);
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, out, err };
  }

  async remove(): Promise<void> {
    await this.stopWriting();
    rmSync(this.path, { recursive: true });
  }
}
