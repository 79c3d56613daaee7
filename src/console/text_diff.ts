// Which lines of a text, or which of its sentences, are others than those of another: the fewest that have to go and come (longest
// common subsequence).

/** A line of both, of the first alone, of the second alone; or a number of lines of both that are left out. */
export type DiffLine =
  | { readonly kind: "same" | "removed" | "added"; readonly text: string }
  | { readonly kind: "gap"; readonly lines: number };

/** Lines that are shown about a difference. */
const CONTEXT = 3;
/** Pairs of lines beyond which texts are told as all removed and all added. */
const PAIRS_MAX = 4_000_000;

/** The differences of two texts, with a few lines about each; empty where there are none. */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let first = 0;
  while (first < before.length && first < after.length && before[first] === after[first]) first++;
  let last = 0;
  const room = Math.min(before.length, after.length) - first;
  while (last < room && before.at(-1 - last) === after.at(-1 - last)) last++;
  const same = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ kind: "same", text }));
  const middle = changes(before.slice(first, before.length - last), after.slice(first, after.length - last));
  if (middle.length === 0) return [];
  return shortened([...same(before.slice(0, first)), ...middle, ...same(before.slice(before.length - last))]);
}

function changes(before: readonly string[], after: readonly string[]): DiffLine[] {
  const whole = (kind: "removed" | "added", lines: readonly string[]) =>
    lines.map((text) => ({ kind, text }));
  if (before.length * after.length > PAIRS_MAX)
    return [...whole("removed", before), ...whole("added", after)];
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      lengths[row * width + column] =
        before[row] === after[column]
          ? lengths[(row + 1) * width + column + 1]! + 1
          : Math.max(lengths[(row + 1) * width + column]!, lengths[row * width + column + 1]!);
    }
  }
  const lines: DiffLine[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const is_same = row < before.length && column < after.length && before[row] === after[column];
    const removes =
      column >= after.length ||
      (row < before.length && lengths[(row + 1) * width + column]! >= lengths[row * width + column + 1]!);
    if (is_same) {
      lines.push({ kind: "same", text: before[row++]! });
      column++;
    } else if (removes) lines.push({ kind: "removed", text: before[row++]! });
    else lines.push({ kind: "added", text: after[column++]! });
  }
  return lines;
}

/** Without the lines that are far from every difference. */
function shortened(lines: readonly DiffLine[]): DiffLine[] {
  const is_near = lines.map(() => false);
  for (const [index, { kind }] of lines.entries()) {
    if (kind === "same") continue;
    for (let near = Math.max(0, index - CONTEXT); near <= Math.min(lines.length - 1, index + CONTEXT); near++)
      is_near[near] = true;
  }
  const short: DiffLine[] = [];
  for (const [index, line] of lines.entries()) {
    const before = short.at(-1);
    if (is_near[index]) short.push(line);
    else if (before?.kind === "gap") short[short.length - 1] = { kind: "gap", lines: before.lines + 1 };
    else short.push({ kind: "gap", lines: 1 });
  }
  return short;
}

/** Longer texts are compared line by line. */
const SENTENCES_MAX_CHARS = 1_000_000;

/** A text in the pieces that people compare it by: its lines, and within them its sentences. Blank lines say nothing. */
export function sentencesOf(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (text.length > SENTENCES_MAX_CHARS) return lines;
  return lines.flatMap((line) => {
    const indent = /^\s*/.exec(line)![0];
    // What stands in columns is code or a table, and no sentence.
    if (indent.length > 0 || line.startsWith("|")) return [line];
    return [...new Intl.Segmenter(undefined, { granularity: "sentence" }).segment(line)].map(({ segment }) =>
      segment.trimEnd(),
    );
  });
}
