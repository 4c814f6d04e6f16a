import type { Change, Overview } from "../api_gen";
import { Age, Section } from "../parts";
import { href } from "../router";

/** Changes are the newest entries of the journal. */
export function Changes({ o }: { o: Overview }) {
  return (
    <Section
      id="changes"
      title="Recent changes"
      aside={
        <a href={href("audit")} data-page>
          All
        </a>
      }
    >
      {o.changes.length === 0 ? (
        <p class="panel none">Nothing has changed yet.</p>
      ) : (
        <div class="panel">
          <table class="list changes">
            <thead>
              <tr>
                <th scope="col">Action</th>
                <th scope="col">By</th>
                <th scope="col" class="num">
                  Time
                </th>
              </tr>
            </thead>
            <tbody>
              {o.changes.map((c) => (
                <Row key={c.index} c={c} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}

function Row({ c }: { c: Change }) {
  return (
    <tr>
      <td>
        <span class="change">
          <code class="action">
            <a href={href(`audit/${c.index}`)} data-page data-row>
              {c.action}
            </a>
            {c.count > 1 && <span class="times"> × {c.count}</span>}
          </code>{" "}
          <span class="detail">
            <ObjectName c={c} />
            {c.detail && `, ${c.detail}`}
          </span>
        </span>
      </td>
      <td title={c.via && c.via !== c.actor ? `${c.actor}, through ${c.via}` : c.actor}>
        <span class="actor">
          {actorName(c.actor)}
        </span>
      </td>
      <td class="num">
        <Age at={c.time} />
      </td>
    </tr>
  );
}

/** actorName leaves out the pipeline run of a step, which the title has. */
function actorName(actor: string): string {
  return actor.replace(/^step pr-[0-9a-f]+\.(.+)$/, "step $1");
}

/** ObjectName shortens ids that only a machine reads; the whole stands in the title. */
function ObjectName({ c }: { c: Change }) {
  const long = /^[0-9a-f]{32}$/.test(c.name);
  const version = c.version && (/^\d{4}-\d\d-\d\dT/.test(c.version) ? ` ${c.version.slice(0, 10)}` : ` ${c.version}`);
  return (
    <span title={long ? c.name : undefined}>
      {long ? c.name.slice(0, 8) : c.name}
      {version}
    </span>
  );
}
