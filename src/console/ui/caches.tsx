// Caches: how much they spare, what they hold, and the removal of what they should not.

import { useState } from "preact/hooks";
import { useAsked } from "./asked.ts";
import { Entries } from "./cache_entries.tsx";
import { bytes, count, duration, NOTHING, percent, usd } from "./format.ts";
import { Card, Tile, Trouble } from "./parts.tsx";
import { Table } from "./table.tsx";

interface Stats {
  readonly answers: { readonly entries: number; readonly bytes: number; readonly faults: number };
  readonly calls?: Readonly<Record<string, number>>;
  readonly hit_rate?: number | null;
  readonly saved_usd?: number;
  readonly saved_seconds?: number;
  readonly verified: { readonly compared: number; readonly wrong: number };
  readonly similar: { readonly index?: { readonly entries: number } | null } | null;
}

const OUTCOMES = [
  ["hit", "The same request was answered before"],
  ["semantic", "A similar request was answered before"],
  ["joined", "The same request was under way"],
  ["stale", "An older answer was given while it was asked for anew"],
  ["miss", "Nobody had the answer: a provider was asked"],
] as const;

/** The page. */
export function CachesPage() {
  const stats = useAsked<Stats>("cache", 5_000);
  const [said, setSaid] = useState("");
  const { value } = stats;
  return (
    <>
      <h1 tabIndex={-1}>Caches</h1>
      <Trouble fault={stats.fault} onRetry={stats.reload} />
      <dl class="tiles">
        <Tile
          id="hit-rate"
          label="Answered without a provider"
          value={value?.hit_rate == null ? NOTHING : percent(value.hit_rate)}
          note="of calls that may be"
        />
        <Tile
          id="cache-saved"
          label="Saved"
          value={value === null ? NOTHING : usd(value.saved_usd ?? 0)}
          note="since the counts began"
        />
        <Tile
          label="Time saved"
          value={value === null ? NOTHING : duration((value.saved_seconds ?? 0) * 1_000)}
          note="of waiting for providers"
        />
        <Tile
          id="entries"
          label="Kept answers"
          value={value === null ? NOTHING : count(value.answers.entries)}
          note={value === null ? null : bytes(value.answers.bytes)}
        />
        <Tile
          label="Similar answers that were wrong"
          value={
            value === null || value.verified.compared === 0
              ? NOTHING
              : percent(value.verified.wrong / value.verified.compared)
          }
          note={
            value === null
              ? null
              : value.verified.compared === 0
                ? "none was compared yet"
                : `${count(value.verified.wrong)} of ${count(value.verified.compared)} compared`
          }
        />
      </dl>
      <p class="said" role="status" hidden={said === ""}>
        {said}
      </p>
      <Outcomes stats={value} />
      <Entries
        onDone={(text) => {
          setSaid(text);
          stats.reload();
        }}
      />
    </>
  );
}

function Outcomes({ stats }: { readonly stats: Stats | null }) {
  const calls = stats?.calls ?? {};
  const all = Object.values(calls).reduce((total, number) => total + number, 0);
  return (
    <Card title="What the caches did">
      <Table
        label="What the caches did"
        rows={
          all === 0 ? [] : OUTCOMES.map(([outcome, text]) => ({ outcome, text, calls: calls[outcome] ?? 0 }))
        }
        keyOf={({ outcome }) => outcome}
        columns={[
          { head: "Outcome", cell: ({ outcome }) => <span class="name">{outcome}</span> },
          { head: "Calls", is_number: true, by: (row) => row.calls, cell: (row) => count(row.calls) },
          {
            head: "Share",
            cell: (row) => (
              <span class="meter-row">
                <span class="bar" aria-hidden="true">
                  <i style={{ width: `${(row.calls / all) * 100}%` }} />
                </span>
                {percent(row.calls / all)}
              </span>
            ),
          },
          { head: "Which means", cell: ({ text }) => <span class="dim">{text}</span> },
        ]}
        empty={
          stats === null ? null : (
            <>
              <p>No model that was called keeps its answers. To have one do so, say in the configuration:</p>
              <pre class="command">{"models:\n  chat:\n    cache: { exact: { ttl_s: 3600 } }"}</pre>
            </>
          )
        }
      />
    </Card>
  );
}
