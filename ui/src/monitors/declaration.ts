// A declared thing as YAML, for "Copy as".
import { apiURL } from "../base";
import { call } from "../query";
import { enc, project } from "../router";

interface Declared {
  kind: string;
  name: string;
  labels?: Record<string, string>;
  spec: unknown;
}

/** declaration is the YAML of a declared thing, as the server keeps it: without its defaults. */
export async function declaration(kind: string, name: string): Promise<string> {
  const r = await call<Declared>("GET", apiURL(project.value, `resources/${enc(kind)}/${enc(name)}`));
  return yaml({ apiVersion: "trimtab.dev/v1alpha1", kind: r.kind, metadata: { name: r.name, ...(r.labels ? { labels: r.labels } : {}) }, spec: r.spec }, "") + "\n";
}

/** yaml writes a value of JSON as a block of YAML. */
export function yaml(v: unknown, indent: string): string {
  if (Array.isArray(v)) return v.length === 0 ? "[]" : v.map((x) => `${indent}- ${inner(x, indent + "  ")}`).join("\n");
  if (v !== null && typeof v === "object") {
    const all = Object.entries(v);
    return all.length === 0 ? "{}" : all.map(([k, x]) => `${indent}${word(k)}:${nested(x) ? "\n" + yaml(x, indent + "  ") : " " + yaml(x, "")}`).join("\n");
  }
  return typeof v === "string" ? word(v) : String(v);
}

const nested = (v: unknown) => v !== null && typeof v === "object" && Object.keys(v).length > 0;

function inner(v: unknown, indent: string): string {
  return nested(v) ? yaml(v, indent).slice(indent.length) : yaml(v, "");
}

// What reads as something else than a text stands in quotes; JSON's are YAML's.
function word(s: string): string {
  return /^[A-Za-z_][\w./-]*$/.test(s) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(s) ? s : JSON.stringify(s);
}
