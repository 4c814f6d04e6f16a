// A console to ask an endpoint: filled with the last logged row, or with typed zero
// values. "Score only" leaves no trace; the two protocols are what clients send.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { EndpointColumn, EndpointExample, EndpointPage, EndpointTrial } from "../api_gen";
import { apiURL, serverURL } from "../base";
import { curl as curlOf } from "../copy";
import { figure, moment } from "../format";
import { Answer } from "../page";
import { CopyButton, Section } from "../parts";
import { useQuery, type Problem } from "../query";
import { enc, project, useParam } from "../router";
import { Shape } from "../shapes";
import { ms } from "./words";

/** Way is how the endpoint is asked. */
type Way = "score" | "invocations" | "v2";

interface Reply {
  status: number;
  text: string;
  took: number; // ms, as the browser saw it
  version?: string | undefined;
  variant?: string | undefined;
  trial?: EndpointTrial;
}

export function TryIt({ of: p }: { of: EndpointPage }) {
  const q = useQuery<EndpointExample>(apiURL(project.value, `endpoints/${enc(p.endpoint.name)}/example`), []);
  return <Answer of={q}>{(example) => <Console page={p} example={example} />}</Answer>;
}

const sources: Record<string, (e: EndpointExample) => string> = {
  logged: (e) => `Filled with the last row that was logged${e.at ? `, of ${moment(e.at)}` : ""}.`,
  zero: () => "Filled with zero values of the signature's types.",
};

function Console({ page: p, example }: { page: EndpointPage; example: EndpointExample }) {
  const e = p.endpoint;
  const first = useMemo(() => valuesOf(example, p.columns), [example, p.columns]);
  const [values, setValues] = useState(first);
  const [way, setWay] = useParam("way", "score");
  const [version, setVersion] = useState(0);
  const [raw, setRaw] = useState<string>(); // edited by hand; undefined: from the fields
  const [reply, setReply] = useState<Reply>();
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const bad = p.columns.flatMap((c) => {
    const why = wrong(c, values[c.name] ?? "");
    return why ? [`${c.name}: ${why}`] : [];
  });
  const body = useMemo(() => raw ?? bodyOf(way as Way, p.columns, values), [raw, way, values, p.columns]);
  useEffect(() => setRaw(undefined), [way]);
  const address = addressOf(way as Way, e.name, version);
  const live = way !== "score";
  const refusedAs = live && e.mode === "driven";
  const answer = useRef<HTMLDivElement>(null);
  const send = async () => {
    setBusy(true);
    setProblem(undefined);
    const begun = performance.now();
    try {
      const a = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json", ...workspace() }, body, cache: "no-store", signal: AbortSignal.timeout(20_000) });
      const text = await a.text();
      const next: Reply = { status: a.status, text, took: performance.now() - begun, version: a.headers.get("X-Model-Version") ?? undefined, variant: a.headers.get("X-Variant") ?? undefined };
      if (way === "score" && a.ok) next.trial = JSON.parse(text) as EndpointTrial;
      setReply(next);
    } catch {
      setReply(undefined);
      setProblem({ kind: "unreachable", message: "The server does not answer.", status: 0 });
    }
    setBusy(false);
  };
  const key = (k: KeyboardEvent) => {
    if (k.key === "Enter" && (k.ctrlKey || k.metaKey)) {
      k.preventDefault();
      void send();
    }
  };
  return (
    <div class="endpoints-try" onKeyDown={key}>
      <Section
        id="try-request"
        title="Request"
        aside={
          <div class="endpoints-ways" role="radiogroup" aria-label="How to ask">
            {(
              [
                ["score", "Score only"],
                ["invocations", "/invocations"],
                ["v2", "V2 infer"],
              ] as const
            ).map(([id, text]) => (
              <label key={id}>
                <input type="radio" name="way" checked={way === id} onChange={() => setWay(id)} />
                {text}
              </label>
            ))}
          </div>
        }
      >
        <p class="detail endpoints-note">
          {way === "score"
            ? "Neither logged nor counted: monitors and rollouts do not see it."
            : refusedAs
              ? "This endpoint is driven by a replay and refuses live requests: score only instead."
              : "A real request: it is logged, counted and watched like any other."}{" "}
          {raw === undefined && sources[example.source]?.(example)}
        </p>
        {raw === undefined ? (
          <div class="endpoints-fields">
            {p.columns.map((c) => (
              <InputField key={c.name} column={c} value={values[c.name] ?? ""} set={(v) => setValues({ ...values, [c.name]: v })} />
            ))}
          </div>
        ) : (
          <textarea class="endpoints-body" aria-label="Body of the request" rows={14} value={raw} spellcheck={false} onInput={(x) => setRaw(x.currentTarget.value)} />
        )}
        <div class="endpoints-send">
          <button type="button" class="primary" disabled={busy || (raw === undefined && bad.length > 0)} onClick={send} title="Ctrl Enter">
            {busy ? "Asking" : "Send"}
          </button>
          {way === "score" && p.routes.length > 1 && (
            <label class="endpoints-inline">
              Version{" "}
              <select value={version} onChange={(x) => setVersion(Number(x.currentTarget.value))}>
                <option value={0}>that answers</option>
                {p.routes.map((r) => (
                  <option key={r.version} value={r.version}>
                    {r.version}, {r.role}
                  </option>
                ))}
              </select>
            </label>
          )}
          <button type="button" class="quiet" onClick={() => setRaw(raw === undefined ? pretty(body) : undefined)}>
            {raw === undefined ? "Edit as JSON" : "Back to the fields"}
          </button>
          <button
            type="button"
            class="quiet"
            onClick={() => {
              setValues(first);
              setRaw(undefined);
            }}
          >
            Reset
          </button>
          {raw === undefined && bad.length > 0 && (
            <span class="state bad">
              <Shape tone="bad" />
              {bad[0]}
            </span>
          )}
        </div>
      </Section>
      <div class="endpoints-reply" ref={answer}>
        <Section id="try-answer" title="Answer" aside={reply && <ReplyHead of={reply} />}>
          <div aria-live="polite">
            {problem && (
              <p class="note warn">
                <Shape tone="bad" /> {problem.message}
              </p>
            )}
            {reply ? <ReplyBody of={reply} outputs={p.outputs} /> : !problem && <p class="detail">Nothing has been asked yet. Ctrl Enter sends.</p>}
          </div>
        </Section>
        <Section id="try-curl" title="The same by curl" aside={<CopyButton text={command(way as Way, address, body)} />}>
          <pre class="endpoints-code" tabIndex={0}>
            {command(way as Way, address, body)}
          </pre>
        </Section>
      </div>
    </div>
  );
}

function InputField({ column: c, value, set }: { column: EndpointColumn; value: string; set: (v: string) => void }) {
  const why = wrong(c, value);
  const list = c.values && c.values.length > 0 ? `values ${c.name}` : undefined;
  return (
    <label class="field">
      <span title={c.name}>
        {c.name} <em>{c.type}{c.required ? "" : ", optional"}</em>
      </span>
      <input
        value={value}
        list={list}
        inputMode={number(c.type) ? "decimal" : "text"}
        placeholder="null"
        aria-invalid={why !== undefined}
        title={why}
        autocomplete="off"
        spellcheck={false}
        onInput={(e) => set(e.currentTarget.value)}
      />
      {list && (
        <datalist id={list}>
          {c.values?.map((v) => (
            <option key={v} value={v} />
          ))}
        </datalist>
      )}
    </label>
  );
}

function ReplyHead({ of: r }: { of: Reply }) {
  const ok = r.status < 400;
  return (
    <span class="endpoints-status">
      <Shape tone={ok ? "ok" : "bad"} />
      {ok ? "answered" : "refused"}, status {r.status} in {ms(r.took)}
      {r.trial && `, of which the model took ${ms(r.trial.micros / 1000)}`}
      {(r.trial?.version ?? r.version) && ` · version ${r.trial?.version ?? r.version}`}
      {r.variant && ` (${r.variant})`}
    </span>
  );
}

function ReplyBody({ of: r, outputs }: { of: Reply; outputs: string[] }) {
  const numbers = useMemo(() => numbersOf(r, outputs), [r, outputs]);
  return (
    <>
      {numbers.length > 0 && (
        <dl class="endpoints-numbers">
          {numbers.map(([name, v], i) => (
            <div key={i}>
              <dt>{name}</dt>
              <dd>{v === null ? "null" : figure(v)}</dd>
            </div>
          ))}
        </dl>
      )}
      <pre class="endpoints-code" tabIndex={0}>
        {pretty(r.text)}
      </pre>
    </>
  );
}

/** numbersOf reads the first row out of an answer of any of the three ways. */
function numbersOf(r: Reply, outputs: string[]): [string, number | null][] {
  if (r.status >= 400) return [];
  if (r.trial) return r.trial.outputs.map((name, i) => [name, r.trial?.values[i] ?? null]);
  try {
    const body = JSON.parse(r.text) as { predictions?: unknown[]; outputs?: { name: string; data: unknown[] }[] };
    if (body.outputs) return body.outputs.slice(0, 8).map((o) => [o.name, typeof o.data[0] === "number" ? o.data[0] : null]);
    const row = body.predictions?.[0];
    const all = Array.isArray(row) ? row : [row];
    return all.slice(0, 8).map((v, i) => [outputs[i] ?? `output ${i}`, typeof v === "number" ? v : null]);
  } catch {
    return [];
  }
}

const number = (type: string) => /^(int|float)/.test(type);

/** wrong says why a text is no value of a column; undefined when it is one. Empty is null. */
function wrong(c: EndpointColumn, text: string): string | undefined {
  if (text === "") return c.required && number(c.type) && c.type.startsWith("int") ? "a whole number is needed" : undefined;
  if (c.type.startsWith("int")) return /^[+-]?\d+$/.test(text) ? undefined : "not a whole number";
  if (c.type.startsWith("float")) return Number.isNaN(Number(text)) ? "not a number" : undefined;
  if (c.type === "bool") return text === "true" || text === "false" ? undefined : "true or false";
  return undefined;
}

function valueOf(c: EndpointColumn, text: string): unknown {
  if (text === "") return c.type === "string" && c.required ? "" : null;
  if (number(c.type)) return Number(text);
  if (c.type === "bool") return text === "true";
  return text;
}

function valuesOf(e: EndpointExample, columns: EndpointColumn[]): Record<string, string> {
  const out: Record<string, string> = {};
  try {
    const split = (JSON.parse(e.body) as { dataframe_split: { columns: string[]; data: unknown[][] } }).dataframe_split;
    split.columns.forEach((name, i) => {
      const v = split.data[0]?.[i];
      out[name] = v === null || v === undefined ? "" : String(v);
    });
  } catch {
    for (const c of columns) out[c.name] = "";
  }
  return out;
}

const v2Types: Record<string, string> = { bool: "BOOL", int32: "INT32", int64: "INT64", float32: "FP32", float64: "FP64" };

function bodyOf(way: Way, columns: EndpointColumn[], values: Record<string, string>): string {
  const of = (c: EndpointColumn) => valueOf(c, values[c.name] ?? "");
  if (way === "v2") return JSON.stringify({ inputs: columns.map((c) => ({ name: c.name, shape: [1], datatype: v2Types[c.type] ?? "BYTES", data: [of(c)] })) });
  return JSON.stringify({ dataframe_split: { columns: columns.map((c) => c.name), data: [columns.map(of)] } });
}

function addressOf(way: Way, name: string, version: number): string {
  if (way === "score") return apiURL(project.value, `endpoints/${enc(name)}/try${version ? `?version=${version}` : ""}`);
  if (way === "v2") return `${serverURL}/v2/models/${enc(name)}/infer`;
  return `${serverURL}/endpoints/${enc(name)}/invocations`;
}

/** workspace is the header by which the protocols of others name a project. */
function workspace(): Record<string, string> {
  return project.value === "default" ? {} : { "X-MLFLOW-WORKSPACE": project.value };
}

/** command is the request as a command line. */
function command(way: Way, address: string, body: string): string {
  const text = curlOf(address, "POST", parsed(body));
  if (way === "score" || project.value === "default") return text;
  return text.replace(" -H ", ` -H 'X-MLFLOW-WORKSPACE: ${project.value}' -H `);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function pretty(text: string): string {
  try {
    const v: unknown = JSON.parse(text);
    const short = JSON.stringify(v);
    return short.length <= 100 ? short : JSON.stringify(v, null, 2).replace(/\[\s+((?:[^[\]{}]|\n)+?)\s+\]/g, (m, inner: string) => (inner.length > 2000 ? m : `[${inner.replace(/\s*\n\s*/g, " ")}]`));
  } catch {
    return text;
  }
}
