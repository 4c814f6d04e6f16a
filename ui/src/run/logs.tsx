// What the step that made a run printed. It is read as it comes, up to a bound.
import { useEffect, useRef, useState } from "preact/hooks";
import { apiURL } from "../base";
import type { RunOrigin } from "../api_gen";
import { bytesText } from "../format";
import { enc, href, project } from "../router";

const most = 1 << 20; // bytes

/** Logs shows what an attempt printed; while it runs, what it goes on to print. */
export function Logs({ origin, live }: { origin: RunOrigin; live: boolean }) {
  const [text, setText] = useState("");
  const [state, setState] = useState<"reading" | "done" | "cut" | string>("reading");
  const box = useRef<HTMLPreElement>(null);
  const address = apiURL(project.value, `pipelineruns/${enc(origin.run)}/steps/${enc(origin.step)}/logs?attempt=${origin.attempt}`);
  useEffect(() => {
    const stop = new AbortController();
    setText("");
    setState("reading");
    void (async () => {
      try {
        const answer = await fetch(`${address}${live ? "&follow=true" : ""}`, { signal: stop.signal });
        if (!answer.ok || !answer.body) {
          const said = (await answer.json().catch(() => ({}))) as { error?: string };
          return setState(said.error ?? `The server answered with status ${answer.status}.`);
        }
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        let all = "";
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          all += value;
          setText(all);
          if (all.length > most) {
            stop.abort();
            return setState("cut");
          }
        }
        setState("done");
      } catch {
        if (!stop.signal.aborted) setState("The server does not answer. Is it running?");
      }
    })();
    return () => stop.abort();
  }, [address, live]);
  useEffect(() => {
    // Whoever reads at the end stays there.
    const b = box.current;
    if (live && b && b.scrollHeight - b.scrollTop - b.clientHeight < 80) b.scrollTop = b.scrollHeight;
  }, [text]);
  const failed = state !== "reading" && state !== "done" && state !== "cut";
  return (
    <div class="run-logs">
      <p class="detail">
        Step {origin.step}, attempt {origin.attempt} of <a href={href(`pipelineruns/${enc(origin.run)}`)} data-page>{origin.run}</a>
        {state === "cut" && <>. The first {bytesText(most)}: <a href={address} download={`${origin.step}.log`}>download all</a></>}
      </p>
      {failed ? (
        <p class="panel">{state}</p>
      ) : (
        <pre ref={box} class="panel run-log-text" tabIndex={0} role="log" aria-label={`Log of step ${origin.step}`} aria-live="off">
          {text || (state === "done" ? "The step printed nothing." : "")}
        </pre>
      )}
    </div>
  );
}
