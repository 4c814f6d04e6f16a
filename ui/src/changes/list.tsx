// What was applied, by whom, and what is not as it was declared last.
import { useState } from "preact/hooks";
import type { ChangesPage, ChangeSet, ChangeSource } from "../api_gen";
import { apiURL } from "../base";
import { plural } from "../format";
import { Answer, Empty, Page } from "../page";
import { Age, Section, Table, toast, type Column } from "../parts";
import { call, useQuery } from "../query";
import { enc, go, href, project } from "../router";
import { State } from "../shapes";
import { Declare } from "./declare";
import { Fields, Sign } from "./plan";

const kinds = ["project", "channel", "datasource", "datacontract", "model", "pipeline", "endpoint", "monitor", "evaluationsuite", "retrainpolicy"];

export default function Changes() {
  const url = apiURL(project.value, "changes");
  const q = useQuery<ChangesPage>(url, kinds);
  const [declaring, setDeclaring] = useState(false);
  const [older, setOlder] = useState<{ items: ChangeSet[]; next: number }>();
  const p = q.data.value;
  const drift = p?.sources.reduce((n, s) => n + s.drift.length, 0) ?? 0;
  const open = () => setDeclaring(true);
  const more = async (before: number) => {
    try {
      const page = await call<ChangesPage>("GET", `${url}?before=${before}`);
      setOlder({ items: [...(older?.items ?? []), ...page.items], next: page.next ?? 0 });
    } catch {
      toast("The older applies could not be read", "bad");
    }
  };
  return (
    <Page
      title="Changes"
      label={p && p.sources.length > 0 && (drift === 0 ? <State tone="ok">as declared last</State> : <State tone="warn">{plural(drift, "change")} from elsewhere</State>)}
      aside={
        <button type="button" class="primary" onClick={open}>
          Plan…
        </button>
      }
      copy={{ curl: { url }, cli: "trimtab plan ." }}
      keys={[{ keys: "p", text: "plan declarations", run: open }]}
      actions={[{ text: "Plan declarations", run: open }]}
    >
      <Answer of={q}>
        {(p) => {
          const seen = new Set(p.items.map((i) => i.id));
          const items = [...p.items, ...(older?.items.filter((i) => !seen.has(i.id)) ?? [])];
          const next = older ? older.next : (p.next ?? 0);
          return items.length === 0 ? (
            <Empty title="Nothing was declared yet. Three commands declare a whole system:" commands={["trimtab init demo", "trimtab plan demo", "trimtab apply demo"]}>
              Or paste declarations here with Plan….
            </Empty>
          ) : (
            <>
              <Section id="sources" title="Declared and live">
                <div class="changes-sources panel">
                  {p.sources.map((s) => (
                    <Source key={s.inventory} s={s} />
                  ))}
                </div>
                <p class="detail changes-honest">
                  Compared with what each source declared last. What its files say now the server does not see: <code>trimtab plan FOLDER</code> compares them.
                </p>
              </Section>
              <Section id="applies" title="Applies" aside="newest first">
                <div class="panel changes-all">
                  <Table label="Applies, newest first" columns={columns} rows={items} rowKey={(i) => String(i.id)} />
                </div>
                {next > 0 && (
                  <button type="button" class="quiet more" onClick={() => void more(next)}>
                    Show older applies
                  </button>
                )}
              </Section>
            </>
          );
        }}
      </Answer>
      {declaring && <Declare close={() => setDeclaring(false)} applied={() => (q.refresh(), go("changes"))} />}
    </Page>
  );
}

function sourceName(inventory: string | undefined): string {
  return inventory === "ui:" ? "the browser" : inventory || "no source";
}

function Source({ s }: { s: ChangeSource }) {
  return (
    <section class="changes-source">
      <div class="head">
        <span class="title">{sourceName(s.inventory)}</span>
        {s.drift.length === 0 ? <State tone="ok">in sync</State> : <State tone="warn">{plural(s.drift.length, "change")}</State>}
        <span class="grow" />
        <span class="detail">
          {plural(s.resources, "resource")}
          {s.last && (
            <>
              , declared <Age at={s.last} />
            </>
          )}
        </span>
      </div>
      {s.drift.map((d) => (
        <div key={d.kind + d.name} class="drift">
          <p>
            <Sign verb="update" />
            <span class="kind">{d.kind}</span> <span class="title">{d.name}</span>{" "}
            <span class="detail">
              by {d.manager === "ui" ? "the browser" : d.manager || "somebody"}, <Age at={d.at} />
            </span>
          </p>
          {d.known ? d.fields.length > 0 ? <Fields of={d.fields} /> : <p class="detail">The fields are as declared; only who manages them has changed.</p> : <p class="detail">{sourceName(s.inventory)} has never declared it, or what it declared is not kept.</p>}
        </div>
      ))}
    </section>
  );
}

const columns: Column<ChangeSet>[] = [
  {
    id: "when",
    title: "When",
    value: (c) => (
      <a href={href(`changes/${enc(String(c.id))}`)} data-page data-row>
        <Age at={c.time} />
      </a>
    ),
  },
  { id: "what", title: "What", value: (c) => <What of={c} /> },
  { id: "names", title: "Resources", value: (c) => <Names of={c} /> },
  {
    id: "who",
    title: "By",
    value: (c) => (
      <>
        {c.actor} <span class="detail">{c.via && c.via !== c.actor ? `through ${c.manager === "ui" ? "the browser" : c.manager || c.via}` : ""}</span>
      </>
    ),
  },
  { id: "from", title: "From", value: (c) => (c.inventory ? sourceName(c.inventory) : <span class="detail">not recorded</span>) },
];

/** What counts what an apply did, with its signs. */
export function What({ of: c }: { of: ChangeSet }) {
  const parts: [string, number][] = [
    ["create", c.created],
    ["update", c.updated],
    ["replace", c.replaced],
    ["delete", c.deleted],
  ];
  return (
    <span class="changes-what">
      {parts
        .filter(([, n]) => n > 0)
        .map(([verb, n]) => (
          <span key={verb}>
            <Sign verb={verb} />
            {n}
          </span>
        ))}
    </span>
  );
}

function Names({ of: c }: { of: ChangeSet }) {
  const total = c.created + c.updated + c.replaced + c.deleted;
  const shown = c.lines.slice(0, 4);
  return (
    <span class="changes-names">
      {shown.map((l) => `${l.kind.toLowerCase()}/${l.name}`).join(", ")}
      {total > shown.length && <span class="detail"> and {total - shown.length} more</span>}
    </span>
  );
}
