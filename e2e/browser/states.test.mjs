// States that good data do not show: what waits, is under way, paused, held, broken or
// oddly named; and that pages, command line and interface say the same figures. The
// states are made for real, by commands and by an MLflow client's requests.
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findings, settled } from "./browser.mjs";
import { inWorld } from "./world.mjs";

const w = inWorld();
const { api, at } = w;
const home = mkdtempSync(join(tmpdir(), "trimtab-states-"));
after(() => rmSync(home, { recursive: true, force: true }));

const say = (...args) => w.server.trimtab(...args);
const told = (...args) => JSON.parse(say(...args, "-o", "json"));
const mlflow = (path, body) => w.server.post(`/api/2.0/mlflow/${path}`, body);
const dayOf = (iso) => iso.slice(0, 10);

/** declare applies a file of declarations. */
function declare(name, text) {
  mkdirSync(join(home, name), { recursive: true });
  writeFileSync(join(home, name, "it.yaml"), text);
  return say("apply", join(home, name, "it.yaml"), "--yes");
}

/** soon asks until something is so. */
async function soon(what, ask) {
  for (const until = Date.now() + 30_000; Date.now() < until; await new Promise((done) => setTimeout(done, 50))) {
    const got = await ask();
    if (got) return got;
  }
  throw new Error(`${what}: not within 30 s\n${w.server.log().slice(-2000)}`);
}

/** figures are the numbers of a text, each with how exactly it is written. */
const figures = (text) =>
  [...text.replace(/\u2212/g, "-").matchAll(/-?\d[\d,]*(?:\.(\d+))?(?:e([+-]\d+))?/g)].map((m) => ({ value: Number(m[0].replace(/,/g, "")), half: 0.5000001 * 10 ** (Number(m[2] ?? 0) - (m[1]?.length ?? 0)) }));

/** says asserts that a text holds these numbers in this order, each as exact as it is written. */
function says(text, ...values) {
  const all = figures(text);
  let i = 0;
  for (const v of values) {
    while (i < all.length && Math.abs(all[i].value - v) > all[i].half) i++;
    assert.ok(i++ < all.length, `${v} of ${values.join(", ")} in: ${text}`);
  }
}

/** viewer is a page that goes from address to address; fits asserts that the one shown is no wider than a desk's screen and a phone's. */
async function viewer() {
  const { page, complaints, close } = await w.open();
  const over = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  return {
    page,
    main: () => page.getByRole("main").innerText(),
    go: async (path, heading) => {
      await page.goto(at(path));
      await page.getByRole("heading", { level: 1, ...(heading ? { name: heading, exact: true } : {}) }).first().waitFor();
      await settled(page);
    },
    fits: async ({ axe } = {}) => {
      if (axe) assert.deepEqual(await findings(page), []);
      for (const width of [1440, 390]) {
        await page.setViewportSize({ width, height: 900 });
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        assert.ok((await over()) <= 0, `${page.url()} is ${await over()} px too wide at ${width} px`);
      }
      await page.setViewportSize({ width: 1440, height: 900 });
    },
    done: async () => {
      assert.deepEqual(complaints, []);
      await close();
    },
  };
}

/** confirm fills in by keyboard the reason of the dialog that is open, and the word that it asks for, and confirms. */
async function confirm(page, reason, word) {
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  const field = dialog.getByLabel(/Reason|What you do about it/);
  assert.equal(await field.inputValue(), "", "what was said before is not said again");
  await field.focus();
  await page.keyboard.type(reason);
  if (word) {
    await page.keyboard.press("Tab");
    await page.keyboard.type(word);
  }
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
}

test("pages, commands and the interface say the same figures", async () => {
  const line = told("timeline", "flights");
  const loop = await api("loop/endpoints/flights");
  assert.deepEqual(loop.summary, line.summary, "what was done, all in all");

  const { page, go, done } = await viewer();
  await go("loop/flights?metric=auc", "flights");
  says(await page.locator(".loop-head").innerText(), line.summary.gain, line.summary.lo, line.summary.hi, line.summary.days, line.summary.rows, line.summary.labelled, line.summary.held);
  const rows = await page.locator(".loop-windows tbody tr").allInnerTexts();
  const newest = line.windows.at(-1);
  const n = loop.points.start.length - 1;
  assert.equal(new Date(loop.points.start[n] * 1000).toISOString().slice(0, 19), newest.start.slice(0, 19));
  says(rows[0].split("\t").slice(1).join("\t"), newest.versions.at(-1), newest.rows, newest.labelled, newest.value.value, newest.value.lo, newest.value.hi, newest.gain, loop.points.gainLo[n], loop.points.gainHi[n]);

  const known = told("decisions", "list").find((d) => d.action === "retrain");
  const d = told("decisions", "explain", known.id);
  await go(`decisions/${encodeURIComponent(d.id)}`);
  const options = await page.locator(".loop-options tbody tr").allInnerTexts();
  assert.equal(options.length, d.alternatives.length);
  for (const [i, a] of d.alternatives.entries()) if (a.windows) says(options[i], a.gain, a.stderr, a.expected, a.cost, a.net);
  const facts = await page.locator(".loop-facts").first().innerText();
  says(facts, ...d.facts.filter((f) => f.value && f.name !== "unit").map((f) => f.value));

  const windows = told("monitor", "show", "flights");
  const last = windows.at(-1);
  await go(`monitors/flights?window=${encodeURIComponent(last.start)}`, "flights");
  says(await page.locator(".monitors-bar").innerText(), last.rows, last.labelled, ...(last.held ? [last.held] : []));
  const measured = await page.getByRole("group", { name: "Figures of the window" }).innerText();
  says(measured, ...last.quality.flatMap((q) => [q.value, q.lo, q.hi]));

  const model = told("model", "show", "flights");
  await go("models/flights", "flights");
  const lines = page.locator("tr[data-version]");
  await lines.first().waitFor();
  assert.deepEqual(await lines.evaluateAll((all) => all.map((r) => Number(r.dataset.version))), model.versions.map((v) => v.version));
  const gates = (await api("catalog/models/flights")).versions.items;
  for (const [i, text] of (await lines.allInnerTexts()).entries()) if (gates[i].gate) says(text, gates[i].gate.value, Math.abs(gates[i].gate.diff));
  await done();
});

test("names of all kinds are written, linked and found", async () => {
  const names = ["50% \"quoted\" 'single' <b>x", "a&b=c#d?e=f", "100%25 sure", "back\\slash", "مرحبا بالعالم", "模型 🚀 é", "x".repeat(240)];
  const experiments = [];
  for (const name of [...names, "a/b c%20d"]) {
    const { experiment_id } = await mlflow("experiments/create", { name });
    const { run } = await mlflow("runs/create", { experiment_id, run_name: name, start_time: Date.now() - 5000, tags: [{ key: "mlflow.user", value: name }] });
    const run_id = run.info.run_id;
    await mlflow("runs/log-batch", { run_id, metrics: [{ key: "val/auc of x", value: 0.5, timestamp: Date.now(), step: 0 }, { key: "y".repeat(200), value: 1, timestamp: Date.now(), step: 0 }], params: [{ key: "a/b c", value: name }], tags: [{ key: "of/it", value: name }] });
    experiments.push({ name, experiment_id, run_id });
    if (name.includes("/")) continue;
    await mlflow("registered-models/create", { name, description: name.repeat(8) });
    await mlflow("model-versions/create", { name, source: `runs:/${run_id}/model`, run_id });
    await mlflow("registered-models/alias", { name, alias: "champion", version: "1" });
  }
  // From the list to each, by its link; names with signs of an address on to a version.
  const { page, go, fits, done } = await viewer();
  await go("models", "Models");
  for (const name of names) {
    const link = page.locator("a[data-row]", { hasText: name }).first();
    assert.equal(decodeURIComponent((await link.getAttribute("href")).split("/models/")[1]), name);
  }
  for (const name of names.slice(0, 5)) {
    await page.locator("a[data-row]", { hasText: name }).first().click();
    await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
    await page.locator("tr[data-version] a", { hasText: "1" }).first().click();
    await page.getByRole("heading", { level: 1, name: `${name} version 1`, exact: true }).waitFor();
    await page.getByRole("navigation", { name: "Breadcrumbs" }).getByRole("link", { name: "Models" }).click();
    await page.getByRole("heading", { level: 1, name: "Models", exact: true }).waitFor();
  }
  // The palette finds one of them and leads there.
  await page.keyboard.press("Control+k");
  await page.keyboard.type("a&b=c#d");
  await page.getByRole("option", { name: /a&b=c#d\?e=f/ }).first().click();
  await page.waitForURL((u) => u.pathname.includes(encodeURIComponent("a&b=c#d?e=f")) || u.pathname.includes("/experiments/"));
  await go("experiments", "Experiments");
  for (const { name, experiment_id } of experiments) assert.equal(await page.locator(`a[href$="/experiments/${experiment_id}"]`).first().innerText(), name);
  // The longest one keeps to the screen, wherever it stands.
  const long = experiments.at(-2);
  for (const path of ["", "models", `models/${long.name}`, `models/${long.name}/versions/1`, "experiments", `experiments/${long.experiment_id}/runs/${long.run_id}`]) {
    await go(path);
    await fits();
  }
  await done();
});

test("odd data: no metrics, no numbers, nothing to load, a step that fails", async () => {
  const { experiment_id } = await mlflow("experiments/create", { name: "odd data" });
  const made = {};
  for (const [name, metrics] of Object.entries({ "no metrics": {}, "one point": { auc: [0.7] }, "no numbers": { loss: ["NaN", 1, "Infinity", "-Infinity"], none: ["NaN"] } })) {
    const { run } = await mlflow("runs/create", { experiment_id, run_name: name, start_time: Date.now() - 5000 });
    made[name] = run.info.run_id;
    for (const [key, all] of Object.entries(metrics)) for (const [step, value] of all.entries()) await mlflow("runs/log-metric", { run_id: made[name], key, value, timestamp: Date.now() + step, step });
    await mlflow("runs/update", { run_id: made[name], status: "FINISHED", end_time: Date.now() });
  }
  const { page, main, go, fits, done } = await viewer();
  for (const [name, id] of Object.entries(made)) {
    await go(`experiments/${experiment_id}/runs/${id}`, name);
    await fits();
  }
  await go(`compare?runs=${Object.values(made).join(",")}`);
  await fits();

  await mlflow("registered-models/create", { name: "empty" });
  await mlflow("model-versions/create", { name: "empty", source: `runs:/${made["no metrics"]}/model`, run_id: made["no metrics"] });
  await mlflow("registered-models/alias", { name: "empty", alias: "champion", version: "1" });
  declare("odd", `apiVersion: trimtab.dev/v1alpha1
kind: Endpoint
metadata: {name: cannot-load}
spec: {model: {name: empty}}
---
apiVersion: trimtab.dev/v1alpha1
kind: Monitor
metadata: {name: no-windows}
spec: {endpoint: cannot-load, window: 7d, performance: {task: binary}}
---
apiVersion: trimtab.dev/v1alpha1
kind: Pipeline
metadata: {name: fails}
spec:
  code: {path: .}
  steps:
    - {name: one, run: "sh -c 'echo no luck; exit 3'"}
    - {name: two, needs: [one], run: "true"}
`);
  await soon("the endpoint has looked at its version", async () => (await api("pages/endpoints/cannot-load")).endpoint.health === "failed");
  await go("endpoints/cannot-load", "cannot-load");
  assert.match(await main(), /does not answer[^]*there is no file MLmodel/);
  await fits({ axe: true });
  for (const path of ["monitors/no-windows", "loop/cannot-load"]) {
    await go(path);
    assert.match(await main(), /trimtab/); // the commands that fill it
    await fits();
  }

  const { id } = told("pipeline", "run", "fails");
  await soon("the run has failed", async () => told("pipeline", "list", "--pipeline", "fails").find((r) => r.id === id)?.state === "failed");
  await go(`pipelineruns/${id}`, id);
  assert.match(await main(), /0 of 2 done[^]*exited with code 3/);
  await fits();
  await done();
});

test("an incident is acknowledged and closed by keyboard, and says by whom, when and why", async () => {
  const incident = told("incidents", "list").find((i) => !i.hold);
  assert.ok(incident, "the world has an open incident");
  const { page, go, fits, done } = await viewer();
  await go(`incidents/${encodeURIComponent(incident.id)}`);
  const act = async (button, reason, word) => {
    await page.getByRole("button", { name: button, exact: true }).focus();
    await page.keyboard.press("Enter");
    await confirm(page, reason, word);
  };
  await act("Acknowledge", "asked the vendor");
  await page.getByText("open, looked after").waitFor();
  await page.getByText("local: asked the vendor").waitFor();
  assert.equal(await page.getByRole("button", { name: "Acknowledge", exact: true }).count(), 0);
  await act("Close", "the vendor answered", incident.endpoint);
  await page.getByText("Closed by local").waitFor();
  const { incident: now, entries } = await api(`loop/incidents/${encodeURIComponent(incident.id)}`);
  assert.ok(now.closed);
  const closed = entries.find((e) => e.action === "incident.close");
  const step = await page.locator(".loop-course li", { hasText: "Closed by local" }).innerText();
  assert.ok(step.includes("The vendor answered.") && step.includes(closed.time.slice(0, 19).replace("T", " ")), step);
  assert.equal(await page.getByRole("button", { name: "Close", exact: true }).count(), 0);
  await fits({ axe: true });
  await done();
});

test("a rollout under way shows everywhere, is held, and is rolled back by keyboard", async () => {
  const serving = (await api("pages/endpoints/flights")).endpoint;
  say("loop", "pause", "--reason", "a release");
  say("model", "alias", "set", "flights", "champion", String(serving.serving - 1), "--cause", "the one before");
  const from = dayOf(serving.watermark);
  say("replay", "flights", "--source", "flights", "--from", from, "--to", dayOf(new Date(Date.parse(from) + 20 * 864e5).toISOString()));
  const rollout = await soon("a canary", async () => (await api("rollouts?limit=1")).items.find((r) => r.state === "canary"));
  say("replay", "cancel", "flights");
  const name = `version ${rollout.to} canary at ${Math.round(100 * (await api("rollouts?limit=1")).items[0].share)}`;
  const { page, main, go, fits, done } = await viewer();
  await go("", "Overview");
  const overview = await main();
  assert.ok(overview.replace(/\u00a0/g, " ").includes(name), `${name} in ${overview}`);
  assert.ok(overview.includes("The loop is paused") && overview.includes("a release"), overview);
  await fits({ axe: true });
  await go("loop/flights", "flights");
  assert.match(await main(), /The loop of this project is paused/);
  await go("endpoints/flights", "flights");
  assert.match(await main(), /The loop of this project is paused by local: a release[^]*Rollout under way/);
  await fits();

  say("rollout", "hold", "flights", "--reason", "until Monday");
  await go(`rollouts/${encodeURIComponent(rollout.id)}`, `Rollout ${rollout.id}`);
  await page.getByText("until Monday").first().waitFor();
  await page.locator('li[aria-current="step"]', { hasText: "held" }).waitFor();
  await page.keyboard.press("r");
  await confirm(page, "not on Mondays", rollout.id);
  await page.getByText("not on Mondays").first().waitFor();
  await page.getByText("not reached").first().waitFor();
  assert.equal((await api("pages/endpoints/flights")).endpoint.serving, serving.serving);
  await fits();
  await done();
  say("loop", "resume");
});

test("a decision waits for a yes or no: every page says so, and a no is heard", async () => {
  declare("ask", "apiVersion: trimtab.dev/v1alpha1\nkind: RetrainPolicy\nmetadata: {name: flights}\nspec: {monitor: flights, pipeline: train-flights, mode: approve, gate: flights, strategy: schedule, every: 7d}\n");
  const from = dayOf((await api("pages/endpoints/flights")).endpoint.watermark);
  say("replay", "flights", "--source", "flights", "--from", from, "--to", dayOf(new Date(Date.parse(from) + 40 * 864e5).toISOString()));
  const d = await soon("a decision that waits", async () => told("decisions", "list", "--open").find((x) => x.state === "awaiting"));
  await soon("the replay waits", async () => (await api("overview")).endpoints.find((e) => e.name === "flights").waits?.length);
  const { page, main, go, fits, done } = await viewer();
  await go("", "Overview");
  assert.match(await main(), /Policy flights waits for a yes or no to retrain/);
  assert.match(await page.locator(".progress").innerText(), /waits/);
  await fits();
  await go("loop/flights", "flights");
  assert.match(await main(), /Waits for a yes or no\s+to retrain/);
  assert.ok(await page.locator(`.loop-mark.open[aria-label*="${dayOf(d.at)}"]`).isVisible(), "it stands in the timeline, though its window is not closed");
  await fits();
  await go("endpoints/flights", "flights");
  await page.getByRole("link", { name: "what it decided" }).click();
  await page.waitForURL(/\/decisions\//);
  say("loop", "pause", "flights", "--reason", "a release");
  await page.getByText("what is approved is started when").waitFor();
  assert.ok((await api("overview")).attention.some((a) => a.rule === "policy.paused"));
  say("loop", "resume", "flights");
  await page.getByText("what is approved is started when").waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Reject" }).focus();
  await page.keyboard.press("Enter");
  await confirm(page, "not this week", d.policy);
  await page.getByText("Rejected by local").waitFor();
  const said = await page.locator(".loop-steps").innerText();
  assert.ok(said.includes("not this week"), said);
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
  assert.equal(told("decisions", "explain", d.id).state, "rejected");
  say("replay", "cancel", "flights");
  await fits({ axe: true });
  await done();
});
