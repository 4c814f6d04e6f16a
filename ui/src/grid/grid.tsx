// Grid: a table of any number of rows and columns of which only what is looked at
// is in the document. One stop for the Tab key; arrows, j and k move inside.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { copyText, toast } from "../parts";
import { between, columnsIn, rowHeight, rowsIn, spread } from "./window";

/** GridColumn is a column as it stands now. */
export interface GridColumn {
  id: string;
  title: string;
  hint?: string; // the whole name, where the title is short
  width: number;
  num?: boolean;
  pinned?: boolean;
  fixed?: boolean; // cannot be moved, resized or hidden
  sortable?: boolean;
  sort?: "asc" | "desc" | undefined;
  rank?: number | undefined; // of several sorts, from 1
}

interface Props {
  label: string;
  columns: GridColumn[];
  /** rows is how many rows the scroll bar stands for; not all need be known. */
  rows: number;
  /** rowKey is the key of a row; undefined while it is not known. */
  rowKey: (row: number) => string | undefined;
  cell: (row: number, column: string) => ComponentChildren;
  /** text is what is copied of a cell. */
  text: (row: number, column: string) => string;
  rowClass?: (row: number) => string;
  selected: ReadonlySet<string>;
  onSelect: (keys: string[], on: boolean) => void;
  onOpen: (row: number) => void;
  /** onSort sorts by a column, or with add by it as well. */
  onSort: (column: string, add: boolean) => void;
  onResize: (column: string, width: number) => void;
  /** onMove puts a column in front of another; null at the end. */
  onMove: (column: string, before: string | null) => void;
  onHide: (column: string) => void;
  /** onPin keeps a column at the left edge, or lets it go. */
  onPin: (column: string) => void;
  /** onView tells what is looked at: rows [from, to) and the columns. */
  onView: (from: number, to: number, columns: string[]) => void;
  /** shift, when it changes, is by how many rows what is shown has moved down. */
  shift?: { by: number } | undefined;
  height: string;
  /** below is the room in px that is left free under the last row. */
  below?: number;
}

const narrowest = 56;
const widest = 640;

/** Grid is a virtual grid; see Props. */
export function Grid(p: Props) {
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const [view, setView] = useState({ top: 0, left: 0, width: 1200, height: 600 });
  const [at, setAt] = useState<{ row: number; column: number }>({ row: -1, column: 0 }); // row -1: the head
  const anchor = useRef<number | null>(null); // where a range began
  const [focused, setFocused] = useState(false);
  const s = useMemo(() => spread(p.columns), [p.columns]);
  const [from, to] = rowsIn(view.top, view.height - rowHeight, p.rows);
  const [first, last] = columnsIn(s, view.left, view.width);
  const wide = Math.max(s.width, view.width);
  const visible = [...s.all.slice(0, s.pinned), ...s.all.slice(first, last)];
  const wanted = visible.map((c) => c.id).join("\n");
  const now = useRef(p);
  now.current = p;

  const look = () => {
    const b = box.current;
    if (b) setView({ top: b.scrollTop, left: b.scrollLeft, width: b.clientWidth, height: b.clientHeight });
  };
  useLayoutEffect(() => {
    look();
    const watch = new ResizeObserver(look);
    if (box.current) watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  useEffect(() => now.current.onView(from, to, wanted.split("\n")), [from, to, wanted]);
  useLayoutEffect(() => {
    const b = box.current;
    if (!b || !p.shift?.by) return;
    if (b.scrollTop > 0) b.scrollTop += p.shift.by * rowHeight;
    setAt((a) => (a.row < 0 ? a : { ...a, row: a.row + (p.shift?.by ?? 0) }));
  }, [p.shift]);
  useEffect(() => {
    if (at.row >= p.rows) setAt((a) => ({ ...a, row: p.rows - 1 }));
    if (at.column >= s.all.length) setAt((a) => ({ ...a, column: Math.max(0, s.all.length - 1) }));
  }, [p.rows, s.all.length]);

  const moveTo = (row: number, column: number) => {
    const to = { row: Math.max(-1, Math.min(p.rows - 1, row)), column: Math.max(0, Math.min(s.all.length - 1, column)) };
    setAt(to);
    const b = box.current;
    if (!b) return;
    if (to.row >= 0) {
      const top = to.row * rowHeight;
      const room = b.clientHeight - rowHeight - 2;
      if (top < b.scrollTop) b.scrollTop = top;
      else if (top + rowHeight > b.scrollTop + room) b.scrollTop = top + rowHeight - room;
    }
    if (to.column >= s.pinned) {
      const left = s.left[to.column] as number;
      const right = left + (s.all[to.column]?.width ?? 0);
      if (left - s.pinnedWidth < b.scrollLeft) b.scrollLeft = left - s.pinnedWidth;
      else if (right > b.scrollLeft + b.clientWidth) b.scrollLeft = right - b.clientWidth;
    }
    look();
  };
  const toggle = (row: number) => {
    const key = p.rowKey(row);
    if (key !== undefined) p.onSelect([key], !p.selected.has(key));
    anchor.current = row;
  };
  const range = (row: number) => p.onSelect(between(anchor.current ?? row, row, p.rowKey), true);
  const copy = async () => {
    const rows: number[] = [];
    for (let i = 0; i < p.rows && rows.length < 5_000; i++) {
      const key = p.rowKey(i);
      if (key !== undefined && p.selected.has(key)) rows.push(i);
    }
    const cells = s.all.filter((c) => !c.fixed);
    const column = s.all[at.column];
    let text = "";
    if (rows.length > 0) text = [cells.map((c) => c.hint ?? c.title).join("\t"), ...rows.map((r) => cells.map((c) => p.text(r, c.id)).join("\t"))].join("\n");
    else if (column) text = at.row < 0 ? (column.hint ?? column.title) : p.text(at.row, column.id);
    if (await copyText(text)) toast(rows.length > 0 ? `${rows.length} rows copied, tab separated` : "Copied", "ok");
  };
  const keys = (e: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((view.height - rowHeight) / rowHeight) - 1);
    const column = s.all[at.column];
    const head = at.row < 0 && column && !column.fixed ? column : undefined;
    if ((e.ctrlKey || e.metaKey) && e.key === "c" && !getSelection()?.toString()) {
      e.preventDefault();
      void copy();
      return;
    }
    if (e.altKey && head && (e.key === "ArrowLeft" || e.key === "ArrowRight")) {
      e.preventDefault();
      const to = at.column + (e.key === "ArrowLeft" ? -1 : 2);
      const before = s.all[to];
      if (to < 0 || before?.fixed || (!!s.all[at.column + (e.key === "ArrowLeft" ? -1 : 1)]?.pinned !== !!head.pinned)) return;
      p.onMove(head.id, before?.id ?? null);
      setAt({ row: -1, column: at.column + (e.key === "ArrowLeft" ? -1 : 1) });
      return;
    }
    if (e.shiftKey && head && (e.key === "ArrowLeft" || e.key === "ArrowRight")) {
      e.preventDefault();
      p.onResize(head.id, clamp(head.width + (e.key === "ArrowLeft" ? -16 : 16)));
      return;
    }
    if (e.metaKey || e.altKey) return;
    let row = at.row;
    let col = at.column;
    switch (e.key) {
      case "ArrowDown":
      case "j":
      case "J":
        row++;
        break;
      case "ArrowUp":
      case "k":
      case "K":
        row--;
        break;
      case "ArrowLeft":
        col--;
        break;
      case "ArrowRight":
        col++;
        break;
      case "PageDown":
        row += page;
        break;
      case "PageUp":
        row = Math.max(0, row - page);
        break;
      case "Home":
        if (e.ctrlKey) row = 0;
        col = 0;
        break;
      case "End":
        if (e.ctrlKey) row = p.rows - 1;
        col = s.all.length - 1;
        break;
      case "x":
      case " ":
        if (at.row < 0) return;
        e.preventDefault();
        toggle(at.row);
        return;
      case "X":
        if (at.row < 0) return;
        e.preventDefault();
        range(at.row);
        return;
      case "Enter":
        e.preventDefault();
        if (at.row >= 0) p.onOpen(at.row);
        else if (column?.sortable) p.onSort(column.id, e.shiftKey);
        return;
      case "p":
        if (!head) return;
        e.preventDefault();
        p.onPin(head.id);
        return;
      case "Delete":
        if (!head) return;
        e.preventDefault();
        p.onHide(head.id);
        return;
      default:
        return;
    }
    if (e.ctrlKey && !["Home", "End"].includes(e.key)) return;
    e.preventDefault();
    const before = at.row;
    moveTo(row, col);
    if ((e.shiftKey || e.key === "J" || e.key === "K") && row !== before && before >= 0) {
      anchor.current ??= before;
      range(Math.max(0, Math.min(p.rows - 1, row)));
    }
  };
  const name = (row: number, column: number) => `${id}-${row}-${column}`;
  const cellStyle = (column: number) => {
    const c = s.all[column] as GridColumn;
    return column < s.pinned ? { width: `${c.width}px`, left: `${s.left[column] as number}px` } : { width: `${c.width}px` };
  };
  const cells = (render: (c: GridColumn, i: number) => ComponentChildren) => (
    <>
      {s.all.slice(0, s.pinned).map(render)}
      {first > s.pinned && <div class="grid-gap" style={{ width: `${(s.left[first] ?? s.width) - s.pinnedWidth}px` }} />}
      {s.all.slice(first, last).map((c, i) => render(c, first + i))}
    </>
  );
  const rows: ComponentChildren[] = [];
  for (let r = from; r < to; r++) {
    const key = p.rowKey(r);
    const chosen = key !== undefined && p.selected.has(key);
    rows.push(
      <div
        key={key ?? `row ${r}`}
        role="row"
        aria-rowindex={r + 2}
        aria-selected={chosen}
        class={`grid-row${chosen ? " chosen" : ""}${r === at.row ? " at" : ""} ${p.rowClass?.(r) ?? ""}`}
        style={{ transform: `translateY(${r * rowHeight}px)`, width: `${wide}px` }}
        data-index={r}
      >
        {cells((c, i) => (
          <div
            key={c.id}
            id={name(r, i)}
            role="gridcell"
            aria-colindex={i + 1}
            class={`grid-cell${c.num ? " num" : ""}${c.pinned ? " pinned" : ""}${i === s.pinned - 1 ? " edge" : ""}${focused && r === at.row && i === at.column ? " cursor" : ""}`}
            style={cellStyle(i)}
          >
            {key === undefined ? c.fixed ? null : <span class="grid-wait" /> : p.cell(r, c.id)}
          </div>
        ))}
      </div>,
    );
  }
  const press = (e: MouseEvent) => {
    const target = e.target as HTMLElement;
    const row = target.closest<HTMLElement>("[data-index]");
    if (!row) return;
    const r = Number(row.dataset.index);
    const cell = target.closest<HTMLElement>("[role=gridcell]");
    const column = cell ? Number(cell.getAttribute("aria-colindex")) - 1 : 0;
    setAt({ row: r, column });
    if (target.closest("a, button, input")) return;
    if (e.shiftKey) {
      e.preventDefault();
      range(r);
    } else if (e.metaKey || e.ctrlKey) toggle(r);
  };
  return (
    <div
      ref={box}
      class="grid"
      role="grid"
      aria-label={p.label}
      aria-rowcount={p.rows + 1}
      aria-colcount={s.all.length}
      aria-multiselectable="true"
      aria-activedescendant={at.row < 0 ? name(-1, at.column) : at.row >= from && at.row < to ? name(at.row, at.column) : undefined}
      tabIndex={0}
      data-grid
      style={{ height: p.height }}
      onScroll={look}
      onKeyDown={keys}
      onFocus={(e) => setFocused(e.target === box.current)}
      onBlur={() => setFocused(false)}
    >
      <div class="grid-head" role="row" aria-rowindex={1} style={{ width: `${wide}px` }}>
        {cells((c, i) => (
          <Head
            key={c.id}
            c={c}
            id={name(-1, i)}
            index={i}
            cursor={focused && at.row < 0 && i === at.column}
            edge={i === s.pinned - 1}
            style={cellStyle(i)}
            sort={(add) => {
              setAt({ row: -1, column: i });
              p.onSort(c.id, add);
            }}
            resize={(w) => p.onResize(c.id, clamp(w))}
            drop={(dragged) => p.onMove(dragged, c.id)}
          />
        ))}
      </div>
      <div class="grid-body" style={{ height: `${p.rows * rowHeight + (p.below ?? 0)}px`, width: `${wide}px` }} onMouseDown={press} onDblClick={(e) => openAt(e, p.onOpen)}>
        {rows}
      </div>
    </div>
  );
}

function openAt(e: MouseEvent, open: (row: number) => void) {
  const row = (e.target as HTMLElement).closest<HTMLElement>("[data-index]");
  if (row && !(e.target as HTMLElement).closest("a, button, input")) open(Number(row.dataset.index));
}

function clamp(width: number): number {
  return Math.round(Math.max(narrowest, Math.min(widest, width)));
}

interface HeadProps {
  c: GridColumn;
  id: string;
  index: number;
  cursor: boolean;
  edge: boolean;
  style: { width: string; left?: string };
  sort: (add: boolean) => void;
  resize: (width: number) => void;
  drop: (dragged: string) => void;
}

/** Head is the head of a column: a click sorts, its right edge resizes, dragging moves it. */
function Head({ c, id, index, cursor, edge, style, sort, resize, drop }: HeadProps) {
  const [over, setOver] = useState(false);
  const pull = (e: PointerEvent) => {
    e.preventDefault();
    e.stopPropagation();
    const handle = e.currentTarget as HTMLElement;
    handle.setPointerCapture(e.pointerId);
    const start = e.clientX;
    const move = (m: PointerEvent) => resize(c.width + m.clientX - start);
    const end = () => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("pointerup", end);
      handle.removeEventListener("pointercancel", end);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", end);
    handle.addEventListener("pointercancel", end);
  };
  const order = c.sort === "asc" ? "ascending" : c.sort === "desc" ? "descending" : c.sortable ? "none" : undefined;
  return (
    <div
      id={id}
      role="columnheader"
      aria-colindex={index + 1}
      aria-sort={order}
      class={`grid-cell${c.num ? " num" : ""}${c.pinned ? " pinned" : ""}${edge ? " edge" : ""}${cursor ? " cursor" : ""}${over ? " over" : ""}${c.sortable ? " sorts" : ""}`}
      style={style}
      title={c.hint ?? c.title}
      draggable={!c.fixed}
      onDragStart={(e) => e.dataTransfer?.setData("text/trimtab-column", c.id)}
      onDragOver={(e) => {
        if (c.fixed || !e.dataTransfer?.types.includes("text/trimtab-column")) return;
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        setOver(false);
        const dragged = e.dataTransfer?.getData("text/trimtab-column");
        if (dragged && dragged !== c.id) drop(dragged);
      }}
      onClick={(e) => c.sortable && sort(e.shiftKey)}
    >
      <span class={c.title ? "grid-title" : "visually-hidden"}>{c.title || c.hint}</span>
      {c.sort && (
        <span class="grid-sort" aria-hidden="true">
          {c.sort === "asc" ? "↑" : "↓"}
          {c.rank !== undefined && <small>{c.rank}</small>}
        </span>
      )}
      {!c.fixed && <span class="grid-pull" aria-hidden="true" onPointerDown={pull} onClick={(e) => e.stopPropagation()} />}
    </div>
  );
}
