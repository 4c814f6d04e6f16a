// All endpoints: is what is declared live, does it work, and what do they answer now.
import { useMemo } from "preact/hooks";
import type { EndpointLine, EndpointList, EndpointTraffic } from "../api_gen";
import { apiURL } from "../base";
import { Spark } from "../chart/spark";
import { Split } from "../chart/split";
import { count, date, moment, percent, plural } from "../format";
import { Answer, Empty, Page } from "../page";
import { Section, Table } from "../parts";
import { useQuery } from "../query";
import { enc, href, project, useParam } from "../router";
import { State } from "../shapes";
import { useTraffic } from "./traffic";
import { healthOf, ms, rate, syncOf } from "./words";

const watch = ["endpoint", "endpointState", "registeredModel", "modelVersion", "rollout", "pause"];

export default function List() {
  const address = apiURL(project.value, "pages/endpoints");
  const q = useQuery<EndpointList>(address, watch);
  const traffic = useTraffic();
  const [text, setText] = useParam("q");
  const known = useMemo(() => new Map((traffic.data.value?.endpoints ?? []).map((e) => [e.endpoint, e])), [traffic.data.value]);
  const items = q.data.value?.items ?? [];
  const shown = text === "" ? items : items.filter((e) => `${e.name} ${e.model}`.toLowerCase().includes(text.toLowerCase()));
  return (
    <Page title="Endpoints" summary={items.length > 0 && summary(items)} copy={{ curl: { url: address }, cli: "trimtab endpoint list" }}>
      <Answer of={q}>
        {(list) =>
          list.items.length === 0 ? (
            <Empty title="No endpoint yet" commands={["trimtab init my-model", "trimtab apply my-model/ --yes", "trimtab model alias set MODEL champion VERSION"]}>
              An endpoint serves the version that an alias names: moving the alias is the deploy.
            </Empty>
          ) : (
            <Section
              id="endpoints"
              title={text ? `${shown.length} of ${plural(items.length, "endpoint")}` : plural(items.length, "endpoint")}
              aside={traffic.lost.value ? <State tone="warn">figures broke off</State> : "figures of the last minute"}
            >
              {(items.length > 12 || text) && (
                <div class="endpoints-search">
                  <input type="search" aria-label="Search endpoints" placeholder="Name or model" value={text} onInput={(e) => setText(e.currentTarget.value)} />
                </div>
              )}
              <div class="panel">
                <Lines items={shown} known={known} />
              </div>
              {list.leftOut ? <p class="detail">{plural(list.leftOut, "more endpoint")} are not shown.</p> : null}
            </Section>
          )
        }
      </Answer>
    </Page>
  );
}

function summary(items: EndpointLine[]): string {
  const well = items.filter((e) => e.health === "serving").length;
  const live = items.filter((e) => e.sync === "live").length;
  const rolling = items.filter((e) => e.rollout && e.stage !== "baking").length;
  return [`${well} of ${items.length} answering`, `${live} as declared`, rolling > 0 && `${plural(rolling, "rollout")} under way`].filter(Boolean).join(" · ");
}

function Lines({ items, known }: { items: EndpointLine[]; known: Map<string, EndpointTraffic> }) {
  const of = (e: EndpointLine) => known.get(e.name);
  return (
    <Table
      label="Endpoints"
      rows={items}
      rowKey={(e) => e.name}
      columns={[
        {
          id: "name",
          title: "Endpoint",
          sort: (e) => e.name,
          value: (e) => (
            <span class="endpoints-name">
              <a href={href(`endpoints/${enc(e.name)}`)} data-page data-row title={e.name}>
                {e.name}
              </a>
              <span class="detail" title={`${e.model}@${e.alias}`}>
                {e.model}@{e.alias}
              </span>
            </span>
          ),
        },
        { id: "sync", title: "Declared = live?", sort: (e) => e.sync, value: (e) => <Word of={syncOf(e)} /> },
        {
          id: "health",
          title: "Healthy?",
          sort: (e) => e.health,
          value: (e) => (
            <span title={e.message}>
              <Word of={healthOf(e, of(e)?.minute)} />
            </span>
          ),
        },
        { id: "version", title: "Version", num: true, sort: (e) => e.serving, value: (e) => <VersionCell of={e} /> },
        { id: "traffic", title: "Traffic", value: (e) => <Shares of={e} /> },
        { id: "rate", title: "Requests/s", num: true, sort: (e) => of(e)?.minute.rate ?? 0, value: (e) => <Rate of={of(e)} /> },
        { id: "p50", title: "p50", num: true, sort: (e) => of(e)?.minute.p50, value: (e) => ms(of(e)?.minute.p50) },
        { id: "p99", title: "p99", num: true, sort: (e) => of(e)?.minute.p99, value: (e) => ms(of(e)?.minute.p99) },
        {
          id: "errors",
          title: "Errors",
          num: true,
          sort: (e) => of(e)?.minute.failed,
          value: (e) => {
            const m = of(e)?.minute;
            return m && m.requests > 0 ? <span title={`${count(m.failed)} failed, ${count(m.invalid)} were wrong, ${count(m.refused)} were refused`}>{percent(m.failed / m.requests)}</span> : "–";
          },
        },
        { id: "mode", title: "Event time", sort: (e) => e.watermark, value: (e) => <Mark of={e} /> },
        { id: "waits", title: "Waits for", value: (e) => <Waits of={e} /> },
      ]}
    />
  );
}

export function Word({ of: [tone, word] }: { of: ReturnType<typeof syncOf> }) {
  return <State tone={tone}>{word}</State>;
}

function VersionCell({ of: e }: { of: EndpointLine }) {
  if (!e.serving) return <>–</>;
  return (
    <a href={href(`models/${enc(e.model)}/versions/${e.serving}`)} data-page>
      {e.serving}
    </a>
  );
}

/** sharesOf is how requests are split between the versions of an endpoint. */
export function sharesOf(e: EndpointLine): { label: string; share: number }[] {
  if (!e.serving) return [];
  const share = e.candidate && e.candidate !== e.serving ? (e.share ?? 0) : 0;
  const parts = [{ label: `v${e.serving}`, share: 1 - share }];
  if (share > 0) parts.push({ label: `v${e.candidate}`, share });
  return parts;
}

function Shares({ of: e }: { of: EndpointLine }) {
  const parts = sharesOf(e);
  if (parts.length === 0) return <>–</>;
  return (
    <span class="endpoints-shares">
      <Split label={`Traffic of ${e.name}`} parts={parts} />
      {e.stage === "shadow" && <span class="detail">v{e.candidate} in the shadow</span>}
    </span>
  );
}

function Rate({ of: t }: { of: EndpointTraffic | undefined }) {
  if (!t) return <span class="detail">idle</span>;
  return (
    <span class="endpoints-rate">
      <Spark y={t.spark ?? []} label={`Requests a second of ${t.endpoint} in the last 15 minutes`} width={72} height={20} />
      {rate(t.minute.rate)}
    </span>
  );
}

function Mark({ of: e }: { of: EndpointLine }) {
  return (
    <span class="endpoints-mark" title={e.watermark && moment(e.watermark)}>
      {e.mode === "driven" ? (e.holder ? "replayed" : "driven") : "clock"}
      {e.mode === "driven" && e.watermark && <span class="detail"> to {date(e.watermark)}</span>}
    </span>
  );
}

function Waits({ of: e }: { of: EndpointLine }) {
  const person = e.waits.find((w) => w.wait === "human");
  const work = e.waits.find((w) => w.wait === "process");
  if (person) return <State tone="warn">
        <span title={`${person.listener}: ${person.detail ?? ""}`}>a person</span>
      </State>;
  if (work) return <State tone="run">{work.listener}</State>;
  return <span class="detail">nothing</span>;
}
