// All monitors by signal: the newest value of each against its limit, with the
// windows before it. What is wrong stands first.
import type { MonitorCell, MonitorLine, MonitorTable } from "../api_gen";
import { apiURL } from "../base";
import { Spark } from "../chart/spark";
import { plural } from "../format";
import { Answer, Empty, Page } from "../page";
import { Version } from "../parts";
import { useQuery } from "../query";
import { enc, href, project, useParam } from "../router";
import { State } from "../shapes";
import { cellWords, signalNames, tabOf, toneOfCell, unitOf, valueOf } from "./words";

export default function MonitorsPage() {
  const [after, setAfter] = useParam("after");
  const url = apiURL(project.value, `monitors?limit=100${after ? `&after=${enc(after)}` : ""}`);
  const answer = useQuery<MonitorTable>(url, ["window", "monitor", "incident", "contractResult", "endpoint"]);
  const t = answer.data.value;
  return (
    <Page title="Monitors" summary={t && t.items.length > 0 ? summary(t) : undefined} copy={{ curl: { url }, cli: "trimtab get monitor" }}>
      <Answer of={answer}>
        {(t) =>
          t.items.length === 0 && !after ? (
            <Empty title="No monitor yet" commands={["trimtab init my-model", "trimtab apply my-model", "trimtab labels push ENDPOINT labels.parquet"]}>
              A monitor cuts the traffic of an endpoint into windows and says of each how good the answers were, what has moved, and what is wrong with the data.
            </Empty>
          ) : (
            <>
              <Matrix t={t} />
              {(t.next || after) && (
                <nav class="toolbar" aria-label="More monitors">
                  {after && (
                    <button type="button" class="quiet" onClick={() => setAfter("")}>
                      First page
                    </button>
                  )}
                  {t.next && (
                    <button type="button" class="quiet" onClick={() => setAfter(t.next ?? "", { push: true })}>
                      Next page
                    </button>
                  )}
                </nav>
              )}
            </>
          )
        }
      </Answer>
    </Page>
  );
}

function summary(t: MonitorTable): string {
  const bad = t.items.filter((i) => i.state === "bad").length;
  const moved = t.items.filter((i) => i.state === "warn").length;
  const parts = [plural(t.items.length, "monitor") + (t.next ? " on this page" : "")];
  if (bad) parts.push(`${bad} in trouble`);
  if (moved) parts.push(`${moved} with something moved`);
  if (!bad && !moved) parts.push("all quiet");
  return parts.join(" · ");
}

function Matrix({ t }: { t: MonitorTable }) {
  return (
    <div class="scroll monitors-matrix" tabIndex={0} role="group" aria-label="Monitors by signal">
      <table>
        <thead>
          <tr>
            <th scope="col" class="monitors-name">
              Monitor
            </th>
            {t.signals.map((s) => (
              <th key={s} scope="col">
                {signalNames[s] ?? s}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {t.items.map((l) => (
            <tr key={l.name}>
              <th scope="row" class="monitors-name">
                <a href={href(`monitors/${enc(l.name)}`)} data-page data-row title={l.name}>
                  {l.name}
                </a>
                <span class="detail monitors-under">
                  {l.endpoint !== l.name && <span title={l.endpoint}>on {l.endpoint}</span>}
                  {l.model && l.served ? <Version model={l.model} version={l.served} /> : null}
                </span>
                <span class="detail monitors-under">{l.label ? `${l.window} from ${l.label}` : `${l.window}, no window yet`}</span>
              </th>
              {l.cells.map((c, i) => (
                <Cell key={i} line={l} signal={t.signals[i] ?? ""} c={c} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ line, signal, c }: { line: MonitorLine; signal: string; c: MonitorCell }) {
  const kind = c.kind ?? "";
  const to: Record<string, string> = { tab: tabOf[signal] ?? "quality" };
  if (c.at && signal !== "contract") to.window = c.at;
  if (c.column && tabOf[signal] === "drift") to.column = c.column;
  const words = cellWords(signal, c);
  const empty = c.value === undefined;
  return (
    <td class={`monitors-cell ${c.state}`}>
      {empty ? (
        <span class="detail">{c.word}</span>
      ) : (
        <a href={href(`monitors/${enc(line.name)}`, to)} data-page title={words} aria-label={`${line.name}, ${words}`}>
          <State tone={toneOfCell(c.state)}>{c.word}</State>
          <span class="monitors-value">
            {kind === "psi" && <span class="detail">{unitOf(kind)}</span>}
            {valueOf(kind, c.value)}
            {c.of ? <span class="detail"> of {c.of}</span> : null}
            {c.limit !== undefined && (
              <span class="detail">
                {" "}
                {c.below ? "≥" : "≤"} {valueOf(kind, c.limit)}
              </span>
            )}
          </span>
          <Spark y={c.spark ?? []} label={`${signalNames[signal] ?? signal} in the last windows`} width={96} height={20} color={c.state === "bad" ? 1 : 0} />
        </a>
      )}
    </td>
  );
}
