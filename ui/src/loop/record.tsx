// What the journal has of a decision or an incident.
import type { LoopEntry } from "../api_gen";
import { moment, said } from "../format";
import { href } from "../router";

/** Record lists the entries, each with a link to the audit log. */
export function Record({ entries }: { entries: LoopEntry[] }) {
  return (
    <ul class="loop-record">
      {entries.map((e) => (
        <li key={e.index}>
          <a href={href(`audit/${e.index}`)} data-page>
            entry {e.index}
          </a>
          <span>{e.action}</span>
          <span>
            {e.kind === "user" ? "" : `${e.kind} `}
            {e.by}
          </span>
          <time dateTime={e.time}>{moment(e.time)}</time>
          {e.reason && <span class="detail">{said(e.reason)}</span>}
        </li>
      ))}
    </ul>
  );
}
