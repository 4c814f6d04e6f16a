// Small parts that every page uses.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { now } from "./clock";
import { age, figure, moment } from "./format";
import type { Problem } from "./query";
import { enc, href } from "./router";
import { Shape } from "./shapes";

export { CopyAs, CopyButton, copyText, type CopyOf } from "./copy";
export { Confirm, Dialog, Menu, toast, Toasts } from "./dialog";
export { Table, type Column } from "./listing";
import { copyText } from "./copy";

/** Age is how long ago something was; the moment itself shows on hover. */
export function Age({ at }: { at: string | undefined }) {
  if (!at) return <>–</>;
  return (
    <time dateTime={at} title={moment(at)}>
      {age(at, now.value)}
    </time>
  );
}

/** Section is a titled part of a page. */
export function Section({ id, title, aside, children }: { id: string; title: string; aside?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="section" aria-labelledby={id}>
      <header class="section-head">
        <h2 id={id}>{title}</h2>
        {aside && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** Command is a command line with a button that copies it. */
export function Command({ children, label }: { children: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [copied]);
  const code = useRef<HTMLElement>(null);
  const copy = async () => {
    if (await copyText(children)) setCopied(true);
    // Without access to the clipboard the text is selected, ready to be copied by hand.
    else if (code.current) getSelection()?.selectAllChildren(code.current);
  };
  return (
    <div class="command">
      <code ref={code} title={children.length > 60 ? children : undefined}>
        {children.split(" ").map((word, i) => (
          <>
            {i > 0 && " "}
            <span class="word">{word}</span>
          </>
        ))}
      </code>
      <button type="button" class="quiet" onClick={copy} aria-label={`Copy ${label ?? "the command"}`}>
        {copied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}

/** ProblemPanel says why there is nothing to show, and offers to try again. */
export function ProblemPanel({ problem, retry }: { problem: Problem; retry: () => void }) {
  return (
    <section class="problem" role="alert">
      <h1>
        <Shape tone="bad" /> The page could not be read
      </h1>
      <p>{problem.message}</p>
      <dl class="facts">
        <div>
          <dt>Kind</dt>
          <dd>{problem.kind}</dd>
        </div>
        {problem.requestId && (
          <div>
            <dt>Request id</dt>
            <dd>
              <code>{problem.requestId}</code>
            </dd>
          </div>
        )}
      </dl>
      <button type="button" class="primary" onClick={retry}>
        Try again
      </button>
    </section>
  );
}

/** Skeleton stands for a page that takes longer than 300 ms. */
export function Skeleton() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 300);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="skeleton" role="status">
      <span class="visually-hidden">Loading</span>
      {late && [64, 148, 320].map((height) => <div key={height} style={{ height }} aria-hidden="true" />)}
    </div>
  );
}

/** More opens and closes a list of which only the first lines are shown; nothing when all are. */
export function More({ total, shown, open, toggle, noun }: { total: number; shown: number; open: boolean; toggle: () => void; noun: string }) {
  if (total <= shown) return null;
  return (
    <button type="button" class="quiet more" aria-expanded={open} onClick={toggle}>
      {open ? `Show the first ${shown}` : `Show all ${total} ${noun}`}
    </button>
  );
}

/** WhenVisible mounts its content once it comes near the screen, and keeps its place before. */
export function WhenVisible({ height, children }: { height: number; children: () => ComponentChildren }) {
  const [seen, setSeen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (seen || !box.current) return;
    const watch = new IntersectionObserver((all) => all.some((x) => x.isIntersecting) && setSeen(true), { rootMargin: "400px" });
    watch.observe(box.current);
    return () => watch.disconnect();
  }, [seen]);
  return seen ? <>{children()}</> : <div ref={box} style={{ minHeight: height }} />;
}

/** Stale says that what is shown is not the newest, since a later question failed. */
export function Stale({ message, at, retry }: { message: string; at: number; retry: () => void }) {
  return (
    <div class="note warn" role="status">
      <Shape tone="warn" />
      <span>
        {message} What you see is from {new Date(at).toLocaleTimeString("en-GB")}.
      </span>
      <button type="button" class="quiet" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

/** Facts are labelled values in a row; those without a value are left out. */
export function Facts({ of }: { of: [label: string, value: ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of
        .filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false)
        .map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Interval is a value with its confidence interval; absent bounds are left out. */
export function Interval({ value, lo, hi, unit, signed }: { value: number | null | undefined; lo?: number | null | undefined; hi?: number | null | undefined; unit?: string; signed?: boolean }) {
  if (value === undefined) return <>–</>;
  const write = (v: number | null) => (signed && v !== null && v > 0 ? "+" : "") + figure(v);
  return (
    <>
      {write(value)}
      {unit}
      {lo != null && hi != null && (
        <>
          {" "}
          <span class="interval">
            [{write(lo)}, {write(hi)}]
          </span>
        </>
      )}
    </>
  );
}

/** Version links a version of a model. */
export function Version({ model, version }: { model: string; version: number }) {
  return (
    <a class="version-link" href={href(`models/${enc(model)}/versions/${version}`)} data-page>
      version {version}
    </a>
  );
}

/** Digest is a digest in short; a click copies the whole. */
export function Digest({ of }: { of: string | undefined }) {
  const [copied, setCopied] = useState(false);
  if (!of) return <>–</>;
  const short = of.replace(/^sha256:/, "").slice(0, 12);
  return (
    <button
      type="button"
      class="digest"
      title={`${of}: copy`}
      aria-label={`Copy the digest ${short}`}
      onClick={async () => setCopied(await copyText(of))}
      onBlur={() => setCopied(false)}
    >
      <code>{copied ? "copied" : short}</code>
    </button>
  );
}

/** Line of a difference: was there, is there, or both. */
export interface DiffLine {
  sign: "+" | "-" | "~" | " ";
  text: string;
}

/** Diff shows lines that came, went or changed; the sign says it, not the colour alone. */
export function Diff({ lines, label }: { lines: DiffLine[]; label: string }) {
  const words = { "+": "added", "-": "removed", "~": "changed", " ": "" };
  return (
    <pre class="diff" aria-label={label} tabIndex={0}>
      {lines.map((l, i) => (
        <span key={i} class={words[l.sign]}>
          <span aria-label={words[l.sign] || undefined}>{l.sign}</span> {l.text}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}
