// The foot of a list that is read a page at a time. Where one is lies in the
// address, and what lies before is kept there, too.
import { setParams, useParam } from "../router";

/** Pager leads to the next page and back. */
export function Pager({ next, shown }: { next: string | undefined; shown: number }) {
  const [after] = useParam("after");
  const [trail] = useParam("trail");
  const before = trail ? trail.split("|") : [];
  if (!after && !next) return null;
  return (
    <nav class="loop-pager" aria-label="Pages">
      <button type="button" class="quiet" disabled={!after} onClick={() => setParams({ after: before.at(-1) ?? "", trail: before.slice(0, -1).join("|") }, { push: true })}>
        ← newer
      </button>
      <button type="button" class="quiet" disabled={!next} onClick={() => setParams({ after: next ?? "", trail: after ? [...before, after].join("|") : "" }, { push: true })}>
        older →
      </button>
      <span class="detail">{shown} on this page</span>
    </nav>
  );
}
