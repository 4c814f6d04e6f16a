// Why a run was started, with what there is to look at, and how it stands.
import { enc, href } from "../router";
import { State, toneOf } from "../shapes";

/** Cause is why a run was started; decisions and retried runs are links. */
export function Cause({ text }: { text: string | undefined }) {
  if (!text) return <span class="detail">not said</span>;
  const decision = /^decision (\S+)$/.exec(text)?.[1];
  if (decision)
    return (
      <>
        decision{" "}
        <a href={href(`decisions/${enc(decision)}`)} data-page>
          {decision}
        </a>
      </>
    );
  const retried = /^retry of (pr-\S+)$/.exec(text)?.[1];
  if (retried)
    return (
      <>
        retry of{" "}
        <a href={href(`pipelineruns/${enc(retried)}`)} data-page>
          <code>{retried}</code>
        </a>
      </>
    );
  return <>{text === "cli" ? "command line" : text}</>;
}

/** RunState is the state of a run or a step. */
export function RunState({ state }: { state: string }) {
  const [tone, word] = toneOf(state);
  return <State tone={tone}>{word}</State>;
}

/** ended says whether a run or a step goes no further. */
export function ended(state: string): boolean {
  return ["succeeded", "failed", "canceled", "cached", "skipped"].includes(state);
}
