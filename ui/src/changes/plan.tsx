// What a plan or an apply does, resource by resource, with the signs that people
// know from the command line.
import { useState } from "preact/hooks";
import type { ChangeAction, ChangeField, ChangePlan } from "../api_gen";
import { enc, href } from "../router";
import { plural } from "../format";

const signs: Record<string, string> = { create: "+", update: "~", replace: "±", delete: "−" };
const words: Record<string, [string, string]> = { create: ["is created", "created"], update: ["changes", "changed"], replace: ["is replaced", "replaced"], delete: ["is deleted", "deleted"] };

/** pageOfKind is where a declared thing is shown, "" when it has no page. */
export function pageOfKind(kind: string, name: string): string {
  const page = { Pipeline: "pipelines/", Model: "models/", Endpoint: "endpoints/", Monitor: "monitors/", DataSource: "data/sources/", DataContract: "data/contracts/" }[kind];
  return page ? page + enc(name) : "";
}

/** Sign is the sign of what happens, with its word for those who do not see it. */
export function Sign({ verb }: { verb: string }) {
  return (
    <span class={`changes-sign ${verb}`}>
      <span aria-hidden="true">{signs[verb] ?? "✓"}</span>
      <span class="visually-hidden">{words[verb]?.[1] ?? "unchanged"}: </span>
    </span>
  );
}

/** value writes a field as people read it: text without quotes, the rest as JSON. */
export function value(json: string | undefined): string {
  if (json === undefined || json === "") return "";
  try {
    const v: unknown = JSON.parse(json);
    if (typeof v === "string") return v === "" ? '""' : v;
    return typeof v === "object" && v !== null ? JSON.stringify(v) : String(v);
  } catch {
    return json;
  }
}

/** Fields are differing fields, old and new side by side. */
export function Fields({ of: all }: { of: ChangeField[] }) {
  return (
    <dl class="changes-fields">
      {all.map((f) => (
        <div key={f.path}>
          <dt>
            <code>{f.path.replace(/^spec\./, "")}</code>
          </dt>
          <dd>
            {f.old && (
              <del>
                <span class="visually-hidden">was </span>
                {value(f.old)}
              </del>
            )}
            {f.old && f.new && <span aria-hidden="true"> → </span>}
            {f.new && (
              <ins>
                <span class="visually-hidden">{f.old ? "is " : "new: "}</span>
                {value(f.new)}
              </ins>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

const few = 8;

/** Action is one resource of a plan, opened when it changes or is the only one. */
function Action({ a, done, open: first }: { a: ChangeAction; done: boolean; open: boolean }) {
  const [open, setOpen] = useState(first);
  const [all, setAll] = useState(false);
  const page = pageOfKind(a.kind, a.name);
  const shown = all ? a.fields : a.fields.slice(0, few);
  return (
    <li class="changes-action">
      <div class="head">
        <Sign verb={a.verb} />
        {a.fields.length > 0 ? (
          <button type="button" class="name" data-row aria-expanded={open} onClick={() => setOpen(!open)}>
            <span class="kind">{a.kind}</span> <span class="title">{a.name}</span>
          </button>
        ) : (
          <span class="name">
            <span class="kind">{a.kind}</span> <span class="title">{a.name}</span>
          </span>
        )}
        <span class="detail">
          {words[a.verb]?.[done ? 1 : 0] ?? a.verb}
          {a.fields.length > 0 && a.verb !== "create" && `, ${plural(a.fields.length, "field")}`}
          {a.reason && `: ${a.reason}`}
          {a.since && <strong> {a.since} since</strong>}
        </span>
        <span class="grow" />
        {page && (done ? a.verb !== "delete" && a.since !== "deleted" : a.verb !== "create") && (
          <a href={href(page)} data-page>
            Open
          </a>
        )}
        {a.index !== undefined && (
          <a href={href(`audit/${a.index}`)} data-page>
            Entry {a.index}
          </a>
        )}
      </div>
      {!a.known && <p class="detail">Which fields is not known: it was made by an older trimtab, which kept the digests of the states only.</p>}
      {open && a.fields.length > 0 && (
        <>
          <Fields of={shown} />
          {a.fields.length > few && (
            <button type="button" class="quiet" onClick={() => setAll(!all)}>
              {all ? `Show the first ${few}` : `Show all ${a.fields.length} fields`}
            </button>
          )}
        </>
      )}
    </li>
  );
}

/** Actions are all resources of a plan or of an apply. */
export function Actions({ of: all, done = false }: { of: ChangeAction[]; done?: boolean }) {
  return (
    <ul class="panel changes-actions">
      {all.map((a) => (
        <Action key={a.kind + a.name} a={a} done={done} open={all.length === 1 || a.verb !== "create"} />
      ))}
    </ul>
  );
}

/** Plan is a whole plan: what it does, what follows, what is not known. */
export function Plan({ of: p }: { of: ChangePlan }) {
  const errors = p.problems.filter((x) => x.severity === "error").length;
  return (
    <div class="changes-plan">
      {p.problems.length > 0 && (
        <ul class="changes-problems">
          {p.problems.map((x, i) => (
            <li key={i} class={x.severity}>
              <p>
                <span class="title">
                  {x.severity === "error" ? "Error" : "Warning"}
                  {x.line ? `, line ${x.line}${x.column ? `:${x.column}` : ""}` : ""}:
                </span>{" "}
                {x.summary}
                {x.expected && <span class="detail"> Expected {x.expected}.</span>}
                {x.didYouMean && (
                  <span class="detail">
                    {" "}
                    Did you mean <code>{x.didYouMean}</code>?
                  </span>
                )}
              </p>
              {x.excerpt && (
                <pre tabIndex={0}>
                  {x.excerpt}
                  {x.column ? `\n${" ".repeat(x.column - 1)}${"^".repeat(Math.max(1, (x.endColumn ?? x.column + 1) - x.column))}` : ""}
                </pre>
              )}
            </li>
          ))}
        </ul>
      )}
      {errors === 0 && (
        <>
          <p class="summary" role="status">
            {counted(p.actions)}
            {p.unchanged > 0 && `${p.actions.length > 0 ? "; " : ""}✓ ${p.unchanged} as declared`}
          </p>
          {p.actions.length > 0 && <Actions of={p.actions} />}
          {p.effects.length > 0 && (
            <section>
              <h3>What follows</h3>
              <ul class="changes-effects">
                {p.effects.map((e, i) => (
                  <li key={i}>
                    <code>{e.subject}</code> {e.text}
                  </li>
                ))}
              </ul>
            </section>
          )}
          {p.unknown.length > 0 && (
            <section>
              <h3>Not known yet</h3>
              <ul class="changes-effects">
                {p.unknown.map((e, i) => (
                  <li key={i}>
                    <code>{e.subject}</code> {e.text}
                  </li>
                ))}
              </ul>
            </section>
          )}
          {p.drift.length > 0 && <p class="note warn">{p.drift.map((d) => `${d.kind.toLowerCase()}/${d.name} was changed by ${d.manager} meanwhile`).join("; ")}: this plan takes that back.</p>}
          {p.notes.map((n) => (
            <p key={n} class="note">
              {n}
            </p>
          ))}
        </>
      )}
    </div>
  );
}

/** counted writes how many resources are created, changed and so on. */
export function counted(all: { verb: string }[]): string {
  const n = (verb: string) => all.filter((a) => a.verb === verb).length;
  const parts = Object.entries(words)
    .filter(([verb]) => n(verb) > 0)
    .map(([verb, [, word]]) => `${signs[verb]} ${n(verb)} ${word}`);
  return parts.join(", ") || "Nothing changes";
}
