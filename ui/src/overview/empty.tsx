import { serverURL } from "../base";
import { Command } from "../parts";

const steps: [string, string][] = [
  ["Declare source, pipeline, model, endpoint and monitor", "trimtab apply examples/flights/"],
  ["Train, register, and make the first version the champion", "trimtab pipeline run train-flights --follow"],
  ["Serve ten months of flights and measure every month", "trimtab replay flights --source flights --from 2013-03-01 --to 2014-01-01 --follow"],
];

/** Empty is the page before anything exists: the commands that fill it. */
export function Empty({ project }: { project: string }) {
  const flag = project === "default" ? "" : ` --project ${project}`;
  return (
    <section class="empty" aria-labelledby="empty">
      <h2 id="empty">Nothing is here yet. Three commands fill this page:</h2>
      <ol>
        {steps.map(([what, command], i) => (
          <li key={command}>
            <p>{what}</p>
            <Command label={`command ${i + 1}`}>{command + flag}</Command>
          </li>
        ))}
      </ol>
      <p class="detail">
        The page shows what they do while they do it. <code>make demo</code> in the source tree prepares the data and runs all three.
      </p>
      {project === "default" && (
        <>
          <h2>Or send your own training here</h2>
          <p class="detail">Every script with an MLflow client works as it is:</p>
          <Command label="the address for MLflow clients">{`MLFLOW_TRACKING_URI=${serverURL} python train.py`}</Command>
        </>
      )}
    </section>
  );
}
