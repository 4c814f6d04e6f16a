// How to do a run again, as commands.
import type { RunPage } from "../api_gen";
import { Command, Section } from "../parts";

/** Reproduce shows the recipes that the run says enough for. */
export function Reproduce({ run }: { run: RunPage }) {
  return (
    <div class="run-recipes">
      {run.recipes.map((r, i) => (
        <Section key={r.title} id={`run-recipe-${i}`} title={r.title}>
          {r.note && <p class="detail run-recipe-note">{r.note}</p>}
          <div class="run-commands">{r.commands.map((c) => <Command key={c}>{c}</Command>)}</div>
        </Section>
      ))}
    </div>
  );
}
