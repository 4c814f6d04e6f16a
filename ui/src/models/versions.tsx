// The versions of a model, however many: lines of one height, of which only those
// on the screen are drawn, and the next page is fetched before its lines are seen.
import { useEffect, useRef, useState } from "preact/hooks";
import type { VersionLine, VersionLines } from "../api_gen";
import { apiURL } from "../base";
import { count, plural } from "../format";
import { Age, toast } from "../parts";
import { call, type Problem } from "../query";
import { enc, href, project } from "../router";
import { Gate, Link, origins, Readiness, Spans } from "./words";

const height = 44; // of a line, px
const beyond = 8; // lines drawn above and below
const piece = 200;

interface Props {
  model: string;
  first: VersionLines;
  total: number;
  chosen: number[];
  choose: (version: number) => void;
}

/** Versions is the table. */
export function Versions({ model, first, total, chosen, choose }: Props) {
  const [more, setMore] = useState<VersionLine[]>([]);
  const [next, setNext] = useState(first.next);
  const [busy, setBusy] = useState(false);
  const [top, setTop] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const lines = [...first.items, ...more.filter((m) => m.version < (first.items[first.items.length - 1]?.version ?? Infinity))];
  const most = Math.min(640, Math.max(1, lines.length) * height + 32);
  const from = Math.max(0, Math.floor(top / height) - beyond);
  const to = Math.min(lines.length, Math.ceil((top + most) / height) + beyond);
  useEffect(() => {
    if (!next || busy || to < lines.length - 20) return;
    setBusy(true);
    call<VersionLines>("GET", apiURL(project.value, `catalog/models/${enc(model)}/versions?limit=${piece}&after=${enc(next)}`))
      .then((page) => {
        setMore((all) => [...all, ...page.items]);
        setNext(page.next);
      })
      .catch((e: Problem) => {
        toast(e.message, "bad");
        setNext(undefined);
      })
      .finally(() => setBusy(false));
  }, [next, busy, to]);
  // Enter is the link's; j and k move among the lines that are drawn, and scrolling draws the next.
  return (
    <div class="panel models-panel">
      <div class="scroll models-versions" ref={box} tabIndex={0} role="region" aria-label={`Versions of ${model}`} style={{ maxHeight: 672 }} onScroll={(e) => setTop(e.currentTarget.scrollTop)}>
        <table class="listing" aria-rowcount={lines.length + 1}>
          <thead>
            <tr>
              <th scope="col">
                <span class="visually-hidden">Chosen</span>
              </th>
              <th scope="col">Version</th>
              <th scope="col">Aliases</th>
              <th scope="col">State</th>
              <th scope="col">Origin</th>
              <th scope="col">Made by</th>
              <th scope="col">Gate</th>
              <th scope="col">Served</th>
              <th scope="col" class="num">
                Created
              </th>
            </tr>
          </thead>
          <tbody>
            {from > 0 && <Gap lines={from} />}
            {lines.slice(from, to).map((v, i) => (
              <tr key={v.version} data-version={v.version} aria-rowindex={from + i + 2} style={{ height }} class={chosen.includes(v.version) ? "chosen" : undefined}>
                <td>
                  <input type="checkbox" aria-label={`Choose version ${v.version}`} checked={chosen.includes(v.version)} onChange={() => choose(v.version)} />
                </td>
                <th scope="row">
                  <Link model={model} version={v.version} row />
                </th>
                <td>
                  {(v.aliases ?? []).length > 0 ? (
                    <span class="chips models-line">
                      {v.aliases!.map((a) => (
                        <span key={a} class="chip">
                          {a}
                        </span>
                      ))}
                    </span>
                  ) : (
                    <span class="detail">–</span>
                  )}
                </td>
                <td>
                  <Readiness status={v.status} />
                </td>
                <td>
                  {origins[v.origin] ?? v.origin}
                  {v.parent && (
                    <span class="detail">
                      {" "}
                      of <Parent of={v.parent} model={model} />
                    </span>
                  )}
                </td>
                <td>
                  <Maker line={v} />
                </td>
                <td>
                  <Gate gate={v.gate} />
                </td>
                <td>
                  <Spans line={v} />
                </td>
                <td class="num">
                  <Age at={v.created} />
                </td>
              </tr>
            ))}
            {to < lines.length && <Gap lines={lines.length - to} />}
          </tbody>
        </table>
      </div>
      <footer class="models-foot">
        <span class="detail" role="status">
          {next ? `${count(lines.length)} of ${count(total)} numbers read` : plural(lines.length, "version")}
          {busy && ", reading more"}
        </span>
        <span class="detail">
          <kbd>x</kbd> chooses a line, <kbd>d</kbd> compares two
        </span>
      </footer>
    </div>
  );
}

function Gap({ lines }: { lines: number }) {
  return (
    <tr aria-hidden="true" class="models-gap">
      <td colSpan={9} style={{ height: lines * height, padding: 0 }} />
    </tr>
  );
}

/** Parent links MODEL/VERSION. */
export function Parent({ of, model }: { of: string; model: string }) {
  const i = of.lastIndexOf("/");
  const [name, version] = [of.slice(0, i), Number(of.slice(i + 1))];
  if (i < 0 || !Number.isInteger(version)) return <>{of}</>;
  return (
    <>
      {name !== model && `${name} `}
      <Link model={name} version={version} />
    </>
  );
}

/** Maker is the run, or the step of a pipeline, that registered a version. */
export function Maker({ line: v }: { line: VersionLine }) {
  if (v.pipelineRun) {
    return (
      <a href={href(`pipelineruns/${enc(v.pipelineRun)}`)} data-page title={v.pipelineRun}>
        {v.step ? `step ${v.step}` : v.pipelineRun}
      </a>
    );
  }
  if (v.origin === "recalibrated") return <span class="detail">the loop</span>;
  if (v.user) return <>{v.user}</>;
  return <span class="detail">{v.run ? `run ${v.run.slice(0, 8)}` : "–"}</span>;
}
