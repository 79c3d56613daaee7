// Costs: what was spent on what, how that goes on, and what has changed.

import type { Forecast, Usage, UsageRow, UsageSeries } from "./answers.ts";
import { useAsked } from "./asked.ts";
import { Chart } from "./chart.tsx";
import { BEFORE, FIELDS, type Field, nameOf, RANGES } from "./cost_fields.ts";
import { exportCsv } from "./csv.ts";
import { count, NOTHING, percent, setUsd, shortCount, usd } from "./format.ts";
import { Movers } from "./movers.tsx";
import { Card, Choice, Pick, Tile, Trouble } from "./parts.tsx";
import { Link, type Place, setQuery } from "./place.tsx";
import { stepsOf } from "./steps.ts";
import { Table } from "./table.tsx";

const FRESH_MS = 30_000;

/** The page. */
export function CostsPage({ place }: { readonly place: Place }) {
  const by = FIELDS.find(([field]) => field === place.query.get("by"))?.[0] ?? "feature";
  const range = RANGES.find(([option]) => option === place.query.get("range"))?.[0] ?? "30d";
  const series = useAsked<UsageSeries>(`usage/series?by=${by}&since=${range}`, FRESH_MS);
  const usage = useAsked<Usage>(`usage?by=${by}&since=${range}`, FRESH_MS);
  const forecast = useAsked<Forecast>("usage/forecast", FRESH_MS);
  const nobody = `no ${nameOf(by).toLowerCase()}`;
  const steps = series.value === null ? null : stepsOf(series.value, nobody, ({ cost_usd }) => cost_usd);
  const rows = usage.value?.data ?? [];
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Costs</h1>
        <div class="controls">
          <Pick label="By" value={by} options={FIELDS} onChange={(field) => setQuery(place, { by: field })} />
          <Choice
            label="Time"
            value={range}
            options={RANGES}
            onChange={(time) => setQuery(place, { range: time })}
          />
        </div>
      </div>
      <Trouble fault={series.fault ?? usage.fault} onRetry={usage.reload} />
      <Sums rows={rows} is_there={usage.value !== null} forecast={forecast.value} />
      <Card title={`Cost by ${nameOf(by).toLowerCase()}, over time`}>
        <Chart
          label={`Cost by ${nameOf(by).toLowerCase()} over time: ${(steps?.series ?? []).map(({ name, values }) => `${name} ${usd(sum(values))}`).join(", ")}`}
          times={steps?.times ?? []}
          step_s={series.value?.step_s ?? 86_400}
          series={steps?.series ?? []}
          format={usd}
          axisFormat={setUsd}
          is_utc
          height={260}
        />
      </Card>
      <Card
        title={`Cost by ${nameOf(by).toLowerCase()}`}
        aside={
          <button
            type="button"
            class="quiet"
            onClick={() => exportCsv(`costs-by-${by}-${range}.csv`, csvOf(rows, by))}
          >
            Export CSV
          </button>
        }
      >
        <CostTable rows={rows} by={by} nobody={nobody} is_there={usage.value !== null} />
      </Card>
      <Movers by={by} now={rows} until={range} since={BEFORE[range]} nobody={nobody} />
    </>
  );
}

function Sums({
  rows,
  is_there,
  forecast,
}: {
  readonly rows: readonly UsageRow[];
  readonly is_there: boolean;
  readonly forecast: Forecast | null;
}) {
  const total = (read: (row: UsageRow) => number) => sum(rows.map(read));
  const calls = total((row) => row.calls);
  const unpriced = total((row) => row.unpriced_calls);
  return (
    <>
      <dl class="tiles">
        <Tile
          id="spent"
          label="Spent"
          value={is_there ? usd(total((row) => row.cost_usd ?? 0)) : NOTHING}
          note={unpriced > 0 ? `without ${count(unpriced)} calls of unknown price` : `${count(calls)} calls`}
        />
        <Tile
          id="forecast"
          label={`Expected for ${forecast === null ? "the month" : monthName(forecast.month)}`}
          value={forecast === null ? NOTHING : usd(rounded(forecast.expected_usd))}
          note={
            forecast === null
              ? null
              : `± ${usd(rounded(forecast.spread_usd))} · so far ${usd(rounded(forecast.spent_usd))}`
          }
        />
        <Tile
          id="saved"
          label="Saved by caches"
          value={is_there ? usd(total((row) => row.saved_usd)) : NOTHING}
          note={`${count(total((row) => row.cache_hits))} calls, ${percent(calls === 0 ? 0 : total((row) => row.cache_hits) / calls)}`}
        />
        <Tile
          label="Tokens"
          value={is_there ? shortCount(total((row) => row.input_tokens + row.output_tokens)) : NOTHING}
          note={`${shortCount(total((row) => row.input_tokens))} in, ${shortCount(total((row) => row.output_tokens))} out`}
        />
      </dl>
      <p class="help flush">
        {forecast === null ? "\u00a0" : `How the month is forecast: ${forecast.method} Days are of UTC.`}
      </p>
    </>
  );
}

function CostTable({
  rows,
  by,
  nobody,
  is_there,
}: {
  readonly rows: readonly UsageRow[];
  readonly by: Field;
  readonly nobody: string;
  readonly is_there: boolean;
}) {
  const most = Math.max(0, ...rows.map(({ cost_usd }) => cost_usd ?? 0));
  const all = sum(rows.map(({ cost_usd }) => cost_usd ?? 0));
  const nameIn = (row: UsageRow) => String(row[by] ?? nobody);
  return (
    <Table
      label={`Cost by ${by}`}
      rows={rows}
      keyOf={(row) => nameIn(row)}
      empty={
        is_there ? (
          <>
            <p>Nothing was called in this time.</p>
            <p>
              Costs are told by feature where clients send <code>x-venturi-feature</code>, and by user where
              they send <code>user</code>.
            </p>
          </>
        ) : null
      }
      columns={[
        {
          head: nameOf(by),
          by: nameIn,
          cell: (row) =>
            row[by] === null ? (
              <span class="dim">{nobody}</span>
            ) : (
              <Link to={`calls?${by}=${encodeURIComponent(nameIn(row))}`}>{nameIn(row)}</Link>
            ),
        },
        {
          head: "Cost",
          is_number: true,
          by: ({ cost_usd }) => cost_usd ?? -1,
          cell: ({ cost_usd }) => (cost_usd === null ? "not known" : usd(cost_usd)),
        },
        {
          head: "Share",
          cell: ({ cost_usd }) => (
            <span class="meter-row">
              <span class="bar" aria-hidden="true">
                <i style={{ width: `${most === 0 ? 0 : ((cost_usd ?? 0) / most) * 100}%` }} />
              </span>
              {percent(all === 0 ? 0 : (cost_usd ?? 0) / all)}
            </span>
          ),
        },
        { head: "Calls", is_number: true, by: ({ calls }) => calls, cell: ({ calls }) => count(calls) },
        {
          head: "Failed",
          is_number: true,
          by: ({ errors, calls }) => errors / calls,
          cell: ({ errors, calls }) => (errors === 0 ? "0" : `${count(errors)} (${percent(errors / calls)})`),
        },
        {
          head: "Per call",
          is_number: true,
          by: ({ cost_usd, calls }) => (cost_usd ?? 0) / calls,
          cell: ({ cost_usd, calls }) => usd(cost_usd === null ? null : cost_usd / calls),
        },
        {
          head: "Tokens in",
          is_number: true,
          by: ({ input_tokens }) => input_tokens,
          cell: ({ input_tokens }) => shortCount(input_tokens),
        },
        {
          head: "Out",
          is_number: true,
          by: ({ output_tokens }) => output_tokens,
          cell: ({ output_tokens }) => shortCount(output_tokens),
        },
        {
          head: "Saved",
          is_number: true,
          by: ({ saved_usd }) => saved_usd,
          cell: ({ saved_usd }) => (saved_usd === 0 ? NOTHING : usd(saved_usd)),
        },
      ]}
    />
  );
}

function csvOf(rows: readonly UsageRow[], by: Field): (string | number | null)[][] {
  const columns = [
    "calls",
    "errors",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "cache_hits",
    "saved_usd",
    "cost_usd",
    "unpriced_calls",
  ];
  return [
    [by, ...columns],
    ...rows.map((row) => [row[by] ?? null, ...columns.map((column) => row[column] ?? null)]),
  ];
}

function monthName(month: string): string {
  return new Date(`${month}-15T00:00:00Z`).toLocaleDateString("en-US", { month: "long" });
}

/** A forecast has no more certain digits. */
function rounded(dollars: number): number {
  return dollars >= 1 ? Math.round(dollars * 100) / 100 : Number(dollars.toPrecision(3));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
