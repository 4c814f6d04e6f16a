import type { Attention } from "../api_gen";
import { said } from "../format";
import { Age, Command, Section } from "../parts";
import { enc, href } from "../router";
import { Shape, State } from "../shapes";

/** places says where what needs attention is shown. */
const places: Record<string, (name: string) => string> = {
  pipeline: (name) => `pipelines/${enc(name)}`,
  endpoint: (name) => `endpoints/${enc(name)}`,
  monitor: (name) => `monitors/${enc(name)}`,
  incident: (name) => `incidents/${enc(name)}`,
  decision: (name) => `decisions/${enc(name)}`,
  rollout: (name) => `rollouts/${enc(name)}`,
  pause: () => "loop",
  policy: () => "loop",
  consumer: () => "settings",
};

function Title({ a }: { a: Attention }) {
  const to = places[a.kind];
  if (!to) return <>{a.title}</>;
  return (
    <a href={href(to(a.name))} data-page data-row>
      {a.title}
    </a>
  );
}

/** AttentionList is what a person should look at, the worst first. */
export function AttentionList({ items }: { items: Attention[] }) {
  if (items.length === 0) {
    return (
      <section class="calm" aria-labelledby="attention">
        <h2 id="attention" class="visually-hidden">
          Needs attention
        </h2>
        <State tone="ok">Nothing needs attention</State>
      </section>
    );
  }
  return (
    <Section id="attention" title="Needs attention" aside={`${items.length}`}>
      <ul class="attention panel">
        {items.map((a) => (
          <li key={a.rule + a.title} class={a.severity}>
            <Shape tone={a.severity === "bad" ? "bad" : "warn"} />
            <div class="what">
              <p class="title">
                <span class="visually-hidden">{a.severity === "bad" ? "Problem: " : "Warning: "}</span>
                <Title a={a} />
              </p>
              {a.detail && <p class="detail">{said(a.detail)}</p>}
            </div>
            {a.command && <Command label={`the command for ${a.name}`}>{a.command}</Command>}
            <span class="when">{a.since && <Age at={a.since} />}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
