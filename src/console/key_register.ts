// Where keys are changed, and where that is recorded: in the data folder, or in a database that hosts share. Either way a change is
// checked against the newest state, recorded, and only then made, so that two operators at once cannot undo each other.

import { hostname } from "node:os";
import type { KeyRecord } from "../access/key_record.ts";
import type { KeyStore } from "../access/key_store.ts";
import type { SharedKeys } from "../access/shared/shared_keys.ts";
import { GatewayError } from "../errors.ts";
import { DatabaseFault } from "../postgres/fault.ts";
import type { AuditEvent } from "./audit/line.ts";
import { appendAudit } from "./audit/log.ts";
import { appendShared } from "./audit/shared_log.ts";

/** What a change may do. */
export interface KeyChange {
  put(record: KeyRecord): void;
  /** Writes what is done into the audit log. */
  record(event: AuditEvent, now_ms: number): void;
}

/** Where keys are changed. */
export interface KeyRegister {
  /** What they are read from. */
  readonly store: KeyStore;
  /** Makes a change, or as many as belong together; all of it, or none. */
  change<T>(action: (change: KeyChange) => T): Promise<T | GatewayError>;
}

/** The keys of a data folder alone. */
export function ownRegister(store: KeyStore, data: string): KeyRegister {
  return {
    store,
    change: async (action) =>
      store.change((writer) =>
        action({
          put: (record) => writer.put(record),
          record: (event, now_ms) => appendAudit(data, writer, event, now_ms),
        }),
      ),
  };
}

/** Keys that hosts share; `store` is this host's copy. */
export function sharedRegister(store: KeyStore, sharing: Promise<SharedKeys>): KeyRegister {
  return {
    store,
    async change(action) {
      const shared = await sharing;
      try {
        return await shared.change(async ({ tx, put }) => {
          const events: [AuditEvent, number][] = [];
          const result = action({
            put,
            // Many hosts have a user 0.
            record: (event, now_ms) =>
              events.push([{ ...event, actor: `${event.actor} on ${hostname()}` }, now_ms]),
          });
          if (events.length > 0) await appendShared(tx, events);
          return result;
        });
      } catch (error) {
        if (!(error instanceof DatabaseFault)) throw error;
        return new GatewayError(
          "unavailable",
          `Keys are shared in ${shared.shown}, which did not answer as it should (${error.message}): look whether anything was changed before you try again. Keys that are known go on working.`,
        );
      }
    },
  };
}
