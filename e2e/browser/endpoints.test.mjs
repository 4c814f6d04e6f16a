// Endpoints by keyboard: what is live, a request tried, a rollout read look by look,
// and a version rolled back. What the pages show is held against what the API says.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { findings } from "./browser.mjs";
import { inWorld } from "./world.mjs";

const w = inWorld();
const { api, at } = w;

test("the list says what is live and whether it works, and Enter leads on", async () => {
  const { items } = await api("pages/endpoints");
  const { page, complaints, close } = await w.open();
  await page.goto(at(""));
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  const table = page.getByRole("table");
  await table.waitFor();
  const text = await table.innerText();
  for (const e of items) assert.match(text, new RegExp(`${e.name}[^]*live[^]*healthy[^]*${e.serving}`));
  assert.match(text, /idle/);
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: items[0].name, exact: true }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/ui/endpoints/${items[0].name}`);
  const p = await api(`pages/endpoints/${items[0].name}`);
  const who = await page.getByRole("group", { name: "Versions that have answered" }).innerText();
  for (const s of p.services) assert.match(who, new RegExp(`version ${s.version}`));
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
  await close();
});

test("the console is filled with the last row, and what it scores leaves no trace", async () => {
  const before = await api("pages/endpoints/flights");
  const { page, complaints, close } = await w.open();
  await page.goto(at("endpoints/flights?tab=try"));
  const field = page.getByLabel(/^distance/);
  await field.waitFor();
  const example = JSON.parse((await api("endpoints/flights/example")).body).dataframe_split;
  assert.equal(await field.inputValue(), String(example.data[0][example.columns.indexOf("distance")]));
  await field.fill("no number");
  await page.getByText("distance: not a number").waitFor();
  assert.ok(await page.getByRole("button", { name: "Send" }).isDisabled());
  await field.fill("1000");
  await page.keyboard.press("Control+Enter");
  await page.getByText(/answered, status 200/).waitFor();
  const said = await page.locator(".endpoints-numbers dd").innerText();
  assert.match(said, /^0\.\d+$/);
  example.data[0][example.columns.indexOf("distance")] = 1000;
  const direct = await fetch(`${w.server.url}/api/trimtab/v1alpha1/default/endpoints/flights/try`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ dataframe_split: example }) });
  assert.equal(Number(said).toFixed(3), (await direct.json()).values[0].toFixed(3));
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
  // A driven endpoint takes no live requests; the console says so before and after.
  await page.getByLabel("/invocations").check();
  await page.getByText("refuses live requests").waitFor();
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText(/refused, status 409/).waitFor();
  const after = await api("pages/endpoints/flights");
  assert.equal(after.endpoint.predictions, before.endpoint.predictions);
  await close();
});

test("a rollout shows its steps and every look, each with its audit entry", async () => {
  const { rollouts } = await api("pages/endpoints/flights");
  const id = rollouts.find((r) => r.from > 0).id;
  const p = await api(`pages/rollouts/${id}`);
  assert.ok(p.everyLook && p.looks.length > p.steps.length * 4, `${p.looks.length} looks, every one: ${p.everyLook}`);
  const { page, complaints, close } = await w.open();
  await page.goto(at(`rollouts/${id}`));
  const steps = page.getByRole("list", { name: `Steps of rollout ${id}` });
  await steps.waitFor();
  const words = await steps.innerText();
  for (const s of p.steps) assert.ok(words.includes(s.title), s.title);
  const rows = page.getByRole("group", { name: "Looks of the tests" }).locator("tbody tr");
  assert.equal(await rows.count(), Math.min(25, p.looks.length));
  await page.getByRole("button", { name: `Show all ${p.looks.length} looks` }).press("Enter");
  assert.equal(await rows.count(), p.looks.length);
  const last = p.looks.at(-1);
  assert.ok((await rows.first().innerText()).includes(last.n.toLocaleString("en-US")));
  for (const test of ["Loss", "Disagreement", "Score shift", "Errors", "Sample ratio"]) await page.getByRole("region", { name: test, exact: true }).waitFor();
  assert.deepEqual(await findings(page), []);
  await rows.first().getByRole("link").click();
  await page.waitForURL(new RegExp(`/ui/audit/${last.entry}$`));
  await page.getByText("verified in this browser", { exact: false }).first().waitFor();
  assert.deepEqual(complaints, []);
  await close();
});

test("live requests show by themselves, by version", async () => {
  const model = await api("models/flights");
  const version = model.versions.at(-1).version;
  await w.server.post("/api/trimtab/v1alpha1/default/models/flights/aliases", { alias: "live", version });
  await w.server.post("/api/trimtab/v1alpha1/default/apply", { resources: [{ kind: "Endpoint", name: "flights-live", spec: { model: { name: "flights", alias: "live" } } }], manager: "test" });
  const { page, complaints, close } = await w.open();
  await page.goto(at("endpoints/flights-live"));
  await page.getByText(`version ${version} of flights answers`).waitFor();
  await page.getByText("No request in the last 15 minutes").waitFor();
  const { body } = await api("endpoints/flights/example");
  const ask = () => fetch(`${w.server.url}/endpoints/flights-live/invocations`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  for (let i = 0; i < 20; i++) assert.equal((await ask()).status, 200);
  await page.getByRole("figure").first().waitFor();
  await page.locator(".endpoints-now").getByText(/^0\.\d\d$/).first().waitFor();
  const recent = await api("traffic/recent?endpoint=flights-live");
  assert.equal(recent.endpoints[0].minute.requests, 20);
  assert.equal(recent.endpoints[0].versions[0].version, version);
  assert.equal(recent.endpoints[0].minute.failed, 0);
  assert.ok(recent.endpoints[0].minute.p99 > 0);
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
  await close();
});

test("roll back by keyboard: nothing happens before the word is typed, and the log says why", async () => {
  const before = await api("pages/endpoints/flights");
  const previous = before.services.find((s) => s.version !== before.endpoint.serving).version;
  const { page, complaints, close } = await w.open();
  await page.goto(at("endpoints/flights"));
  await page.getByRole("button", { name: "Roll back" }).waitFor();
  await page.keyboard.press("r");
  const dialog = page.getByRole("dialog", { name: `Roll back to version ${previous}` });
  await dialog.waitFor();
  assert.ok(await dialog.getByRole("button", { name: "Roll back" }).isDisabled());
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal((await api("pages/endpoints/flights")).endpoint.target, before.endpoint.target);

  await page.keyboard.press("r");
  await dialog.waitFor();
  await dialog.getByLabel("Type flights to go on").focus();
  await page.keyboard.type("flights");
  await page.keyboard.press("Enter");
  await dialog.getByText("Say why").waitFor();
  await dialog.getByLabel(/^Reason/).focus();
  await page.keyboard.type("a drill");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByText("Rollout under way").waitFor();
  const after = await api("pages/endpoints/flights");
  assert.equal(after.endpoint.target, previous);
  assert.equal(after.endpoint.sync, "rolling");
  const [entry] = (await api("pages/audit?action=model.alias.set&limit=1")).items;
  assert.equal(entry.reason, "a drill");

  // The same key now stops what was begun.
  await page.getByRole("button", { name: "Stop and roll back" }).waitFor();
  await page.keyboard.press("r");
  const stop = page.getByRole("dialog", { name: /^Stop rollout/ });
  await stop.waitFor();
  await stop.getByLabel(/^Reason/).fill("the drill is over");
  await stop.getByLabel("Type flights to go on").fill("flights");
  await page.keyboard.press("Enter");
  await stop.waitFor({ state: "detached" });
  await page.getByText("Last rollout").waitFor();
  const over = await api("pages/endpoints/flights");
  assert.equal(over.endpoint.target, before.endpoint.target);
  assert.equal(over.rollout.rollout.state, "rolledBack");
  assert.deepEqual(complaints, []);
  await close();
});
