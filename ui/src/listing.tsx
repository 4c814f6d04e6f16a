// A table of some hundred lines at most, sorted by a click on a head. Longer
// ones are the virtual grid's.
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";

/** Column is a column of a table; one of buttons has no title. Value is what a cell shows; sort, when given, what it is ordered by. */
export interface Column<T> {
  id: string;
  title: string;
  num?: boolean;
  value: (row: T) => ComponentChildren;
  sort?: (row: T) => number | string | null | undefined;
  width?: string;
}

interface Props<T> {
  label: string; // what the table is, for those who do not see it
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  chosen?: (row: T) => boolean;
  order?: { by: string; down?: boolean }; // at first; none keeps the order of the rows
  first?: number | undefined; // only so many lines, of those in order
}

/**
 * Table shows rows. The link in a row that leads to what it stands for carries
 * data-row: j and k move among those, and Enter opens.
 */
export function Table<T>({ label, columns, rows, rowKey, chosen, order, first }: Props<T>) {
  const [by, setBy] = useState(order);
  const sorted = useMemo(() => {
    const sort = columns.find((c) => c.id === by?.by)?.sort;
    if (!sort) return rows;
    const sign = by?.down ? -1 : 1;
    return [...rows].sort((a, b) => sign * compare(sort(a), sort(b)));
  }, [rows, by?.by, by?.down]);
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={label}>
      <table class="listing">
        <thead>
          <tr>
            {columns.map((c) =>
              c.title === "" ? (
                <td key={c.id} style={c.width ? { width: c.width } : undefined} />
              ) : (
                <th key={c.id} scope="col" class={c.num ? "num" : undefined} style={c.width ? { width: c.width } : undefined} aria-sort={by?.by === c.id ? (by.down ? "descending" : "ascending") : undefined}>
                  {c.sort ? (
                    <button type="button" class="sort" onClick={() => setBy({ by: c.id, down: by?.by === c.id ? !by.down : c.num === true })}>
                      {/* The mark stands where it does not move the title off the values. */}
                      {c.num && <SortMark of={by} id={c.id} />}
                      {c.title}
                      {!c.num && <SortMark of={by} id={c.id} />}
                    </button>
                  ) : (
                    c.title
                  )}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, first).map((r) => (
            <tr key={rowKey(r)} class={chosen?.(r) ? "chosen" : undefined} aria-current={chosen?.(r) ? "true" : undefined}>
              {columns.map((c, i) =>
                i === 0 ? (
                  <th key={c.id} scope="row">
                    {c.value(r)}
                  </th>
                ) : (
                  <td key={c.id} class={c.num ? "num" : undefined}>
                    {c.value(r)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SortMark({ of, id }: { of: { by: string; down?: boolean } | undefined; id: string }) {
  return (
    <span class="sort-mark" aria-hidden="true">
      {of?.by === id ? (of.down ? "↓" : "↑") : ""}
    </span>
  );
}

/** compare orders values; what is missing comes last when ascending. */
function compare(a: number | string | null | undefined, b: number | string | null | undefined): number {
  if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
