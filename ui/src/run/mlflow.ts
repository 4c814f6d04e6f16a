// What the page of a run writes goes through MLflow's own API, as any client's
// writes do: the same rules, the same journal.
import { serverURL } from "../base";
import type { Problem } from "../query";

/** mlflow posts to MLflow's REST API in a project. It throws a Problem. */
export async function mlflow(project: string, call: string, body: unknown): Promise<void> {
  let answer: Response;
  try {
    answer = await fetch(`${serverURL}/api/2.0/mlflow/${call}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(project === "default" ? {} : { "X-MLFLOW-WORKSPACE": project }) },
      body: JSON.stringify(body),
    });
  } catch {
    throw { kind: "unreachable", message: "The server does not answer. Is it running?", status: 0 } satisfies Problem;
  }
  if (answer.ok) return;
  const said = (await answer.json().catch(() => ({}))) as { error_code?: string; message?: string };
  throw {
    kind: said.error_code ?? "refused",
    message: said.message ?? `The server answered with status ${answer.status}.`,
    status: answer.status,
    requestId: answer.headers.get("X-Request-Id") ?? undefined,
  } satisfies Problem;
}
