// Now: how the gateway does at the moment, and the calls as they come.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Limit, List, Pulse, Quantiles, Target, Usage, UsageSeries } from "./answers.ts";
import { type Asked, useAsked } from "./asked.ts";
import { CallTable } from "./call_table.tsx";
import { Chart, type ChartSeries } from "./chart.tsx";
import { count, duration, NOTHING, percent, rate, setUsd, shortCount, usd } from "./format.ts";
import { useLiveCalls } from "./live.ts";
import { Badge, Card, Meter, Tile, Trouble } from "./parts.tsx";
import { Link } from "./place.tsx";
import { timesOf } from "./steps.ts";
import { TargetsCard } from "./targets_card.tsx";

const PULSE_MS = 2_000;
const SLOW_MS = 10_000;
/** The time that rates are of. */
const RATE_MS = 10_000;
const CALLS_SHOWN = 20;

/** The page. */
export function NowPage() {
  const pulse = useAsked<Pulse>("pulse", PULSE_MS);
  const hour = useAsked<UsageSeries>("usage/series?since=1h&step=minute", SLOW_MS);
  const targets = useAsked<List<Target>>("health", PULSE_MS);
  const { calls, is_live } = useLiveCalls(CALLS_SHOWN);
  const limits = useAsked<readonly Limit[]>("limits", SLOW_MS);
  return (
    <>
      <h1 tabIndex={-1}>Now</h1>
      <Trouble fault={pulse.fault} onRetry={pulse.reload} />
      <Tiles pulse={pulse} limits={limits.value} />
      <div class="two">
        <LastHour hour={hour.value} />
        <TargetsCard targets={targets.value?.data ?? null} />
      </div>
      <Card
        title="Calls as they come"
        aside={
          <span class="controls">
            <Badge tone={is_live ? "good" : "plain"}>{is_live ? "live" : "connecting"}</Badge>
            <Link to="calls">All calls</Link>
          </span>
        }
        class="live"
      >
        <CallTable
          label="The newest calls"
          calls={calls ?? []}
          empty={
            calls === null ? null : (
              <>
                <p>No call has come yet.</p>
                <p>
                  Point a client at <code>{location.origin}/v1</code>, or try the simulator:
                </p>
                <pre class="command">{`curl ${location.origin}/v1/chat/completions \\
  -H "Authorization: Bearer $KEY" -H "content-type: application/json" \\
  -d '{"model": "sim/echo", "messages": [{"role": "user", "content": "Hello"}]}'`}</pre>
              </>
            )
          }
        />
      </Card>
    </>
  );
}

interface Sample {
  readonly time_ms: number;
  readonly counts: NonNullable<Pulse["counts"]>;
}

/** Rates by second: of the last seconds, from two looks at what has been counted. */
function useRates(pulse: Pulse | null) {
  const samples = useRef<Sample[]>([]);
  const [rates, setRates] = useState<{ calls: number; errors: number; tokens: number } | null>(null);
  useEffect(() => {
    if (pulse?.counts == null) return;
    const now: Sample = { time_ms: Date.parse(pulse.time), counts: pulse.counts };
    const kept = samples.current.filter(({ time_ms }) => now.time_ms - time_ms <= RATE_MS);
    samples.current = [...kept, now];
    const first = kept[0];
    if (first === undefined) return;
    const seconds = (now.time_ms - first.time_ms) / 1_000;
    // Counts begin anew with their file.
    const perSecond = (read: (counts: Sample["counts"]) => number) =>
      seconds > 0 ? Math.max(0, read(now.counts) - read(first.counts)) / seconds : 0;
    setRates({
      calls: perSecond(({ calls }) => calls),
      errors: perSecond(({ errors }) => errors),
      tokens: perSecond(({ input_tokens, output_tokens }) => input_tokens + output_tokens),
    });
  }, [pulse]);
  return rates;
}

function Tiles({
  pulse,
  limits,
}: {
  readonly pulse: Asked<Pulse>;
  readonly limits: readonly Limit[] | null;
}) {
  const { value } = pulse;
  const rates = useRates(value);
  const five = useAsked<Usage>("usage?since=5m", SLOW_MS).value?.data[0];
  const budget = tightestBudget(limits);
  const errors = five === undefined || five.calls === 0 ? null : five.errors / five.calls;
  return (
    <dl class="tiles">
      <Tile
        id="calls-per-second"
        label="Calls per second"
        value={rates === null ? NOTHING : rate(rates.calls)}
        note={value === null ? null : `${count(value.counts?.in_flight ?? 0)} in flight`}
      />
      <Tile
        id="errors"
        label="Errors, 5 min"
        value={percent(errors ?? (value === null ? null : 0))}
        note={five === undefined ? "no calls" : `${count(five.errors)} of ${count(five.calls)} calls`}
        tone={(errors ?? 0) > 0.05 ? "bad" : "plain"}
      />
      <LatencyTile id="first-byte" label="First byte" of={value?.latency.first_byte_ms ?? null} />
      <LatencyTile id="total" label="Whole call" of={value?.latency.total_ms ?? null} />
      <Tile
        id="tokens-per-second"
        label="Tokens per second"
        value={rates === null ? NOTHING : rate(rates.tokens)}
        note={value?.counts == null ? null : `${count(value.counts.sockets)} open sockets`}
      />
      <Tile
        id="spend-today"
        label="Spent today (UTC)"
        value={value === null ? NOTHING : usd(value.today.cost_usd)}
        note={
          budget === null ? (
            <Link to="limits">no budget is set</Link>
          ) : (
            <>
              <Meter
                label={`Budget of ${budget.scope} ${budget.name}`}
                used={budget.used}
                limit={budget.limit}
              />
              {`of ${budget.name}'s ${setUsd(budget.limit)}`}
            </>
          )
        }
      />
    </dl>
  );
}

function LatencyTile({
  id,
  label,
  of,
}: {
  readonly id: string;
  readonly label: string;
  readonly of: Quantiles | null;
}) {
  return (
    <Tile
      id={id}
      label={`${label}, median`}
      value={duration(of?.p50)}
      note={
        of === null ? (
          "no calls in 15 min"
        ) : (
          <>
            <span class="whole">p95 {duration(of.p95)}</span>{" "}
            <span class="whole">p99 {duration(of.p99)}</span>
          </>
        )
      }
    />
  );
}

/** The day's budget that is used the most; null where there is none. */
function tightestBudget(limits: readonly Limit[] | null): Limit | null {
  const budgets = (limits ?? []).filter(
    ({ of, window, limit }) => of === "usd" && window === "day" && limit > 0,
  );
  return budgets.toSorted((a, b) => b.used / b.limit - a.used / a.limit)[0] ?? null;
}

function LastHour({ hour }: { readonly hour: UsageSeries | null }) {
  const times = hour === null ? [] : timesOf(hour);
  const places = new Map(times.map((time, place) => [time, place]));
  const good = new Array<number>(times.length).fill(0);
  const bad = new Array<number>(times.length).fill(0);
  for (const { start, calls, errors } of hour?.points ?? []) {
    const place = places.get(Date.parse(start) / 1_000);
    if (place === undefined) continue;
    good[place] = calls - errors;
    bad[place] = errors;
  }
  const series: ChartSeries[] = [
    { name: "answered", values: good, color: "--c1" },
    { name: "failed", values: bad, color: "--bad" },
  ];
  const all = [...good, ...bad].reduce((sum, number) => sum + number, 0);
  return (
    <Card title="Calls per minute, last hour">
      <Chart
        label={`Calls per minute of the last hour: ${count(all)} calls, ${count(bad.reduce((sum, number) => sum + number, 0))} of them failed`}
        times={times}
        step_s={60}
        series={series}
        format={shortCount}
        height={200}
      />
    </Card>
  );
}
