// What has changed most: costs beside those of the same time before.

import type { Usage, UsageRow } from "./answers.ts";
import { useAsked } from "./asked.ts";
import { type Field, nameOf } from "./cost_fields.ts";
import { percent, usd } from "./format.ts";
import { Card } from "./parts.tsx";
import { Table } from "./table.tsx";

const MOVERS = 6;
const FRESH_MS = 30_000;

interface Mover {
  readonly name: string;
  readonly before: number;
  readonly now: number;
}

interface MoversProps {
  readonly by: Field;
  readonly now: readonly UsageRow[];
  /** The same time before: from when, and until when. */
  readonly since: string;
  readonly until: string;
  readonly nobody: string;
}

/** Who costs most more or less than in the same time before. */
export function Movers({ by, now, since, until, nobody }: MoversProps) {
  const before = useAsked<Usage>(`usage?by=${by}&since=${since}&until=${until}`, FRESH_MS);
  const movers = moversOf(now, before.value?.data ?? [], by, nobody);
  return (
    <Card title="What has changed most">
      <Table
        label="What has changed most"
        rows={movers}
        keyOf={({ name }) => name}
        empty={before.value === null ? null : <p>Nothing cost more or less than in the same time before.</p>}
        columns={[
          { head: nameOf(by), cell: ({ name }) => name },
          { head: "In the same time before", is_number: true, cell: (mover) => usd(mover.before) },
          { head: "Now", is_number: true, cell: (mover) => usd(mover.now) },
          {
            head: "Change",
            is_number: true,
            cell: (mover) => `${mover.now > mover.before ? "+" : ""}${usd(mover.now - mover.before)}`,
          },
          {
            head: "In percent",
            is_number: true,
            cell: changeText,
          },
        ]}
      />
    </Card>
  );
}

function changeText({ before, now }: Mover): string {
  if (before === 0) return "new";
  const ratio = now / before;
  if (ratio > 10) return "over ten times";
  return `${ratio > 1 ? "+" : "−"}${percent(Math.abs(ratio - 1))}`;
}

/** Who costs most more or less than before. */
function moversOf(now: readonly UsageRow[], before: readonly UsageRow[], by: Field, nobody: string): Mover[] {
  const costs = new Map<string, Mover>();
  for (const row of now) {
    const name = String(row[by] ?? nobody);
    costs.set(name, { name, before: 0, now: row.cost_usd ?? 0 });
  }
  for (const row of before) {
    const name = String(row[by] ?? nobody);
    costs.set(name, { name, now: 0, ...costs.get(name), before: row.cost_usd ?? 0 });
  }
  const change = (mover: Mover) => Math.abs(mover.now - mover.before);
  return [...costs.values()]
    .filter((mover) => change(mover) > 1e-9)
    .sort((a, b) => change(b) - change(a))
    .slice(0, MOVERS);
}
