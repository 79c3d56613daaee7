// The stages of a call, one below the other, each where it began and as long as it took.

import type { CallRow } from "./answers.ts";
import { duration } from "./format.ts";

/** A stage, in microseconds from the call's arrival. */
interface Bar {
  readonly name: string;
  readonly from_us: number;
  readonly length_us: number;
  readonly color: string;
}

/** Stages that follow each other, in order: what is recorded, what it is called, and its colour. */
const STAGES = [
  ["auth", "Who is calling", "--c2"],
  ["body", "Read the request", "--c3"],
  ["scan", "Look into it", "--c4"],
  ["queue", "Wait in a queue", "--c6"],
  ["connect", "Connect to the provider", "--c5"],
  ["first_byte", "Wait for its first byte", "--c1"],
] as const;

function barsOf({ timings_us }: CallRow): Bar[] {
  const total_us = timings_us.total ?? 0;
  const known_us = STAGES.reduce((sum, [stage]) => sum + (timings_us[stage] ?? 0), 0);
  let from_us = 0;
  const bars: Bar[] = [];
  for (const [stage, name, color] of STAGES) {
    const length_us = timings_us[stage];
    if (length_us === undefined) continue;
    bars.push({ name, from_us, length_us, color });
    from_us += length_us;
  }
  // What is not a stage of its own: earlier tries, checks, and the answer as it came.
  const rest_us = total_us - known_us;
  if (rest_us > 0)
    bars.push({ name: "The answer, and all else", from_us, length_us: rest_us, color: "--c7" });
  return bars;
}

/** The stages of a call. */
export function Waterfall({ call }: { readonly call: CallRow }) {
  const bars = barsOf(call);
  const total_us = Math.max(
    1,
    call.timings_us.total ?? 0,
    ...bars.map(({ from_us, length_us }) => from_us + length_us),
  );
  if (bars.length === 0) return <p class="empty">No durations are recorded of this call.</p>;
  return (
    <ol class="waterfall">
      {bars.map(({ name, from_us, length_us, color }) => (
        <li key={name}>
          <span class="waterfall-name">{name}</span>
          <span class="waterfall-track" aria-hidden="true">
            <i
              style={{
                left: `${(from_us / total_us) * 100}%`,
                width: `${Math.max(0.4, (length_us / total_us) * 100)}%`,
                background: `var(${color})`,
              }}
            />
          </span>
          <span class="waterfall-time">{duration(length_us / 1_000)}</span>
        </li>
      ))}
    </ol>
  );
}
