// The supervisor's hand on drills: it begins and ends them for the admin API, and tells of them.

import type { Drill, DrillTable } from "../memory/drill_table.ts";

/** Drills as the admin API begins and ends them. */
export class Drills {
  readonly #table: DrillTable;
  readonly #now_ms: () => number;
  readonly #log: (line: string) => void;
  /** What tells of their ends. */
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(table: DrillTable, now_ms: () => number, log: (line: string) => void) {
    this.#table = table;
    this.#now_ms = now_ms;
    this.#log = log;
    for (const drill of this.list()) this.#tell(drill);
  }

  list(): readonly Drill[] {
    return this.#table.list(this.#now_ms());
  }

  begin(wish: Pick<Drill, "provider" | "model" | "failure">, for_ms: number): Drill | null {
    const began_ms = this.#now_ms();
    const drill = { ...wish, id: crypto.randomUUID().slice(0, 8), began_ms, end_ms: began_ms + for_ms };
    if (!this.#table.begin(drill)) return null;
    this.#tell(drill);
    return drill;
  }

  end(id: string | null): readonly Drill[] {
    const ended = this.#table.end(id, this.#now_ms());
    for (const drill of ended) {
      clearTimeout(this.#timers.get(drill.id));
      this.#timers.delete(drill.id);
      this.#log(`the drill of ${nameOf(drill)} is ended`);
    }
    return ended;
  }

  #tell(drill: Drill): void {
    const end = new Date(drill.end_ms).toISOString();
    this.#log(`a drill makes ${nameOf(drill)} fail (${drill.failure}) until ${end}`);
    const timer = setTimeout(() => {
      this.#timers.delete(drill.id);
      this.#log(`the drill of ${nameOf(drill)} is over`);
    }, drill.end_ms - this.#now_ms());
    timer.unref();
    this.#timers.set(drill.id, timer);
  }
}

function nameOf({ provider, model }: Drill): string {
  return model === null ? provider : `${provider}/${model}`;
}
