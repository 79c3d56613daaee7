// Who is logged in to the dashboard. A session is a random token that its browser alone knows: here is its hash, mixed with the
// admin token's, so that sessions end when that is changed. They are in a file, so that a restart logs nobody out.

import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

/** How long a session lasts. */
export const SESSION_MS = 12 * 3_600_000;
/** Sessions at once; one more ends the oldest. */
const SESSIONS_MAX = 100;
/** How long the code of a link may be used, once. */
const CODE_MS = 5 * 60_000;
const CODES_MAX = 20;

const FILE = "dashboard-sessions.json";
const file_schema = z.array(z.strictObject({ hash: z.string(), ends_ms: z.number() }));

/** The sessions of a data folder. */
export class Sessions {
  readonly #path: string;
  /** The admin token; null where none is configured. */
  readonly #token: () => string | null;
  readonly #ends_ms = new Map<string, number>();
  /** Codes of links, by their hash. */
  readonly #codes = new Map<string, number>();

  constructor(folder: string, token: () => string | null) {
    this.#path = join(folder, FILE);
    this.#token = token;
    for (const { hash, ends_ms } of readSessions(this.#path)) this.#ends_ms.set(hash, ends_ms);
  }

  /** Begins a session: what its browser is to show from now on. */
  begin(now_ms: number): string {
    const secret = randomBytes(32).toString("base64url");
    for (const [hash, ends_ms] of this.#ends_ms) if (ends_ms <= now_ms) this.#ends_ms.delete(hash);
    for (const hash of this.#ends_ms.keys()) {
      if (this.#ends_ms.size < SESSIONS_MAX) break;
      this.#ends_ms.delete(hash);
    }
    this.#ends_ms.set(this.#hash(secret), now_ms + SESSION_MS);
    this.#write();
    return secret;
  }

  /** Whether a browser shows a session that has not ended. */
  has(secret: string, now_ms: number): boolean {
    return (this.#ends_ms.get(this.#hash(secret)) ?? 0) > now_ms;
  }

  end(secret: string): void {
    if (this.#ends_ms.delete(this.#hash(secret))) this.#write();
  }

  /** A code that can be exchanged for a session, once and soon. */
  makeCode(now_ms: number): string {
    const code = randomBytes(32).toString("base64url");
    for (const [hash, ends_ms] of this.#codes)
      if (ends_ms <= now_ms || this.#codes.size >= CODES_MAX) this.#codes.delete(hash);
    this.#codes.set(this.#hash(code), now_ms + CODE_MS);
    return code;
  }

  /** Uses a code up: whether it was one. */
  takeCode(code: string, now_ms: number): boolean {
    const hash = this.#hash(code);
    const ends_ms = this.#codes.get(hash) ?? 0;
    this.#codes.delete(hash);
    return ends_ms > now_ms;
  }

  #hash(secret: string): string {
    return new Bun.CryptoHasher("sha256", this.#token() ?? "").update(secret).digest("hex");
  }

  /** Without the file, sessions end with the process. */
  #write(): void {
    const sessions = [...this.#ends_ms].map(([hash, ends_ms]) => ({ hash, ends_ms }));
    try {
      writeFileSync(`${this.#path}.new`, JSON.stringify(sessions), { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    } catch {
      // A full or read-only disk is told by whoever needs it more.
    }
  }
}

function readSessions(path: string): z.infer<typeof file_schema> {
  try {
    return file_schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return [];
  }
}
