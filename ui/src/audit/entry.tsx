// One entry of the audit log: what it says, what it belongs to, and that nobody changed it.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { AuditEvidence, AuditPage } from "../api_gen";
import { apiURL } from "../base";
import { moment } from "../format";
import { Answer, Page } from "../page";
import { Age, CopyButton, Digest, Facts, Section, Table } from "../parts";
import { useQuery } from "../query";
import { enc, go, href, project } from "../router";
import { Shape } from "../shapes";
import { Checks, VerdictLine } from "./checks";
import { kindWord, ObjectLink, pageOfObject } from "./object";
import { cannot, remember, seenBefore, verify, type Verdict } from "./verify";

/** Body is an entry as its bytes say it. */
interface Body {
  id: string;
  time: string;
  ws: string;
  actor: { kind: string; id: string; via?: string; attempt?: string };
  requestId?: string;
  action: string;
  object: { kind: string; name: string; version?: string };
  reason?: string;
  before?: string;
  after?: string;
  refs?: { kind: string; digest: string }[];
  data?: unknown;
}

export default function Entry({ params }: { params: Record<string, string> }) {
  const index = Number(params.index);
  const since = useMemo(() => seenBefore(project.value)?.size ?? 0, [index, project.value]);
  const address = apiURL(project.value, `journal/${enc(params.index ?? "")}/proof${since ? `?since=${since}` : ""}`);
  const q = useQuery<AuditEvidence>(address, []);
  const [verdict, setVerdict] = useState<Verdict>();
  const evidence = q.data.value;
  const no = cannot();
  const [round, setRound] = useState(0);
  useEffect(() => {
    setVerdict(undefined);
    if (!evidence || no) return;
    let gone = false;
    void verify(evidence, project.value, [index], seenBefore(project.value)).then((v) => {
      if (gone) return;
      setVerdict(v);
      remember(project.value, evidence, v);
    });
    return () => void (gone = true);
  }, [evidence, index, no, round]);
  const body = useMemo(() => read(evidence), [evidence]);
  const keys = useMemo(
    () => [
      { keys: "[", text: "the entry before", run: () => index > 1 && go(`audit/${index - 1}`) },
      { keys: "]", text: "the entry after", run: () => go(`audit/${index + 1}`) },
    ],
    [index],
  );
  return (
    <Page
      title={`Entry ${params.index}`}
      crumbs={[{ text: "Audit", to: "audit" }]}
      summary={body && `${body.action} · ${kindWord(body.object.kind)} ${body.object.name}`}
      label={verdict && <VerdictLine of={verdict} />}
      copy={{ curl: { url: address }, cli: `trimtab audit show ${index}` }}
      keys={keys}
      aside={
        <div class="audit-near">
          {index > 1 && (
            <a class="button" href={href(`audit/${index - 1}`)} data-page aria-label={`Entry ${index - 1}`}>
              ← {index - 1}
            </a>
          )}
          {evidence?.proofs[0] && evidence.proofs[0].leaf + 1 < evidence.size && (
            <a class="button" href={href(`audit/${index + 1}`)} data-page aria-label={`Entry ${index + 1}`}>
              {index + 1} →
            </a>
          )}
        </div>
      }
    >
      <Answer of={q}>
        {(e) =>
          body ? (
            <Shown evidence={e} body={body} index={index} verdict={verdict} no={no} again={() => setRound(round + 1)} />
          ) : (
            <p class="note warn">
              <Shape tone="warn" /> The bytes of this entry are no JSON: it was changed behind the server's back.
            </p>
          )
        }
      </Answer>
    </Page>
  );
}

/** read takes the entry from the bytes that are verified: what is shown is what was signed. */
function read(e: AuditEvidence | undefined): Body | undefined {
  const p = e?.proofs[0];
  if (!p) return undefined;
  try {
    return JSON.parse(textOf(p.body)) as Body;
  } catch {
    return undefined;
  }
}

function textOf(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
  } catch {
    return "";
  }
}

function Shown({ evidence, body, index, verdict, no, again }: { evidence: AuditEvidence; body: Body; index: number; verdict: Verdict | undefined; no: string | undefined; again: () => void }) {
  const raw = textOf(evidence.proofs[0]?.body ?? "");
  const { kind, name, version } = body.object;
  const about = { kind, name, ...(version ? { version } : {}) };
  return (
    <div class="audit-entry">
      <div class="audit-what">
        <Section id="audit-says" title="What it says">
          {body.reason && <p class="audit-reason">{body.reason}</p>}
          <Facts
            of={[
              ["Action", <code>{body.action}</code>],
              [kindWord(kind), <ObjectLink of={about} />],
              ["When", <>{moment(body.time)}</>],
              ["Who", `${body.actor.id} (${body.actor.kind}${body.actor.via ? ` by ${body.actor.via}` : ""})`],
              ["Attempt", body.actor.attempt && <code>{body.actor.attempt}</code>],
              ["Request id", body.requestId && <code>{body.requestId}</code>],
              ["State before", body.before ? <Digest of={body.before} /> : "none: it was made here"],
              ["State after", body.after ? <Digest of={body.after} /> : "none: nothing remains"],
              ...(body.refs ?? []).map((r): [string, preact.ComponentChildren] => [`Bytes: ${r.kind}`, <Digest of={r.digest} />]),
            ]}
          />
        </Section>
        <Section id="audit-bytes" title="Its bytes" aside={<CopyButton text={raw} label="Copy as signed" />}>
          <pre class="audit-body" tabIndex={0}>
            {JSON.stringify(body, null, 2)}
          </pre>
        </Section>
      </div>
      <div class="audit-proof">
      <Section id="audit-proof" title="Verification">
        {no ? (
          <p class="note warn">
            <Shape tone="warn" />
            <span>Not verified here. {no}</span>
          </p>
        ) : verdict ? (
          <>
            <Checks of={verdict} again={again} />
            <p class="detail">
              Computed in this browser from the bytes at the left, the signed checkpoint and the hashes beside the entry's path (RFC 6962). <code>trimtab audit show {index}</code> does the same, <code>docs/format/journal.md</code> says how to do it by hand.
            </p>
          </>
        ) : (
          <p class="detail" role="status">
            Hashing
          </p>
        )}
      </Section>
      </div>
      <div class="audit-same">
        <Same about={about} index={index} />
      </div>
    </div>
  );
}

/** Same lists the other entries of the same object. */
function Same({ about, index }: { about: { kind: string; name: string; version?: string }; index: number }) {
  const q = useQuery<AuditPage>(apiURL(project.value, `pages/audit?limit=20&kind=${enc(about.kind)}&name=${enc(about.name)}`), [about.kind]);
  const items = q.data.value?.items ?? [];
  const page = pageOfObject(about);
  if (items.length === 0) return null;
  return (
    <Section
      id="audit-same"
      title={`Entries of this ${kindWord(about.kind)}`}
      aside={
        <>
          {page && (
            <a href={href(page.split("?")[0] ?? "")} data-page>
              Open its page
            </a>
          )}{" "}
          <a href={href("audit", { kind: about.kind, name: about.name })} data-page>
            All of them
          </a>
        </>
      }
    >
      <div class="panel">
      <Table
        label="Entries of the same object"
        rows={items}
        rowKey={(e) => String(e.index)}
        chosen={(e) => e.index === index}
        columns={[
          {
            id: "index",
            title: "Entry",
            value: (e) => (
              <a href={href(`audit/${e.index}`)} data-page data-row>
                {e.index}
              </a>
            ),
          },
          { id: "when", title: "When", value: (e) => <Age at={e.time} /> },
          { id: "action", title: "Action", value: (e) => <code>{e.action}</code> },
          { id: "who", title: "Who", value: (e) => e.actor },
          { id: "reason", title: "Why", value: (e) => <span class="audit-clip">{e.reason}</span> },
        ]}
      />
      </div>
    </Section>
  );
}
