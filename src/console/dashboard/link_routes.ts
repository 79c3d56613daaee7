// `/admin/v1/ui/link`: a link that opens the dashboard once, for whoever may ask the admin API.

import type { AdminRank } from "../../access/client_keys.ts";
import { isLoopback } from "../../config/address.ts";
import type { ResolvedConfig } from "../../config/schema.ts";
import { GatewayError } from "../../errors.ts";
import type { Reply, Routes } from "../router.ts";
import type { Sessions } from "./sessions.ts";

/** What links are made of. */
export interface LinkHooks {
  /** The gateway, and where its own host reaches it; null where none runs. */
  readonly gateway: { url(): string | null } | null;
  config(): ResolvedConfig | null;
}

/** The endpoint of links. */
export function linkRoutes(sessions: Sessions, hooks: LinkHooks): Routes {
  return {
    "ui/link": {
      POST: ({ may_see_content }) => makeLink(sessions, may_see_content ? "content" : "admin", hooks),
    },
  };
}

/** Whoever opens it may do what whoever asked for it may. */
function makeLink(sessions: Sessions, rank: AdminRank, { gateway, config }: LinkHooks): Reply | GatewayError {
  const origin = gateway?.url() ?? null;
  const present = config();
  if (origin === null || present === null)
    return new GatewayError("unavailable", "Without a gateway that listens there is no dashboard.");
  if (present.admin === undefined && !isLoopback(present.listen.host)) {
    return new GatewayError(
      "conflict",
      "Others than this machine can reach the gateway: configure admin.token to have a dashboard there.",
    );
  }
  // Behind the '#' nobody on the way sees it, and no log has it.
  return { json: { object: "ui.link", url: `${origin}/ui#code=${sessions.makeCode(rank, Date.now())}` } };
}
