// `/admin/v1/upgrade`: another program takes over. Only for who may open the data folder: to run a program of one's choice is more than the
// admin token stands for.

import { isAbsolute } from "node:path";
import * as z from "zod";
import type { KeyStore } from "../access/key_store.ts";
import { GatewayError } from "../errors.ts";
import type { GatewayHooks } from "./admin.ts";
import { appendAudit } from "./audit/log.ts";
import { explain } from "./key_settings.ts";
import type { Routes } from "./router.ts";

/** What the endpoint works with. */
export interface UpgradeDesk {
  /** The data folder. */
  readonly data: string;
  /** Null: it cannot be used, and upgrades are not recorded. */
  readonly keys: KeyStore | null;
  /** Who asks at the socket where nobody says so. */
  readonly self: string;
  /** Null: no gateway runs. */
  readonly gateway: Pick<GatewayHooks, "upgrade"> | null;
}

/** An upgrade as it is wished for. */
export const wish_schema = z.strictObject({
  /** The program's file; left out, the one that lies where the present one was started from. */
  program: z.string().max(4_096).refine(isAbsolute, "must be an absolute path").optional(),
});

/** The endpoint of upgrades. */
export function upgradeRoutes({ data, keys, self, gateway }: UpgradeDesk): Routes {
  return {
    upgrade: {
      POST: async ({ body, actor }) => {
        if (actor !== self && !actor.startsWith("command uid ")) {
          return new GatewayError(
            "not_found",
            "An upgrade is begun on the gateway's own host: venturi upgrade.",
          );
        }
        if (gateway === null)
          return new GatewayError("unavailable", "Without a gateway there is nothing to upgrade.");
        const parsed = wish_schema.safeParse(body);
        if (!parsed.success) return explain(parsed.error.issues[0]!);
        const { program = null } = parsed.data;
        const done = await gateway.upgrade(program);
        const change = { program, ...done };
        keys?.change((writer) =>
          appendAudit(data, writer, { actor, action: "upgrade", target: "gateway", change }),
        );
        return "fault" in done
          ? new GatewayError("unavailable", `Nothing has changed: ${done.fault}.`)
          : { json: { object: "upgrade", pid: done.pid } };
      },
    },
  };
}
