// One apply: what it changed field by field, and the way back.
import { useState } from "preact/hooks";
import type { ChangePage, ChangePlan } from "../api_gen";
import { apiURL } from "../base";
import { moment } from "../format";
import { Answer, Page } from "../page";
import { Age, Confirm, Dialog, Facts, toast } from "../parts";
import { ProblemLine } from "../dialog";
import { call, useQuery, type Problem } from "../query";
import { enc, go, project } from "../router";
import type { Params } from "../pages";
import { Agreed } from "./declare";
import { What } from "./list";
import { Actions, Plan } from "./plan";

export default function Change({ params }: { params: Params }) {
  const id = params.id ?? "";
  const url = apiURL(project.value, `changes/${enc(id)}`);
  const q = useQuery<ChangePage>(url);
  const [back, setBack] = useState<{ plan?: ChangePlan; problem?: Problem }>();
  const [sure, setSure] = useState(false);
  const p = q.data.value;
  const undo = async () => {
    try {
      setBack({ plan: await call<ChangePlan>("POST", `${url}/undo/plan`, { manager: "ui" }) });
    } catch (e) {
      setBack({ problem: e as Problem });
    }
  };
  const can = p !== undefined && !p.undo;
  return (
    <Page
      title={p ? `Apply of ${moment(p.set.time).slice(0, 16)}` : "Apply"}
      crumbs={[{ text: "Changes", to: "changes" }]}
      summary={p && <What of={p.set} />}
      aside={
        can && (
          <button type="button" class="quiet" onClick={() => void undo()}>
            Undo…
          </button>
        )
      }
      copy={{ curl: { url } }}
      keys={can ? [{ keys: "u", text: "plan the way back", run: () => void undo() }] : []}
      actions={can ? [{ text: "Undo this apply", run: () => void undo() }] : []}
    >
      <Answer of={q}>
        {(p) => (
          <>
            <Facts
              of={[
                ["When", <Age at={p.set.time} />],
                ["By", p.set.actor],
                ["Through", p.set.manager === "ui" ? "the browser" : p.set.manager || p.set.via],
                ["From", p.set.inventory === "ui:" ? "the browser" : p.set.inventory],
                ["Request", p.set.requestId && <code>{p.set.requestId}</code>],
              ]}
            />
            <Actions of={p.actions} done />
            {p.undo && <p class="detail">It cannot be undone here: {p.undo}.</p>}
          </>
        )}
      </Answer>
      {back && (
        <Dialog title="The way back" close={() => setBack(undefined)} wide>
          <div class="changes-declare">
            {back.problem && <ProblemLine problem={back.problem} />}
            {back.plan && <Plan of={back.plan} />}
            <div class="buttons">
              <button type="button" class="quiet" onClick={() => setBack(undefined)}>
                Close
              </button>
              {back.plan && (
                <button type="button" class="primary" disabled={back.plan.actions.length === 0} onClick={() => setSure(true)}>
                  Apply…
                </button>
              )}
            </div>
          </div>
          {sure && back.plan && (
            <Confirm
              title="Go back"
              word="undo"
              action="Go back"
              danger
              close={() => setSure(false)}
              run={async () => {
                await call("POST", `${url}/undo`, { manager: "ui", expect: back.plan?.digest });
                toast("Undone");
                go("changes");
              }}
            >
              <Agreed plan={back.plan} />
            </Confirm>
          )}
        </Dialog>
      )}
    </Page>
  );
}
