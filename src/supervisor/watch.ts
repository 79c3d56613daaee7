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

/**
 * Calls back after changes of files; one that is away is waited for.
 * @param paths which files, asked at every look
 * @returns what ends the watch
 */
export function watchFiles(paths: () => readonly string[], onChange: () => void): () => void {
  const lookAtAll = () => new Map(paths().map((path) => [path, look(path)]));
  let known = lookAtAll();
  let seen = known;
  const timer = setInterval(() => {
    const now = lookAtAll();
    const is_settled = [...now].every(([path, state]) => state === seen.get(path));
    seen = now;
    if (!is_settled) return;
    // A file that is watched from now on has not changed, and one that is away may come back as it was.
    const before = known;
    const has_changed = [...now].some(
      ([path, state]) => state !== MISSING && state !== (before.get(path) ?? state),
    );
    known = has_changed ? now : new Map([...now].map(([path, state]) => [path, before.get(path) ?? state]));
    if (has_changed) onChange();
  }, LOOK_MS);
  return () => clearInterval(timer);
}
