// Noticing that files have changed, however their editor writes them: in place, by renaming another over one, by a new link.
// They are looked at twice a second; two looks must agree, so that a half-written file is not read, nor a certificate without its key.

import { statSync } from "node:fs";

const LOOK_MS = 500;
const MISSING = "missing";

function look(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return MISSING;
  }
}

/** A watch of files. */
export interface FileWatch {
  /** Watches these from now on, as they are now, and goes on with those that it watches already. */
  follow(paths: readonly string[]): void;
  end(): void;
}

/** Calls back after changes of files; one that is away is waited for. */
export function watchFiles(paths: readonly string[], onChange: () => void): FileWatch {
  let known = new Map(paths.map((path) => [path, look(path)]));
  let seen = known;
  const timer = setInterval(() => {
    const now = new Map([...known.keys()].map((path) => [path, look(path)]));
    const is_settled = [...now].every(([path, state]) => state === seen.get(path));
    seen = now;
    if (!is_settled) return;
    // One that is away may come back as it was.
    const has_changed = [...now].some(([path, state]) => state !== MISSING && state !== known.get(path));
    if (!has_changed) return;
    known = now;
    onChange();
  }, LOOK_MS);
  return {
    follow(next) {
      known = new Map(next.map((path) => [path, known.get(path) ?? look(path)]));
    },
    end: () => clearInterval(timer),
  };
}
