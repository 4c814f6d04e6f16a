// Settings: how this browser shows the pages, who may do what, where the data
// lie and how they are, what the server was told, and what it is.
import type { About, StoreHealth } from "../api_gen";
import { apiURL, pageURL, serverURL } from "../base";
import { bytesText, count, plural } from "../format";
import { keysOn, setKeys } from "../keys";
import { Answer, Page } from "../page";
import { Age, Command, Facts, Section, Table } from "../parts";
import { useQuery } from "../query";
import { project } from "../router";
import { State } from "../shapes";
import { choice, choose, type Choice } from "../theme";

const themes: [Choice, string][] = [
  ["system", "as the system"],
  ["light", "light"],
  ["dark", "dark"],
];

export default function SettingsPage() {
  const url = apiURL(project.value, "about");
  const about = useQuery<About>(url, []);
  return (
    <Page title="Settings" copy={{ curl: { url }, cli: "trimtab version" }}>
      <Section id="view" title="This browser">
        <div class="panel settings-view">
          <fieldset>
            <legend>Theme</legend>
            {themes.map(([c, text]) => (
              <label key={c} class="check">
                <input type="radio" name="theme" checked={choice.value === c} onChange={() => choose(c)} />
                {text}
              </label>
            ))}
          </fieldset>
          <fieldset>
            <legend>Keys</legend>
            <label class="check">
              <input type="checkbox" checked={keysOn.value} onChange={(e) => setKeys(e.currentTarget.checked)} />
              Single keys are on
            </label>
          </fieldset>
        </div>
      </Section>
      <Answer of={about}>{(a) => <Server a={a} />}</Answer>
    </Page>
  );
}

function Server({ a }: { a: About }) {
  const behind = a.consumers.filter((c) => c.behind > 0);
  return (
    <>
      <Section id="access" title="Tokens and access">
        <div class="panel settings-text">
          <p>
            This server listens on loopback only and knows no users: whoever reaches it acts as the local user, and the journal says through which interface. A pipeline step gets a token of its own that opens its project, and ends with the attempt.
          </p>
          <p class="detail">To write from Python, Java or R, point an MLflow client here. Nothing else is to be set up.</p>
          <Command>{`export MLFLOW_TRACKING_URI=${serverURL}`}</Command>
        </div>
      </Section>
      <Section id="stores" title="Storage" aside={a.free ? `${bytesText(a.free)} free on the disk` : undefined}>
        <div class="panel">
          <Table<StoreHealth>
            label="Storage"
            rows={a.stores}
            rowKey={(s) => s.name}
            columns={[
              { id: "name", title: "Store", value: (s) => s.name },
              { id: "state", title: "State", value: (s) => (s.problem ? <State tone="bad">{s.problem}</State> : <State tone="ok">answers</State>) },
              { id: "holds", title: "Holds", value: (s) => s.holds },
              { id: "files", title: "Files", num: true, value: (s) => (s.files ? (s.atLeast ? "> " : "") + count(s.files) : "–"), sort: (s) => s.files },
              { id: "bytes", title: "Size", num: true, value: (s) => (s.bytes ? (s.atLeast ? "> " : "") + bytesText(s.bytes) : "–"), sort: (s) => s.bytes },
              { id: "where", title: "Where", value: (s) => <code>{s.where}</code> },
            ]}
          />
        </div>
      </Section>
      <Section id="journal" title="Journal" aside={`entry ${count(a.journal)}`}>
        <div class="panel settings-text">
          <p>
            {a.parked.length > 0 ? (
              <State tone="warn">{plural(a.parked.length, "entry", "entries")} set aside</State>
            ) : behind.length > 0 ? (
              <State tone="run">{plural(behind.length, "reader")} on the way</State>
            ) : (
              <State tone="ok">all read</State>
            )}
            <span class="detail"> {a.consumers.map((c) => (c.behind > 0 ? `${c.name} ${count(c.behind)} behind` : c.name)).join(" · ")}</span>
          </p>
          {a.parked.map((p) => (
            <p key={`${p.consumer} ${p.index}`} class="detail">
              Entry {count(p.index)}, for {p.consumer}: {p.reason}
            </p>
          ))}
          <Command>trimtab audit verify</Command>
        </div>
      </Section>
      <Section id="told" title="What the server was told">
        <div class="panel">
          <Table
            label="Settings of the server"
            rows={a.settings}
            rowKey={(s) => s.name}
            columns={[
              { id: "name", title: "Setting", value: (s) => <code>--{s.name}</code> },
              { id: "value", title: "Value", value: (s) => (s.value ? <code>{s.value}</code> : <span class="detail">not set</span>) },
              { id: "help", title: "Means", value: (s) => s.help },
            ]}
          />
        </div>
      </Section>
      <Section id="about" title="About">
        <div class="panel settings-text">
          <Facts
            of={[
              ["Version", a.version],
              ["Built with", a.go],
              ["Platform", a.platform],
              ["Database", a.database],
              ["Started", <Age at={a.started} />],
              ["Memory", bytesText(a.memory)],
              ["API", <a href={`${serverURL}/api/trimtab/v1alpha1/openapi.json`}>OpenAPI 3.1</a>],
              ["Licences", <a href={pageURL("licences.txt")}>of what is inside</a>],
            ]}
          />
        </div>
      </Section>
    </>
  );
}
