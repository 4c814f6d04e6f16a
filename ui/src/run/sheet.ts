// Tables out of text: CSV, TSV, and the JSON that MLflow's clients log tables as.

/** Sheet is the beginning of a table. */
export interface Sheet {
  head: string[];
  rows: string[][];
  numeric: boolean[]; // by column
  more: number; // rows that are not in it
  atLeast: boolean; // the text was cut: there may be still more
}

/** parseTable reads separated values with quotes as RFC 4180 has them; of a text that was cut the last line is left out. */
export function parseTable(text: string, separator: string, cut: boolean, most: number): Sheet {
  const all: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  let total = 0;
  const endRow = () => {
    row.push(cell);
    cell = "";
    if (row.length > 1 || row[0] !== "") {
      if (all.length <= most) all.push(row);
      total++;
    }
    row = [];
  };
  const n = text.length;
  for (let i = text.charCodeAt(0) === 0xfeff ? 1 : 0; i < n; i++) {
    const c = text[i] as string;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') {
        cell += '"';
        i++;
      } else quoted = false;
    } else if (c === '"' && cell === "") quoted = true;
    else if (c === separator) {
      row.push(cell);
      cell = "";
    } else if (c === "\n") endRow();
    else if (c !== "\r") cell += c;
  }
  if (!cut && (cell !== "" || row.length > 0)) endRow();
  const head = all[0] ?? [];
  const rows = all.slice(1, most + 1);
  return { head, rows, numeric: numericOf(head.length, rows), more: Math.max(0, total - 1 - rows.length), atLeast: cut };
}

/** tableOfJSON reads {columns, data} and arrays of flat objects; undefined is anything else. */
export function tableOfJSON(value: unknown, most: number): Sheet | undefined {
  const word = (v: unknown) => (v === null || v === undefined ? "" : typeof v === "object" ? JSON.stringify(v) : String(v));
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const { columns, data } = value as { columns?: unknown; data?: unknown };
    if (Array.isArray(columns) && Array.isArray(data) && data.every(Array.isArray)) {
      const rows = (data as unknown[][]).slice(0, most).map((r) => r.map(word));
      return { head: columns.map(word), rows, numeric: numericOf(columns.length, rows), more: data.length - rows.length, atLeast: false };
    }
    return undefined;
  }
  if (!Array.isArray(value) || value.length === 0 || !value.every((r) => typeof r === "object" && r !== null && !Array.isArray(r))) return undefined;
  const objects = value as Record<string, unknown>[];
  const head = [...new Set(objects.slice(0, most).flatMap((o) => Object.keys(o)))];
  const rows = objects.slice(0, most).map((o) => head.map((h) => word(o[h])));
  return { head, rows, numeric: numericOf(head.length, rows), more: objects.length - rows.length, atLeast: false };
}

function numericOf(columns: number, rows: string[][]): boolean[] {
  return Array.from({ length: columns }, (_, i) => {
    const some = rows.slice(0, 50).map((r) => r[i] ?? "").filter((v) => v !== "");
    return some.length > 0 && some.every((v) => v.trim() !== "" && !Number.isNaN(Number(v)));
  });
}
