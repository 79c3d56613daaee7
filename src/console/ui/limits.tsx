// Limits: how far each is used up, and the keys that have them.

import type { Limit } from "./answers.ts";
import { useAsked } from "./asked.ts";
import { count, duration, NOTHING, setUsd, usd } from "./format.ts";
import { KeysCard } from "./keys.tsx";
import { Card, Meter, Trouble } from "./parts.tsx";
import { Table } from "./table.tsx";

const SCOPES: Readonly<Record<string, string>> = {
  key: "key",
  user: "user",
  team: "team",
  tenant: "tenant",
  model: "model",
  provider_key: "provider's key",
};

/** The page. */
export function LimitsPage() {
  const limits = useAsked<readonly Limit[]>("limits", 2_000);
  const rows = (limits.value ?? []).toSorted((a, b) => share(b) - share(a));
  return (
    <>
      <h1 tabIndex={-1}>Limits</h1>
      <Trouble fault={limits.fault} onRetry={limits.reload} />
      <Card title="How far limits are used">
        <Table
          label="How far limits are used"
          rows={rows}
          keyOf={({ scope, name, of, window }) => `${scope} ${name} ${of} ${window}`}
          columns={[
            {
              head: "Of",
              by: ({ name }) => name,
              cell: ({ scope, name }) => (
                <>
                  <span class="dim">{SCOPES[scope] ?? scope}</span> {name}
                </>
              ),
            },
            { head: "Limit", by: ({ of }) => of, cell: (limit) => textOf(limit) },
            {
              head: "Used",
              is_number: true,
              by: ({ used }) => used,
              cell: ({ of, used }) => amount(of, used),
            },
            {
              head: "Left",
              is_number: true,
              by: ({ remaining }) => remaining,
              cell: ({ of, remaining }) => amount(of, remaining),
            },
            {
              head: "Use",
              by: share,
              cell: ({ scope, name, of, used, limit }) => (
                <Meter label={`${SCOPES[scope] ?? scope} ${name}, ${of}`} used={used} limit={limit} />
              ),
            },
            {
              head: "Unused again in",
              is_number: true,
              cell: ({ reset_s }) => (!reset_s ? NOTHING : duration(reset_s * 1_000)),
            },
          ]}
          empty={
            limits.value === null ? null : (
              <>
                <p>Nothing is limited. Give a key limits when you create it, or in the configuration:</p>
                <pre class="command">
                  {"keys:\n  - { name: checkout, key: $" +
                    "{CHECKOUT_KEY}, limits: { rpm: 600, usd_per_day: 20 } }"}
                </pre>
              </>
            )
          }
        />
      </Card>
      <KeysCard />
    </>
  );
}

function share({ used, limit }: Limit): number {
  return limit > 0 ? used / limit : 0;
}

function amount(of: Limit["of"], number: number): string {
  return of === "usd" ? usd(number) : count(number);
}

/** A limit in words: 600 requests per minute, $5.00 per day. */
function textOf({ of, window, limit }: Limit): string {
  if (of === "concurrency") return `${count(limit)} calls at once`;
  if (of === "usd") return `${setUsd(limit)} per ${window}`;
  const per =
    window === 60 ? "minute" : window === 3_600 ? "hour" : window === 86_400 ? "day" : `${window} s`;
  return `${count(limit)} ${of} per ${per}`;
}
