// How providers' models do: their breakers, their latency and their load.

import type { Target } from "./answers.ts";
import { count, duration } from "./format.ts";
import { Badge, Card } from "./parts.tsx";
import { Link } from "./place.tsx";
import { Table } from "./table.tsx";
import { TARGET_STATES } from "./target_states.ts";

/** The health of all targets; null while it is not known. */
export function TargetsCard({ targets }: { readonly targets: readonly Target[] | null }) {
  return (
    <Card title="Providers" aside={<Link to="routing">Routing</Link>}>
      <Table
        label="Health of providers' models"
        rows={targets ?? []}
        keyOf={({ provider, model }) => `${provider}/${model}`}
        columns={[
          {
            head: "Target",
            by: ({ provider, model }) => `${provider}/${model}`,
            cell: ({ provider, model }) => (
              <span class="name">
                {provider}/<wbr />
                {model}
              </span>
            ),
          },
          {
            head: "Breaker",
            by: ({ state }) => state,
            cell: ({ state, reason }) => (
              <span title={reason}>
                <Badge tone={TARGET_STATES[state][0]}>{TARGET_STATES[state][1]}</Badge>
              </span>
            ),
          },
          {
            head: "30 s",
            is_number: true,
            by: ({ calls }) => calls,
            cell: ({ calls, failures }) => (failures > 0 ? `${failures} of ${calls} failed` : count(calls)),
          },
          {
            head: "In flight",
            is_number: true,
            by: ({ in_flight }) => in_flight,
            cell: ({ in_flight }) => in_flight,
          },
          {
            head: "p95",
            is_number: true,
            by: ({ p95_ms }) => p95_ms ?? 0,
            cell: ({ p95_ms }) => duration(p95_ms),
          },
        ]}
        empty={targets === null ? null : <p>No model is configured and none was called yet.</p>}
      />
    </Card>
  );
}
