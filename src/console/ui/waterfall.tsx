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
  ["route", "Choose a model", "--c2"],
  ["privacy", "Take personal data out", "--c6"],
  ["guards", "Ask the guards", "--c3"],
  ["cache", "Look into the caches", "--c4"],
  ["admit", "Compare with limits", "--c8"],
  ["queue", "Wait in a queue", "--c6"],
  ["connect", "Connect to the provider", "--c5"],
  ["first_byte", "Wait for its first byte", "--c1"],
  ["answer", "The answer as it came", "--c7"],
] as const;

/** A call's tries have moments where it is kept whole: each is a bar of its own, where it was. */
function barsOfTries({ attempts }: CallRow): Bar[] {
  return attempts.flatMap((attempt, index) => {
    const { moments_us } = attempt;
    if (moments_us === undefined) return [];
    const { started, ended } = moments_us;
    const name = `Try ${index + 1}: ${attempt.provider}/${attempt.model}`;
    const color = attempt.outcome === "ok" ? "--c1" : "--bad";
    return [{ name, from_us: started, length_us: Math.max(0, ended - started), color }];
  });
}

function barsOf(call: CallRow): Bar[] {
  const { timings_us } = call;
  const total_us = timings_us.total ?? 0;
  const tries = barsOfTries(call);
  // Stages of the last try are in its own bar.
  const stages = STAGES.filter(([stage]) => tries.length === 0 || !OF_TRIES.has(stage));
  let from_us = 0;
  const bars: Bar[] = [];
  for (const [stage, name, color] of stages) {
    const length_us = timings_us[stage];
    if (length_us === undefined) continue;
    bars.push({ name, from_us, length_us, color });
    from_us += length_us;
  }
  if (tries.length > 0) return [...bars, ...tries];
  // What is no stage of its own: earlier tries, and the answer as it came.
  const rest_us = total_us - from_us;
  if (rest_us > 0)
    bars.push({ name: "The answer, and all else", from_us, length_us: rest_us, color: "--c-other" });
  return bars;
}

const OF_TRIES: ReadonlySet<string> = new Set(["connect", "first_byte", "answer"]);

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
