// Artifacts of a run: a tree at the left, what is chosen at the right. Nothing of
// a file runs in the origin of these pages: the server sends it into a sandbox.
import { useEffect, useState } from "preact/hooks";
import { apiURL } from "../base";
import type { RunFileEntry, RunFiles } from "../api_gen";
import { bytesText, count } from "../format";
import { Answer, Empty } from "../page";
import { Digest, Facts } from "../parts";
import { useQuery } from "../query";
import { enc, project, useParam } from "../router";
import { Preview } from "./preview";

/** fileURL is the address of a file of a run. */
export function fileURL(run: string, path: string, download = false): string {
  const p = new URLSearchParams({ path });
  if (download) p.set("download", "true");
  return apiURL(project.value, `runs/${enc(run)}/file?${p}`);
}

function folder(run: string, path: string): string {
  return apiURL(project.value, `runs/${enc(run)}/files${path ? `?${new URLSearchParams({ path })}` : ""}`);
}

/** Artifacts is the tab. */
export function Artifacts({ run }: { run: string }) {
  const [path, setPath] = useParam("path");
  const q = useQuery<RunFiles>(folder(run, ""), ["run"]);
  return (
    <Answer of={q}>
      {(top) =>
        top.items.length === 0 ? (
          <Empty title="No artifacts" commands={[`mlflow artifacts log-artifact -r ${run} -l report.html`, `mlflow artifacts log-artifacts -r ${run} -l plots -a plots`]}>
            Files that the run logs are listed here, with a preview of tables, images, text, JSON and HTML.
          </Empty>
        ) : (
          <div class="run-files">
            <nav class="panel run-tree" aria-label="Files">
              <Level run={run} files={top} chosen={path} choose={setPath} depth={0} />
            </nav>
            <Chosen run={run} path={path || first(top)} />
          </div>
        )
      }
    </Answer>
  );
}

/** first is the file to begin with: one at the top that can be shown. */
function first(top: RunFiles): string {
  return (top.items.find((f) => !f.dir && f.kind) ?? top.items.find((f) => !f.dir))?.path ?? "";
}

interface LevelProps {
  run: string;
  files: RunFiles;
  chosen: string;
  choose: (path: string) => void;
  depth: number;
}

function Level({ run, files, chosen, choose, depth }: LevelProps) {
  return (
    <ul>
      {[...files.items].sort((a, b) => Number(b.dir ?? false) - Number(a.dir ?? false)).map((f) => (f.dir ? <Folder key={f.path} run={run} entry={f} chosen={chosen} choose={choose} depth={depth} /> : (
        <li key={f.path}>
          <button type="button" data-row class={f.path === chosen ? "run-file chosen" : "run-file"} aria-current={f.path === chosen ? "true" : undefined} style={{ paddingLeft: `${26 + depth * 16}px` }} onClick={() => choose(f.path)} title={f.name}>
            <span>{f.name}</span>
            <span class="detail">{bytesText(f.size)}</span>
          </button>
        </li>
      )))}
      {files.more ? <li class="detail run-file-more" style={{ paddingLeft: `${26 + depth * 16}px` }}>and {count(files.more)} more</li> : null}
    </ul>
  );
}

function Folder({ run, entry, chosen, choose, depth }: { run: string; entry: RunFileEntry; chosen: string; choose: (path: string) => void; depth: number }) {
  const [open, setOpen] = useState(chosen.startsWith(`${entry.path}/`));
  useEffect(() => {
    if (chosen.startsWith(`${entry.path}/`)) setOpen(true);
  }, [chosen]);
  const q = useQuery<RunFiles>(open ? folder(run, entry.path) : null, ["run"]);
  return (
    <li>
      <button type="button" data-row class="run-file" aria-expanded={open} style={{ paddingLeft: `${8 + depth * 16}px` }} title={entry.name} onClick={() => setOpen(!open)}
        onKeyDown={(e) => {
          if (e.key === "ArrowRight" || e.key === "ArrowLeft") setOpen(e.key === "ArrowRight");
        }}>
        <svg class={open ? "open" : ""} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
          <path d="M4.500 2.500 8 6 4.500 9.500" fill="none" stroke="currentColor" stroke-width="1.500" />
        </svg>
        <span>{entry.name}</span>
      </button>
      {open && q.data.value && <Level run={run} files={q.data.value} chosen={chosen} choose={choose} depth={depth + 1} />}
      {open && q.problem.value && !q.data.value && <p class="detail run-file-more">{q.problem.value.message}</p>}
    </li>
  );
}

function Chosen({ run, path }: { run: string; path: string }) {
  const dir = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
  const q = useQuery<RunFiles>(path ? folder(run, dir) : null, ["run"]);
  if (!path) return <p class="panel run-choose">Choose a file to see it here.</p>;
  return (
    <Answer of={q}>
      {(files) => {
        const f = files.items.find((x) => x.path === path);
        if (!f) return <p class="panel run-choose">There is no file {path}.</p>;
        return (
          <section class="panel run-preview" aria-label={f.name}>
            <header>
              <h2>{f.name}</h2>
              <a class="run-button" href={fileURL(run, f.path, true)} download={f.name}>
                Download
              </a>
            </header>
            <Facts of={[["Path", <code>{f.path}</code>], ["Size", bytesText(f.size)], ["Digest", <Digest of={f.digest} />]]} />
            <Preview key={f.digest ?? f.path} run={run} file={f} />
          </section>
        );
      }}
    </Answer>
  );
}
