// `/admin/v1/config`: the configuration that runs, the one that the file has now, and whether a draft would be accepted.

import * as z from "zod";
import type { LoadResult } from "../config/load.ts";
import type { ResolvedConfig } from "../config/schema.ts";
import { GatewayError } from "../errors.ts";
import { explain } from "./key_settings.ts";
import { maskedConfig } from "./masked_config.ts";
import type { Reply, Routes } from "./router.ts";

/** What the configuration's endpoints ask of the process that they run in. */
export interface ConfigHooks {
  /** The present configuration; null where none is loaded. */
  config(): ResolvedConfig | null;
  /** The gateway, which loads the file as a reload would, and a text as if it were the file; null where none runs. */
  readonly gateway: { loadFile(): LoadResult; loadDraft(text: string): LoadResult } | null;
}

/** A draft of a configuration. */
export const draft_schema = z.strictObject({ text: z.string().max(512 * 1024) });

/** The endpoints of the configuration. */
export function configRoutes(hooks: ConfigHooks): Routes {
  return {
    config: {
      GET: () => {
        const config = hooks.config();
        return config === null ? noConfig() : { json: maskedConfig(config) };
      },
    },
    "config/file": {
      GET: () => (hooks.gateway === null ? noConfig() : told(hooks.gateway.loadFile(), true)),
    },
    "config/check": { POST: ({ body }) => check(hooks, body) },
  };
}

function check({ gateway }: ConfigHooks, body: unknown): Reply | GatewayError {
  if (gateway === null) return noConfig();
  const draft = draft_schema.safeParse(body);
  if (!draft.success) return explain(draft.error.issues[0]!);
  // Not shown: a draft could name any variable of the environment where nothing is masked.
  return told(gateway.loadDraft(draft.data.text), false);
}

function told(loaded: LoadResult, is_shown: boolean): Reply {
  const config = loaded.ok && is_shown ? maskedConfig(loaded.config) : null;
  const problems = loaded.ok ? [] : loaded.problems;
  return { json: { object: "config.check", ok: loaded.ok, config, problems } };
}

function noConfig(): GatewayError {
  return new GatewayError("unavailable", "Without a gateway there is no configuration.");
}
