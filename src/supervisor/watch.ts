// Noticing that a file has changed, however its editor writes it: in place, by renaming another over it, by a new link.
// It is looked at twice a second; two looks must agree, so that a half-written file is not read.

import { statSync } from "node:fs";

const LOOK_MS = 500;

function look(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "missing";
  }
}

/** Calls back after each change of a file; a file that is away is waited for. Returns what ends the watch. */
export function watchFile(path: string, onChange: () => void): () => void {
  let known = look(path);
  let seen = known;
  const timer = setInterval(() => {
    const now = look(path);
    const is_settled = now === seen && now !== known && now !== "missing";
    seen = now;
    if (!is_settled) return;
    known = now;
    onChange();
  }, LOOK_MS);
  return () => clearInterval(timer);
}
