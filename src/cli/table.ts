// Tables for a terminal and as CSV. Names in them may be anybody's: no character of one moves the cursor.

/** A cell that is shown at the left, or at the right as numbers are. */
export type Side = "left" | "right";

/** Lines of a table: a head, a rule, the rows, and behind another rule the last row if it is a sum. */
export function alignTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  sides: readonly Side[],
  total: readonly string[] | null = null,
): string[] {
  const all = [head, ...rows, ...(total === null ? [] : [total])].map((cells) => cells.map(printable));
  const widths = head.map((_, column) =>
    Math.max(...all.map((cells) => Bun.stringWidth(cells[column] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const space = " ".repeat(widths[column]! - Bun.stringWidth(cell));
        return sides[column] === "right" ? space + cell : cell + space;
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  const body = all.slice(1, rows.length + 1).map(line);
  return [line(all[0]!), rule, ...body, ...(total === null ? [] : [rule, line(all.at(-1)!)])];
}

/** Lines of CSV (RFC 4180). */
export function csvLines(rows: readonly (readonly (string | number | bigint | null)[])[]): string[] {
  const cell = (value: string | number | bigint | null): string => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((cells) => cells.map(cell).join(","));
}

/** Text whose control characters, and those that turn the direction of writing, are question marks. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}

/** A whole number with separators: `1,234,567`. */
export function showCount(value: number): string {
  return value.toLocaleString("en");
}

/** Dollars with as many digits as say something: `$1,234.50`, `$0.0123`, `$0.000123`. */
export function showUsd(value: number | null): string {
  if (value === null) return "unknown";
  if (value === 0) return "$0";
  if (value >= 1) {
    return `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  }
  // Three digits behind the zeros; a nano-dollar is the least that there is.
  const digits = Math.min(9, Math.max(2, 2 - Math.floor(Math.log10(value))));
  return `$${value.toFixed(digits)}`;
}
