// What of a request the provider takes only with a word in the header `anthropic-beta`.
// Sources: https://platform.claude.com/docs/en/api/beta-headers; the SDK's `AnthropicBeta` and `BetaMessages`.

import { isFields, list } from "../fields.ts";
import type { ChatRequest } from "../neutral/request.ts";
import { type Fields, keptOf } from "./own.ts";

/** By field of the body. */
const FIELDS: Readonly<Record<string, string>> = {
  mcp_servers: "mcp-client-2025-11-20",
  context_management: "context-management-2025-06-27",
  speed: "fast-mode-2026-02-01",
  fallbacks: "server-side-fallback-2026-07-01",
  thread: "message-threads-2026-08-12",
};

/** By a tool's type. */
const TOOLS: Readonly<Record<string, string>> = {
  computer_20250124: "computer-use-2025-01-24",
  computer_20251124: "computer-use-2025-11-24",
  advisor_20260301: "advisor-tool-2026-03-01",
};

const COMPACTION = "compact-2026-01-12";
const TASK_BUDGET = "task-budgets-2026-03-13";

/** The words that a request needs, none twice. Requests of other formats need none. */
export function betasOf(request: ChatRequest): string[] {
  const kept = keptOf(request.own);
  const betas = new Set<string>();
  for (const [field, beta] of Object.entries(FIELDS)) if (kept[field] !== undefined) betas.add(beta);
  for (const tool of request.tools) {
    const beta = tool.kind === "own" ? TOOLS[String(keptOf(tool.own)["type"])] : undefined;
    if (beta !== undefined) betas.add(beta);
  }
  if (editsOf(kept["context_management"]).some(isCompaction)) betas.add(COMPACTION);
  if (isFields(kept["output_config"]) && kept["output_config"]["task_budget"] !== undefined)
    betas.add(TASK_BUDGET);
  return [...betas];
}

function editsOf(management: unknown): readonly unknown[] {
  return isFields(management) ? list(management["edits"]) : [];
}

function isCompaction(edit: unknown): boolean {
  return isFields(edit) && String((edit as Fields)["type"]).startsWith("compact_");
}
