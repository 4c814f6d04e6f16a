// Columns of the table of runs: what they are called in the address, in the
// search language, and for people.

/** Kind is what a column is about. */
export type Kind = "attribute" | "metric" | "param" | "tag";

/** attributes are the columns that every run has, and the names that the search language has for them. */
export const attributes: Record<string, { title: string; width: number; order?: string; num?: boolean }> = {
  "attributes.created": { title: "Created", width: 104, order: "start_time" },
  "attributes.duration": { title: "Duration", width: 88, num: true },
  "attributes.user": { title: "User", width: 96, order: "user_id" },
  "attributes.state": { title: "State", width: 104, order: "status" },
  "attributes.ended": { title: "Ended", width: 104, order: "end_time" },
  "attributes.id": { title: "Run id", width: 116, order: "run_id" },
};

/** the columns that stand before all others and cannot go away. */
export const pick = "pick";
export const nameColumn = "attributes.name";

/** kindOf is the kind of a column. */
export function kindOf(id: string): Kind {
  if (id.startsWith("metrics.")) return "metric";
  if (id.startsWith("params.")) return "param";
  if (id.startsWith("tags.")) return "tag";
  return "attribute";
}

/** keyOf is the key that was logged. */
export function keyOf(id: string): string {
  return id.slice(id.indexOf(".") + 1);
}

/** titleOf is what a column is called in its head. */
export function titleOf(id: string): string {
  return attributes[id]?.title ?? (id === nameColumn ? "Run" : keyOf(id).replace(/^mlflow\./, ""));
}

/** spell writes the name of a key as a filter has it: in backticks where it must. */
export function spell(prefix: string, key: string): string {
  return `${prefix}.${/^[A-Za-z0-9_.]+$/.test(key) ? key : key.includes("`") ? `"${key}"` : `\`${key}\``}`;
}

/** clauseOf is what the table is ordered by for a column; "" where it cannot be. */
export function clauseOf(id: string): string {
  if (id === nameColumn) return "run_name";
  const a = attributes[id];
  if (a) return a.order ?? "";
  const kind = kindOf(id);
  return kind === "attribute" ? "" : spell(`${kind}s`, keyOf(id));
}

/** Sort is one column of an order. */
export interface Sort {
  id: string;
  desc: boolean;
}

/** sortsOf reads the order in the address: "metrics.auc desc,attributes.created". Keys hold no comma. */
export function sortsOf(text: string): Sort[] {
  return text
    .split(",")
    .map((s) => s.trim())
    .filter((s) => s !== "")
    .map((s) => ({ id: s.replace(/ desc$/, ""), desc: s.endsWith(" desc") }))
    .filter((s) => clauseOf(s.id) !== "");
}

/** writeSorts is the order as the address has it. */
export function writeSorts(sorts: Sort[]): string {
  return sorts.map((s) => s.id + (s.desc ? " desc" : "")).join(",");
}

/** sorted is the order after a click on a column: down, up, and as before. A metric's best is mostly its highest. */
export function sorted(sorts: Sort[], id: string, add: boolean): Sort[] {
  const old = sorts.find((s) => s.id === id);
  const first = kindOf(id) === "metric" || id === "attributes.created" || id === "attributes.ended";
  const next = !old ? { id, desc: first } : old.desc === first ? { id, desc: !first } : undefined;
  if (!add) return next ? [next] : [];
  const rest = sorts.map((s) => (s.id === id ? next : s)).filter((s): s is Sort => s !== undefined);
  return old || !next ? rest : [...rest, next];
}

/** widthOf is how wide a column is at first. */
export function widthOf(id: string): number {
  const a = attributes[id];
  if (a) return a.width;
  const title = titleOf(id).length * 6.4 + 34;
  return Math.round(Math.max(kindOf(id) === "metric" ? 88 : 104, Math.min(176, title)));
}
