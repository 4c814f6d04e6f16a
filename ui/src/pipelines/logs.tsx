// What a step prints, while it prints it.
import { useEffect, useRef, useState } from "preact/hooks";
import { apiURL } from "../base";
import { count } from "../format";
import { enc, project } from "../router";
import { LogBuffer, piecesOf } from "./logbuffer";

const lineHeight = 18;
const tallest = 6_000_000; // px: browsers cut what is much taller
const mostFound = 100_000;

interface Props {
  run: string;
  step: string;
  attempt: number; // 0 the newest
  live: boolean;
}

/** Logs shows the log of an attempt: only the lines that are seen are in the page. */
export function Logs({ run, step, attempt, live }: Props) {
  const address = apiURL(project.value, `pipelineruns/${enc(run)}/steps/${enc(step)}/logs`);
  const query = attempt > 0 ? `attempt=${attempt}` : "";
  const buffer = useRef(new LogBuffer());
  const box = useRef<HTMLDivElement>(null);
  const [lines, setLines] = useState(0);
  const [over, setOver] = useState(false); // the stream has ended
  const [problem, setProblem] = useState("");
  const [again, setAgain] = useState(0);
  const [follow, setFollow] = useState(true);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);
  const [wanted, setWanted] = useState("");
  const [found, setFound] = useState<number[]>([]);
  const [at, setAt] = useState(0);

  useEffect(() => {
    const b = new LogBuffer();
    buffer.current = b;
    setLines(0);
    setOver(false);
    setProblem("");
    const stop = new AbortController();
    let frame = 0;
    const show = () => {
      frame = 0;
      setLines(b.lines);
    };
    void (async () => {
      try {
        const answer = await fetch(`${address}?follow=true${query && `&${query}`}`, { signal: stop.signal, cache: "no-store" });
        if (!answer.ok || !answer.body) {
          const said = (await answer.json().catch(() => ({}))) as { error?: string };
          throw new Error(said.error ?? `the server answered with status ${answer.status}`);
        }
        const reader = answer.body.getReader();
        const decode = new TextDecoder();
        for (;;) {
          const { done, value } = await reader.read();
          if (stop.signal.aborted) return;
          if (value) b.add(decode.decode(value, { stream: true }));
          if (done) break;
          if (b.full) {
            stop.abort();
            break;
          }
          if (!frame) frame = requestAnimationFrame(show);
        }
        b.add(decode.decode());
        setOver(true);
      } catch (e) {
        if (!stop.signal.aborted) setProblem(e instanceof Error ? e.message : String(e));
      }
      if (!stop.signal.aborted || b.full) show();
    })();
    return () => {
      stop.abort();
      cancelAnimationFrame(frame);
    };
  }, [address, query, again]);

  // The whole is as tall as its lines, or as tall as a browser bears: then a pixel of the scroll bar is more than a line.
  const full = lines * lineHeight;
  const tall = Math.min(full, tallest);
  const scale = tall > height && full > tall ? (full - height) / (tall - height) : 1;
  const firstPixel = top * scale;
  const first = Math.max(0, Math.floor(firstPixel / lineHeight) - 4);
  const last = Math.min(lines, first + Math.ceil(height / lineHeight) + 9);

  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const watch = new ResizeObserver(() => setHeight(el.clientHeight));
    watch.observe(el);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (follow && live && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follow, live]);
  useEffect(() => {
    if (wanted === "") {
      setFound([]);
      return;
    }
    let late = false;
    const timer = setTimeout(async () => {
      const all = await buffer.current.find(wanted, mostFound, () => late);
      if (!late) {
        setFound(all);
        setAt((x) => Math.min(x, Math.max(0, all.length - 1)));
      }
    }, 120);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [wanted, lines]);

  const showLine = (n: number) => {
    setFollow(false);
    if (box.current) box.current.scrollTop = Math.max(0, n * lineHeight - height / 2) / scale;
  };
  const step_ = (by: number) => {
    if (found.length === 0) return;
    const next = (at + by + found.length) % found.length;
    setAt(next);
    showLine(found[next] as number);
  };
  const onScroll = (e: Event) => {
    const el = e.currentTarget as HTMLDivElement;
    setTop(el.scrollTop);
    const bottom = el.scrollTop + el.clientHeight >= el.scrollHeight - 24;
    if (!bottom && el.scrollTop < top) setFollow(false);
  };
  const rows = [];
  const hit = new Set(found.length < 5_000 ? found : found.slice(0, 5_000));
  for (let n = first; n < last; n++) {
    rows.push(
      <div key={n} class={`line${n === found[at] ? " at" : hit.has(n) ? " hit" : ""}`} style={{ top: `${n * lineHeight - firstPixel + top}px` }}>
        <span class="no">{n + 1}</span>
        <span class="text">
          {piecesOf(buffer.current.line(n)).map((p, i) => (
            <span key={i} class={p.look}>
              {p.text}
            </span>
          ))}
        </span>
      </div>,
    );
  }
  const name = `${run}.${step}${attempt > 0 ? `.${attempt}` : ""}.log`;
  return (
    <div class="pipelines-logs">
      <div class="toolbar">
        <input
          type="search"
          id="pipelines-log-search"
          aria-label="Search the log"
          placeholder="Search"
          value={wanted}
          onInput={(e) => {
            setWanted(e.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(e) => {
            if (e.key === "Enter") {
              e.preventDefault();
              step_(e.shiftKey ? -1 : 1);
            }
            if (e.key === "Escape") setWanted("");
          }}
        />
        {wanted !== "" && (
          <>
            <span class="detail" role="status">
              {found.length === 0 ? "not found" : `${count(at + 1)} of ${count(found.length)}${found.length === mostFound ? " and more" : ""} lines`}
            </span>
            <button type="button" class="quiet" onClick={() => step_(-1)} aria-label="The match before" disabled={found.length === 0}>
              ↑
            </button>
            <button type="button" class="quiet" onClick={() => step_(1)} aria-label="The next match" disabled={found.length === 0}>
              ↓
            </button>
          </>
        )}
        <span class="grow" />
        <span class="detail">{count(lines)} lines</span>
        {live && (
          <button type="button" class="quiet" aria-pressed={follow} onClick={() => setFollow(!follow)}>
            {follow ? "Following" : "Follow"}
          </button>
        )}
        <a class="pipelines-download" href={`${address}${query && `?${query}`}`} download={name}>
          Download
        </a>
      </div>
      {problem && (
        <div class="note warn" role="alert">
          <span>The log could not be read on: {problem}</span>
          <button type="button" class="quiet" onClick={() => setAgain(again + 1)}>
            Read again
          </button>
        </div>
      )}
      {buffer.current.full && <p class="note">The log is longer than a page can hold. Download it to read the rest.</p>}
      <div class="screen" style={{ height: `${Math.min(520, Math.max(6, lines + 1) * lineHeight)}px` }} ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-live="off" aria-label={`What ${step} printed`}>
        <div style={{ height: `${tall}px` }} class="paper">
          {rows}
        </div>
        {lines === 0 && !problem && <p class="detail nothing">{over ? "It printed nothing." : live ? "It has printed nothing yet." : "Reading"}</p>}
      </div>
    </div>
  );
}
