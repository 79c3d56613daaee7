// What the time of each row goes to, in one table: the totals of `floor` beside each other, and the parts of Venturi's by `profile`.

import { medianOf, show } from "./figures.ts";
import { floor } from "./floor.ts";
import { GOALS } from "./goals.ts";
import type { Case } from "./part.ts";
import { nameOfActivity, profile, THREADS } from "./profile.ts";
import { ACTIVITIES } from "./samples.ts";
import { bareServer, HAPROXY, VENTURI } from "./targets.ts";

/** The columns: a part's cases, added up. */
const COLUMNS: readonly (readonly [title: string, part: string, targets: readonly string[]])[] = [
  ["HAProxy", floor.name, [HAPROXY.name]],
  ["bare runtime", floor.name, [bareServer("relay").name]],
  ["Venturi", floor.name, [VENTURI.name]],
  ["Venturi, profiled", profile.name, [THREADS.all]],
  ["kernel", profile.name, [nameOfActivity(ACTIVITIES.kernel)]],
  ["runtime by itself", profile.name, [nameOfActivity(ACTIVITIES.runtime)]],
  ["runtime under our code", profile.name, [nameOfActivity(ACTIVITIES.called)]],
  ["our code", profile.name, [nameOfActivity(ACTIVITIES.ours)]],
  ["native addons", profile.name, [nameOfActivity(ACTIVITIES.addons)]],
  ["ledger, supervisor", profile.name, [THREADS.ledger, THREADS.supervisor]],
  ["compiler, allocator", profile.name, [THREADS.compiler, THREADS.helpers]],
];

/** The measures that a row may have, and what it is then about. */
const UNITS = { cpu_us: "a call", cpu_us_per_chunk: "a chunk" };

/** What a row's target lets a call cost, by HAProxy's figure of `floor`; null where it has none. */
function allowed(casesOf: (part: string) => readonly Case[], row: string, measure: string): number | null {
  const goal = GOALS.find((goal) => goal.row === row && goal.measure === measure);
  const haproxy_us = medianOf(casesOf(floor.name), row, HAPROXY.name, measure);
  return goal === undefined || haproxy_us === null ? null : goal.target * haproxy_us;
}

/** The table of the last results; only its head where `profile` has none. */
export function breakdownTable(casesOf: (part: string) => readonly Case[]): string[][] {
  const rows = new Set(casesOf(profile.name).map(({ row }) => row));
  const lines = Object.entries(UNITS).flatMap(([measure, unit]) =>
    [...rows].flatMap((row) => {
      const cells = COLUMNS.map(([, part, targets]) => {
        const found = targets.map((target) => medianOf(casesOf(part), row, target, measure));
        return found.includes(null) ? null : found.reduce<number>((sum, us) => sum + us!, 0);
      });
      const texts = [allowed(casesOf, row, measure), ...cells].map((us) => (us === null ? "–" : show(us, 1)));
      return cells.every((us) => us === null) ? [] : [[row, unit, ...texts]];
    }),
  );
  return [["row", "µs of", "target", ...COLUMNS.map(([title]) => title)], ...lines];
}
