// An explanation as a person reads it, section by section.

import { alignTable, printable, showCount } from "../table.ts";

/** What is shown of an explanation. */
interface Explanation {
  readonly endpoint: string;
  readonly refused: {
    readonly stage: string;
    readonly status: number;
    readonly code: string;
    readonly message: string;
  } | null;
  readonly key: { readonly name: string; readonly tenant: string; readonly tier: string | null };
  readonly request?: {
    readonly model: string | null;
    readonly stream: boolean;
    readonly prompt_tokens: number;
    readonly expected_output_tokens: number;
    readonly needs: readonly string[];
    readonly complexity: {
      readonly class: string;
      readonly score: number;
      readonly points: Readonly<Record<string, number>>;
    } | null;
  };
  readonly routing: {
    readonly rules: readonly {
      readonly name: string;
      readonly holds: boolean;
      readonly why: string | null;
    }[];
    readonly route: string | null;
    readonly model: string | null;
    readonly split: { readonly shares: Readonly<Record<string, number>>; readonly sticky_by: string } | null;
  };
  readonly model: { readonly name: string; readonly strategy: string } | null;
  readonly targets: readonly {
    readonly provider: string;
    readonly model: string;
    readonly of: string;
    readonly place: number | null;
    readonly why: string | null;
    readonly weight: number | null;
    readonly health: { readonly state: string };
    readonly is_saturated: boolean;
    readonly cost_usd: string | null;
    readonly is_deprecated: boolean;
  }[];
  readonly cost_usd: { readonly least: string; readonly most: string } | null;
  readonly cache: { readonly state: string; readonly fingerprint: string | null };
  readonly limits: readonly {
    readonly scope: string;
    readonly name: string;
    readonly of: string;
    readonly window: string | number | null;
    readonly limit: number;
    readonly remaining: number;
  }[];
  readonly privacy: { readonly mode: string | null; readonly redactions: Readonly<Record<string, number>> };
  readonly guards: { readonly input: readonly string[]; readonly found: Readonly<Record<string, string>> };
  readonly deadlines: { readonly deadline_ms: number };
}

/** The explanation, in lines. */
export function explanationText(json: unknown): string {
  const told = json as Explanation;
  const lines = [
    `${told.endpoint} as ${told.key.name} of ${told.key.tenant}${told.key.tier === null ? "" : `, tier ${told.key.tier}`}`,
  ];
  const { refused, request } = told;
  lines.push(
    refused === null
      ? "It would be sent."
      : `It would be refused (${refused.stage}): ${refused.status} ${refused.code}: ${refused.message}`,
  );
  if (request === undefined) return lines.map(printable).join("\n");
  const { complexity } = request;
  lines.push(
    "",
    `Request: ${request.model ?? "no model"}, about ${showCount(request.prompt_tokens)} tokens in and ${showCount(request.expected_output_tokens)} out${request.stream ? ", streamed" : ""}`,
    `  needs: ${request.needs.join(", ") || "nothing special"}`,
  );
  if (complexity !== null)
    lines.push(`  looks ${complexity.class}: ${complexity.score} points (${pointsText(complexity.points)})`);
  lines.push("", ...routingLines(told));
  lines.push("", ...targetLines(told));
  lines.push("", ...restLines(told));
  return lines.map(printable).join("\n");
}

function pointsText(points: Readonly<Record<string, number>>): string {
  return (
    Object.entries(points)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ") || "nothing counts"
  );
}

function routingLines({ routing, model }: Explanation): string[] {
  const rules = routing.rules.map(
    ({ name, holds, why }) => `  ${holds ? "✓" : "✗"} ${name}${why === null ? "" : `: ${why}`}`,
  );
  const { split } = routing;
  const lines = rules.length === 0 ? [] : ["Rules:", ...rules];
  if (split !== null) {
    const shares = Object.entries(split.shares).map(
      ([name, share]) => `${name} ${(share * 100).toFixed(1)} %`,
    );
    lines.push(`  split among ${shares.join(", ")}; the same for each ${split.sticky_by}`);
  }
  return [
    ...lines,
    `Model: ${model?.name ?? routing.model ?? "none"}${model === null ? "" : ` (${model.strategy})`}`,
  ];
}

function targetLines({ targets }: Explanation): string[] {
  if (targets.length === 0) return ["Targets: none"];
  const rows = targets.map((target) => [
    target.place === null ? "–" : String(target.place),
    `${target.provider}/${target.model}${target.is_deprecated ? " (deprecated)" : ""}`,
    target.of,
    `${target.health.state}${target.is_saturated ? ", saturated" : ""}`,
    target.cost_usd === null ? "unknown" : `$${target.cost_usd}`,
    target.why ?? "",
  ]);
  return alignTable(["", "target", "of", "health", "cost", "left out because"], rows, [
    "right",
    "left",
    "left",
    "left",
    "right",
    "left",
  ]);
}

function restLines({ cache, limits, privacy, guards, deadlines, cost_usd }: Explanation): string[] {
  const redactions = Object.entries(privacy.redactions).map(([kind, count]) => `${kind} ${count}`);
  const found = Object.entries(guards.found).map(([guard, action]) => `${guard} ${action}`);
  const cost =
    cost_usd === null
      ? "unknown"
      : cost_usd.least === cost_usd.most
        ? `$${cost_usd.least}`
        : `$${cost_usd.least} to $${cost_usd.most}`;
  return [
    `Cost: ${cost}`,
    `Cache: ${cache.state}${cache.fingerprint === null ? "" : ` (${cache.fingerprint.slice(0, 16)}…)`}`,
    `Privacy: ${privacy.mode ?? "off"}${redactions.length === 0 ? "" : `, found ${redactions.join(", ")}`}`,
    `Guards: ${guards.input.join(", ") || "none"}${found.length === 0 ? "" : `, found ${found.join(", ")}`}`,
    `Deadline: ${deadlines.deadline_ms === 0 ? "none" : `${deadlines.deadline_ms} ms`}`,
    ...limits.map(
      ({ scope, name, of, window, limit, remaining }) =>
        `Limit of ${scope} ${name}: ${remaining} of ${limit} ${of} left${window === null ? "" : ` (${typeof window === "number" ? `${window} s` : window})`}`,
    ),
  ];
}
