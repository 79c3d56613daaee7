// Calls as rows of a table; each leads to its own page.

import type { ComponentChildren } from "preact";
import type { CallRow } from "./answers.ts";
import { count, duration, NOTHING, timeOfDay, usd } from "./format.ts";
import { Badge, Status } from "./parts.tsx";
import { Link } from "./place.tsx";
import { Table } from "./table.tsx";

interface CallTableProps {
  readonly label: string;
  readonly calls: readonly CallRow[];
  readonly empty: ComponentChildren;
}

/** A table of calls, the newest first. */
export function CallTable({ label, calls, empty }: CallTableProps) {
  return (
    <Table
      label={label}
      rows={calls}
      keyOf={({ id }) => id}
      empty={empty}
      columns={[
        {
          head: "Time",
          cell: ({ id, time }) => (
            <Link to={`calls/${id}`}>
              <time dateTime={new Date(time).toISOString()}>{timeOfDay(time)}</time>
            </Link>
          ),
        },
        { head: "Model", cell: ({ model }) => <span class="name may-wrap">{model ?? NOTHING}</span> },
        { head: "Answered by", cell: (call) => <span class="name may-wrap">{servedBy(call)}</span> },
        { head: "Key", cell: ({ key }) => key ?? NOTHING },
        { head: "Status", cell: ({ status, error }) => <StatusOf status={status} error={error} /> },
        {
          head: "Took",
          is_number: true,
          cell: ({ timings_us: { total } }) => duration(total === undefined ? null : total / 1_000),
        },
        {
          head: "Tokens",
          is_number: true,
          cell: ({ usage }) => `${count(usage.input_tokens)} → ${count(usage.output_tokens)}`,
        },
        { head: "Cost", is_number: true, cell: ({ cost_usd }) => usd(cost_usd) },
        { head: "Cache", cell: ({ cache }) => (cache === "bypass" ? NOTHING : <CacheBadge cache={cache} />) },
      ]}
    />
  );
}

/** Who answered a call. */
export function servedBy({ provider, served_model }: CallRow): string {
  return provider === null ? NOTHING : `${provider}/${served_model ?? "?"}`;
}

function StatusOf({ status, error }: Pick<CallRow, "status" | "error">) {
  return (
    <>
      <Status status={status} /> {error !== null && <span class="dim may-wrap">{error}</span>}
    </>
  );
}

/** What the caches did for a call. */
export function CacheBadge({ cache }: { readonly cache: string }) {
  return <Badge tone={cache === "miss" || cache === "bypass" ? "plain" : "good"}>{cache}</Badge>;
}
