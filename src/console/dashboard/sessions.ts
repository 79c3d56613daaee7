// Who is logged in to the dashboard, and whether they may see what calls said. A session is a random token that its browser alone
// knows: here is its hash, mixed with the tokens of the admin API that it stands for, so that sessions end when those are changed.
// They are in a file, so that a restart logs nobody out.

import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { AdminRank } from "../../access/client_keys.ts";

/** How long a session lasts. */
export const SESSION_MS = 12 * 3_600_000;
/** Sessions at once; one more ends the oldest. */
const SESSIONS_MAX = 100;
/** How long the code of a link may be used, once. */
const CODE_MS = 5 * 60_000;
const CODES_MAX = 20;

const FILE = "dashboard-sessions.json";
const file_schema = z.array(z.strictObject({ hash: z.string(), ends_ms: z.number() }));

/** The tokens of the admin API; null for one that is not configured. */
export interface AdminTokens {
  token(): string | null;
  content_token(): string | null;
}

/** The higher rank first: it is all that the other is. */
const RANKS: readonly AdminRank[] = ["content", "admin"];

/** The sessions of a data folder. */
export class Sessions {
  readonly #path: string;
  readonly #tokens: AdminTokens;
  readonly #ends_ms = new Map<string, number>();
  /** Codes of links, by their hash. */
  readonly #codes = new Map<string, number>();

  constructor(folder: string, tokens: AdminTokens) {
    this.#path = join(folder, FILE);
    this.#tokens = tokens;
    for (const { hash, ends_ms } of readSessions(this.#path)) this.#ends_ms.set(hash, ends_ms);
  }

  /** Begins a session: what its browser is to show from now on. */
  begin(rank: AdminRank, now_ms: number): string {
    const secret = randomBytes(32).toString("base64url");
    for (const [hash, ends_ms] of this.#ends_ms) if (ends_ms <= now_ms) this.#ends_ms.delete(hash);
    for (const hash of this.#ends_ms.keys()) {
      if (this.#ends_ms.size < SESSIONS_MAX) break;
      this.#ends_ms.delete(hash);
    }
    this.#ends_ms.set(this.#hash(secret, rank), now_ms + SESSION_MS);
    this.#write();
    return secret;
  }

  /** What a session that a browser shows may do; null where it is none, or has ended. */
  rankOf(secret: string, now_ms: number): AdminRank | null {
    return RANKS.find((rank) => (this.#ends_ms.get(this.#hash(secret, rank)) ?? 0) > now_ms) ?? null;
  }

  end(secret: string): void {
    const ended = RANKS.filter((rank) => this.#ends_ms.delete(this.#hash(secret, rank)));
    if (ended.length > 0) this.#write();
  }

  /** A code that can be exchanged for a session, once and soon. */
  makeCode(rank: AdminRank, now_ms: number): string {
    const code = randomBytes(32).toString("base64url");
    for (const [hash, ends_ms] of this.#codes)
      if (ends_ms <= now_ms || this.#codes.size >= CODES_MAX) this.#codes.delete(hash);
    this.#codes.set(this.#hash(code, rank), now_ms + CODE_MS);
    return code;
  }

  /** Uses a code up: the rank of its session; null where it was none. */
  takeCode(code: string, now_ms: number): AdminRank | null {
    const rank = RANKS.find((one) => (this.#codes.get(this.#hash(code, one)) ?? 0) > now_ms) ?? null;
    for (const one of RANKS) this.#codes.delete(this.#hash(code, one));
    return rank;
  }

  #hash(secret: string, rank: AdminRank): string {
    const { token, content_token } = this.#tokens;
    const mixed = new Bun.CryptoHasher("sha256", token() ?? "").update(secret);
    if (rank === "content") mixed.update(`\ncontent\n${content_token() ?? ""}`);
    return mixed.digest("hex");
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
