// Why a step ran or came from the cache: which parts of its key differ.
import type { Difference, Explanation } from "../api_gen";
import { apiURL } from "../base";
import { Answer } from "../page";
import { useQuery } from "../query";
import { enc, href, project } from "../router";
import { short } from "./words";

/** Differences are the parts of a cache key that are not what they were. */
export function Differences({ of: all }: { of: Difference[] | undefined }) {
  if (!all || all.length === 0) return null;
  return (
    <dl class="pipelines-differs">
      {all.map((d) => (
        <div key={d.part}>
          <dt>
            <code>{d.part}</code>
          </dt>
          <dd>
            <Part of={d.then} none="was not there" /> → <Part of={d.now} none="is not there" />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Part({ of: value, none }: { of: string | undefined; none: string }) {
  if (!value) return <span class="detail">{none}</span>;
  return <code title={value}>{value.startsWith("sha256:") ? short(value) : value}</code>;
}

/** Explain says why a step of a run ran or came from the cache. */
export function Explain({ run, step, cachedRun }: { run: string; step: string; cachedRun: string | undefined }) {
  const q = useQuery<{ items: Explanation[] }>(apiURL(project.value, `pipelineruns/${enc(run)}/explain`), ["step"]);
  return (
    <Answer of={q}>
      {({ items }) => {
        const x = items.find((i) => i.step === step);
        if (!x) return <p class="detail">Nothing is known of this step.</p>;
        return (
          <div class="pipelines-explain">
            <p>{x.text.charAt(0).toUpperCase() + x.text.slice(1)}.</p>
            <Differences of={x.differs} />
            {(x.against || cachedRun) && (
              <p>
                <a href={href(`pipelineruns/${enc(x.against || (cachedRun ?? ""))}`, { step })} data-page>
                  Look at run {x.against || cachedRun}
                </a>
              </p>
            )}
            {x.key && (
              <p class="detail">
                The key of what its result depends on is <code>{short(x.key)}</code>: command, environment, inputs, code and seed, each by value or digest.
              </p>
            )}
          </div>
        );
      }}
    </Answer>
  );
}
