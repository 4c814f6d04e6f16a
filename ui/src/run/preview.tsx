// Previews of files: tables, images, text, JSON, HTML in a sandbox. Of a long
// file only the beginning is read; what is larger is shown when asked for.
import { useEffect, useState } from "preact/hooks";
import type { RunFileEntry } from "../api_gen";
import { bytesText, count } from "../format";
import { ProblemLine } from "../dialog";
import type { Problem } from "../query";
import { fileURL } from "./artifacts";
import { parseTable, tableOfJSON, type Sheet } from "./sheet";

const textMost = 256 << 10;
const jsonMost = 1 << 20;
const freely = 2 << 20; // what is loaded without being asked for
const rowsMost = 200;
const columnsMost = 60;

/** Preview shows a file, or says why it does not. */
export function Preview({ run, file }: { run: string; file: RunFileEntry }) {
  const [asked, setAsked] = useState(false);
  const address = fileURL(run, file.path);
  switch (file.kind) {
    case "image":
    case "html":
      if (file.size > freely && !asked) {
        return (
          <p>
            <button type="button" class="quiet" onClick={() => setAsked(true)}>
              Load the preview ({bytesText(file.size)})
            </button>
          </p>
        );
      }
      return file.kind === "image" ? (
        <img class="run-image" src={address} alt={file.name} />
      ) : (
        <>
          <iframe class="run-frame" sandbox="allow-scripts" src={address} title={file.name} loading="lazy" referrerpolicy="no-referrer" />
          <p class="detail">In a sandbox without network and without access to this page.</p>
        </>
      );
    case "table":
    case "json":
    case "markdown":
    case "text":
      return <Text address={address} file={file} />;
  }
  return <p class="detail">There is no preview of files of this kind.</p>;
}

function Text({ address, file }: { address: string; file: RunFileEntry }) {
  const [text, setText] = useState<string>();
  const [problem, setProblem] = useState<Problem>();
  const most = file.kind === "json" ? jsonMost : textMost;
  const cutOff = file.size > most;
  useEffect(() => {
    let gone = false;
    fetch(address, cutOff ? { headers: { Range: `bytes=0-${most - 1}` } } : {}).then(
      async (a) => {
        if (gone) return;
        if (!a.ok) {
          const said = (await a.json().catch(() => ({}))) as { error?: string; kind?: string };
          return setProblem({ kind: said.kind ?? "refused", message: said.error ?? `The server answered with status ${a.status}.`, status: a.status });
        }
        const t = await a.text();
        if (!gone) setText(t);
      },
      () => !gone && setProblem({ kind: "unreachable", message: "The server does not answer. Is it running?", status: 0 }),
    );
    return () => {
      gone = true;
    };
  }, [address]);
  if (problem) return <ProblemLine problem={problem} />;
  if (text === undefined) return null;
  if (file.kind === "table") {
    const sheet = parseTable(text, file.name.toLowerCase().endsWith(".tsv") ? "\t" : ",", cutOff, rowsMost);
    return <SheetView sheet={sheet} name={file.name} cut={cutOff ? `The beginning of ${bytesText(file.size)}.` : ""} />;
  }
  if (file.kind === "json" && !cutOff) {
    try {
      const value = JSON.parse(text) as unknown;
      const sheet = tableOfJSON(value, rowsMost);
      if (sheet) return <SheetView sheet={sheet} name={file.name} cut="" />;
      return <Plain text={JSON.stringify(value, null, 2)} name={file.name} cut="" />;
    } catch {
      return <Plain text={text} name={file.name} cut="This is no JSON, whatever its name says." />;
    }
  }
  return <Plain text={text} name={file.name} cut={cutOff ? `The first ${bytesText(most)} of ${bytesText(file.size)}.` : ""} />;
}

function Plain({ text, name, cut }: { text: string; name: string; cut: string }) {
  return (
    <>
      <pre class="run-text" tabIndex={0} aria-label={name}>
        {text}
      </pre>
      {cut && <p class="detail">{cut}</p>}
    </>
  );
}

function SheetView({ sheet, name, cut }: { sheet: Sheet; name: string; cut: string }) {
  const columns = sheet.head.slice(0, columnsMost);
  const notes = [cut];
  if (sheet.more) notes.push(`${count(sheet.rows.length)} of ${sheet.atLeast ? "at least " : ""}${count(sheet.rows.length + sheet.more)} rows.`);
  if (sheet.head.length > columnsMost) notes.push(`${columnsMost} of ${count(sheet.head.length)} columns.`);
  return (
    <>
      <div class="scroll run-sheet" tabIndex={0} role="region" aria-label={name}>
        <table>
          <thead>
            <tr>
              {columns.map((h, i) => (
                <th key={i} scope="col" class={sheet.numeric[i] ? "num" : undefined}>
                  {h}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sheet.rows.map((row, r) => (
              <tr key={r}>
                {columns.map((_, i) => (
                  <td key={i} class={sheet.numeric[i] ? "num" : undefined}>
                    {row[i] ?? ""}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {notes.some(Boolean) && <p class="detail">{notes.filter(Boolean).join(" ")}</p>}
    </>
  );
}
