// What splits and shadows have shown, arm by arm, with the intervals that say how sure that is.

import { useState } from "preact/hooks";
import { useAsked } from "./asked.ts";
import { count, duration, NOTHING, percent, usd } from "./format.ts";
import { Card, Choice, Trouble } from "./parts.tsx";
import { Table } from "./table.tsx";

interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

interface Arm {
  readonly name: string;
  readonly calls: number;
  readonly errors: Estimate | null;
  readonly refusals: Estimate | null;
  readonly p50_ms: Estimate | null;
  readonly p95_ms: Estimate | null;
  readonly output_tokens: Estimate | null;
  readonly cost_usd: Estimate | null;
}

interface Experiment {
  readonly kind: "split" | "shadow";
  readonly name: string;
  readonly arms: readonly Arm[];
  readonly agreement: Estimate | null;
}

interface Experiments {
  readonly data: readonly Experiment[];
  readonly is_cut: boolean;
}

const RANGES = [
  ["24h", "24 hours"],
  ["7d", "7 days"],
  ["30d", "30 days"],
] as const;

/** Splits and shadows. */
export function ExperimentsCard() {
  const [since, setSince] = useState<(typeof RANGES)[number][0]>("7d");
  const { value, fault, reload, is_waiting } = useAsked<Experiments>(`experiments?since=${since}`);
  return (
    <Card
      title="Tests and shadows"
      aside={<Choice label="Time" value={since} options={RANGES} onChange={setSince} />}
    >
      <Trouble fault={fault} onRetry={reload} />
      {value === null && is_waiting && <p class="empty">Looking through the calls…</p>}
      {value?.data.length === 0 && (
        <div class="empty">
          <p>No test and no shadow ran in this time. A rule that splits calls among models is a test:</p>
          <pre class="command">
            {"routes:\n  - { name: cheaper, when: { model: auto }, split: { chat: 90, candidate: 10 } }"}
          </pre>
        </div>
      )}
      {(value?.data ?? []).map((experiment) => (
        <Arms key={`${experiment.kind} ${experiment.name}`} experiment={experiment} />
      ))}
      {value?.is_cut === true && <p class="help">There were more calls: the newest were looked at.</p>}
    </Card>
  );
}

function Arms({ experiment: { kind, name, arms, agreement } }: { readonly experiment: Experiment }) {
  return (
    <div class="part">
      <h3>
        {name} <span class="dim">{kind === "split" ? "test" : "shadow"}</span>
        {agreement !== null && (
          <span class="dim">
            , answers agree by {percent(agreement.value)} ({interval(agreement, percent)})
          </span>
        )}
      </h3>
      <Table
        label={`Arms of ${name}`}
        rows={arms}
        keyOf={(arm) => arm.name}
        columns={[
          { head: "Arm", cell: (arm) => <span class="name may-wrap">{arm.name}</span> },
          { head: "Calls", is_number: true, cell: (arm) => count(arm.calls) },
          { head: "Errors", is_number: true, cell: ({ errors }) => range(errors, percent) },
          { head: "Refusals", is_number: true, cell: ({ refusals }) => range(refusals, percent) },
          { head: "Median", is_number: true, cell: ({ p50_ms }) => range(p50_ms, duration) },
          { head: "p95", is_number: true, cell: ({ p95_ms }) => range(p95_ms, duration) },
          {
            head: "Tokens",
            is_number: true,
            cell: ({ output_tokens }) => range(output_tokens, (tokens) => count(Math.round(tokens))),
          },
          { head: "Cost per call", is_number: true, cell: ({ cost_usd }) => range(cost_usd, usd) },
        ]}
      />
    </div>
  );
}

/** A figure, and below it its interval of 95 %. */
function range(estimate: Estimate | null, format: (value: number) => string) {
  if (estimate === null) return NOTHING;
  return (
    <>
      {format(estimate.value)}
      <span class="below-figure">{interval(estimate, format)}</span>
    </>
  );
}

function interval({ low, high }: Estimate, format: (value: number) => string): string {
  return `${format(low)} to ${format(high)}`;
}
