// Small parts that every page uses.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { now } from "./clock";
import { age, moment } from "./format";
import type { Problem } from "./query";
import { Shape } from "./shapes";

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
    try {
      await navigator.clipboard.writeText(children);
      setCopied(true);
    } catch {
      // Without access to the clipboard the text is selected, ready to be copied by hand.
      if (code.current) getSelection()?.selectAllChildren(code.current);
    }
  };
  return (
    <div class="command">
      <code ref={code}>
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
