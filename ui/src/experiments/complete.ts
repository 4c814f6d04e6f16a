// What can stand at a place of a filter: names, operators, values, and how
// comparisons are joined. Without the page and without the server.

/** Wanted is what the place of the cursor asks for. */
export type Wanted =
  | { what: "name"; from: number; typed: string; prefix?: "metrics" | "params" | "tags" }
  | { what: "operator"; from: number; typed: string; name: string; kind: "number" | "text" }
  | { what: "value"; from: number; typed: string; name: string; kind: "number" | "text"; list: boolean }
  | { what: "joint"; from: number; typed: string }
  | { what: "nothing" };

/** names are the attributes of runs in the search language. */
export const names: [name: string, kind: "number" | "text", note: string][] = [
  ["run_name", "text", "name of the run"],
  ["status", "text", "state of the run"],
  ["user_id", "text", "who ran it"],
  ["start_time", "number", "ms since 1970"],
  ["end_time", "number", "ms since 1970"],
  ["run_id", "text", "id of the run"],
  ["artifact_uri", "text", "where its files are"],
];

/** prefixes are the names that hold keys. */
export const prefixes: [prefix: "metrics" | "params" | "tags", note: string][] = [
  ["metrics", "the latest value of a metric"],
  ["params", "a param, as text"],
  ["tags", "a tag, as text"],
];

/** operatorsOf are the operators of a kind of value. */
export function operatorsOf(kind: "number" | "text"): [operator: string, note: string][] {
  if (kind === "number")
    return [
      [">", "above"],
      [">=", "at least"],
      ["<", "below"],
      ["<=", "at most"],
      ["=", "equal"],
      ["!=", "not equal"],
      ["BETWEEN", "0 AND 1"],
      ["IS NOT NULL", "has a value"],
      ["IS NULL", "has none"],
    ];
  return [
    ["=", "equal"],
    ["!=", "not equal"],
    ["LIKE", "with % and _"],
    ["ILIKE", "in any case of letters"],
    ["IN", "one of a list"],
    ["IS NOT NULL", "has a value"],
    ["IS NULL", "has none"],
  ];
}

const namePattern = /(?:[A-Za-z_]+\.)?(?:`[^`]*`|"[^"]*"|[A-Za-z0-9_.]+)/y;
const operatorPattern = /(?:>=|<=|!=|<>|==|=|>|<|NOT\s+ILIKE\b|NOT\s+LIKE\b|NOT\s+IN\b|NOT\s+BETWEEN\b|ILIKE\b|LIKE\b|IN\b|BETWEEN\b|IS\s+NOT\s+NULL\b|IS\s+NULL\b)/iy;

/** kindOfName is what a name holds. */
export function kindOfName(name: string): "number" | "text" {
  if (/^metrics?\./.test(name)) return "number";
  return names.find(([n]) => n === name.replace(/^(attributes?|attr|run)\./, ""))?.[1] ?? "text";
}

/** wantedAt reads the text before the cursor as far as it goes. */
export function wantedAt(text: string, cursor: number): Wanted {
  const before = text.slice(0, cursor);
  let at = 0;
  const skip = () => {
    while (at < before.length && /\s/.test(before[at] as string)) at++;
  };
  const sticky = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const m = pattern.exec(before);
    if (!m) return undefined;
    at += m[0].length;
    return m[0];
  };
  for (let i = 0; i < 500; i++) {
    // A name, behind parentheses and NOTs.
    for (;;) {
      skip();
      if (before[at] === "(") at++;
      else if (/^(NOT|AND|OR)\s/i.test(before.slice(at))) at += before.slice(at).indexOf(before.slice(at).match(/\s/)?.[0] ?? " ");
      else break;
    }
    let from = at;
    const unclosed = before.slice(at).match(/^(metrics?|params?|parameters?|tags?)\.[`"]([^`"]*)$/i);
    if (unclosed) return { what: "name", from, typed: unclosed[2] as string, prefix: prefixOf(unclosed[1] as string) };
    const name = sticky(namePattern);
    const open = name === undefined || at >= before.length;
    if (open) {
      const typed = before.slice(from);
      const keyed = typed.match(/^(metrics?|params?|parameters?|tags?)\.[`"]?([^`"]*)$/i);
      if (keyed) return { what: "name", from, typed: keyed[2] ?? "", prefix: prefixOf(keyed[1] as string) };
      if (/[`"']/.test(typed) && !/^[`"]?[^`"']*$/.test(typed)) return { what: "nothing" };
      return { what: "name", from, typed };
    }
    const kind = kindOfName(name);
    skip();
    from = at;
    const operator = sticky(operatorPattern);
    const partial = before.slice(from);
    if (operator === undefined || (at >= before.length && /[A-Za-z<>!]$/.test(operator))) return { what: "operator", from, typed: partial, name, kind };
    if (/NULL$/i.test(operator)) {
      // no value
    } else if (/IN$/i.test(operator)) {
      skip();
      if (before[at] === "(") at++;
      else return { what: "nothing" };
      for (;;) {
        skip();
        const start = at;
        if (!value()) return { what: "value", from: start, typed: before.slice(start), name, kind, list: true };
        skip();
        if (before[at] === ",") at++;
        else if (before[at] === ")") {
          at++;
          break;
        } else return { what: "nothing" };
      }
    } else {
      skip();
      let start = at;
      if (!value()) return { what: "value", from: start, typed: before.slice(start), name, kind, list: false };
      if (/BETWEEN$/i.test(operator)) {
        skip();
        if (!/^AND\s/i.test(before.slice(at))) return { what: "nothing" };
        at += 4;
        skip();
        start = at;
        if (!value()) return { what: "nothing" };
      }
    }
    skip();
    while (before[at] === ")") {
      at++;
      skip();
    }
    if (at >= before.length && !/[\s)]$/.test(before)) return { what: "nothing" };
    const joint = before.slice(at).match(/^(AND|OR)\s/i);
    if (!joint) {
      const rest = before.slice(at);
      return /^[A-Za-z]*$/.test(rest) && ["and", "or"].some((w) => w.startsWith(rest.toLowerCase())) ? { what: "joint", from: at, typed: rest } : { what: "nothing" };
    }
    at += joint[0].length;
  }
  return { what: "nothing" };

  /** value goes past one value; false when it is not ended yet. */
  function value(): boolean {
    const quote = before[at];
    if (quote === "'" || quote === '"') {
      const end = before.indexOf(quote, at + 1);
      if (end < 0) return false;
      at = end + 1;
      return true;
    }
    const start = at;
    while (at < before.length && !/[\s,()]/.test(before[at] as string)) at++;
    if (at >= before.length) {
      at = start;
      return false;
    }
    return at > start;
  }
}

function prefixOf(word: string): "metrics" | "params" | "tags" {
  const w = word.toLowerCase();
  return w.startsWith("m") ? "metrics" : w.startsWith("t") ? "tags" : "params";
}

/** quoted writes a text as a value. */
export function quoted(text: string): string {
  return text.includes("'") ? `"${text}"` : `'${text}'`;
}

/** placeOf turns a place in bytes of UTF-8 into a place in the text. */
export function placeOf(text: string, bytes: number): number {
  let seen = 0;
  let at = 0;
  for (const c of text) {
    if (seen >= bytes) break;
    const code = c.codePointAt(0) as number;
    seen += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    at += c.length;
  }
  return at;
}
