// The sessions of this process that a client can come back to. A token names one: this process, and a secret.

import { randomBytes, timingSafeEqual } from "node:crypto";
import type { ClientKey } from "../../config/plan.ts";
import type { Calling, Visitor } from "./calling.ts";
import { ChatSession } from "./chat_session.ts";
import type { Codec } from "./codec.ts";
import { type ReplayBudget, ReplayLog } from "./replay_log.ts";

/** What the logs of all sessions of a process may hold together. */
const LOGS_MAX_BYTES = 256 * 1024 * 1024;
const SECRET_BYTES = 32;

/** The name of a process among those of a data folder: its number, and which of its gateways. */
export type ProcessName = string;

/** What a token says. */
export interface ReadToken {
  readonly process: ProcessName;
  readonly token: string;
}

/** Reads a token; null: it is none. */
export function readToken(token: string): ReadToken | null {
  const process = /^(\d{1,10}-\d{1,6})\.[A-Za-z0-9_-]{43}$/.exec(token)?.[1];
  return process === undefined ? null : { process, token };
}

/** The sessions of a process. */
export class ResumableSessions {
  readonly #process: ProcessName;
  readonly #by_token = new Map<string, ChatSession>();
  readonly #budget: ReplayBudget = { max_bytes: LOGS_MAX_BYTES, used_bytes: 0 };

  constructor(process: ProcessName) {
    this.#process = process;
  }

  get all(): Iterable<ChatSession> {
    return this.#by_token.values();
  }

  /** A new session that outlives its socket by so many milliseconds. */
  open(visitor: Visitor, codec: Codec, calling: Calling, hold_ms: number): ChatSession {
    const token = `${this.#process}.${randomBytes(SECRET_BYTES).toString("base64url")}`;
    const log = new ReplayLog(calling.plan.listen.websocket.resume_bytes, this.#budget);
    const forget = () => void this.#by_token.delete(token);
    const session = new ChatSession(visitor, codec, calling, { token, hold_ms, log, forget });
    this.#by_token.set(token, session);
    return session;
  }

  /** The session of a token, for the key that has opened it; null: there is none. */
  find(token: string, client: Pick<ClientKey, "hash">): ChatSession | null {
    const session = this.#by_token.get(token);
    if (session === undefined || !timingSafeEqual(session.visitor.client.hash, client.hash)) return null;
    return session;
  }

  /** Ends those that wait for their clients. */
  close(): void {
    for (const session of [...this.#by_token.values()]) session.end();
  }
}
