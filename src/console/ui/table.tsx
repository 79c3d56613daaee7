// A table that is sorted by its columns' heads. On a narrow screen it scrolls by itself, so that the page does not.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

/** A column. */
export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => ComponentChildren;
  /** What it is sorted by; without it, it is not. */
  readonly by?: (row: T) => string | number;
  readonly is_number?: boolean;
}

interface TableProps<T> {
  /** What the table is of, for screen readers. */
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly classOf?: (row: T) => string;
  /** Shown in place of rows. */
  readonly empty?: ComponentChildren;
}

/** A table. */
export function Table<T>({ label, columns, rows, keyOf, classOf, empty }: TableProps<T>) {
  const [order, setOrder] = useState<{ readonly column: number; readonly sign: number } | null>(null);
  const by = order === null ? undefined : columns[order.column]?.by;
  const sorted =
    by === undefined || order === null ? rows : rows.toSorted((a, b) => order.sign * compare(by(a), by(b)));
  const turn = (column: number) =>
    setOrder((now) => {
      const first = columns[column]!.is_number ? -1 : 1;
      if (now?.column !== column) return { column, sign: first };
      return now.sign === first ? { column, sign: -first } : null;
    });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard.
    <section class="scroll" tabIndex={0} aria-label={label}>
      <table hidden={rows.length === 0 && empty !== undefined && empty !== null}>
        <thead>
          <tr>
            {columns.map(({ head, by: sortable, is_number }, column) => (
              <th key={head} scope="col" class={is_number ? "number" : ""} aria-sort={sortOf(order, column)}>
                {sortable === undefined ? (
                  head
                ) : (
                  <button type="button" class="sort" onClick={() => turn(column)}>
                    {head}
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={keyOf(row)} class={classOf?.(row) ?? ""}>
              {columns.map(({ head, cell, is_number }) => (
                <td key={head} class={is_number ? "number" : ""}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && empty !== undefined && <div class="empty">{empty}</div>}
    </section>
  );
}

function sortOf(order: { readonly column: number; readonly sign: number } | null, column: number) {
  if (order?.column !== column) return undefined;
  return order.sign > 0 ? "ascending" : "descending";
}

function compare(a: string | number, b: string | number): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}
