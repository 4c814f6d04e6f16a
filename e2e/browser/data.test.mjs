// Data by keyboard: sources, snapshots beside each other, a contract over time, and
// held rows released. What the pages show is held against what the API says.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { findings, settled } from "./browser.mjs";
import { inWorld } from "./world.mjs";

const w = inWorld();
const { api, at } = w;

test("sources, contracts and the quarantine, each one Enter away", async () => {
  const d = await api("data");
  const { page, complaints, close } = await w.open();
  await page.goto(at(""));
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  const sources = page.getByRole("region", { name: "Sources", exact: true });
  await sources.waitFor();
  const text = await page.getByRole("main").innerText();
  for (const s of d.sources) assert.ok(text.includes(s.name) && (!s.newest || text.includes(s.newest.rows.toLocaleString("en-US"))), s.name);
  for (const c of d.contracts) assert.ok(text.includes(c.name) && text.includes(c.state === "bad" ? "broken" : "kept"), c.name);
  assert.deepEqual(await findings(page), []);
  await page.getByRole("region", { name: "Contracts", exact: true }).getByRole("link", { name: d.contracts[0].name }).first().focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: d.contracts[0].name, exact: true }).waitFor();
  await settled(page);
  const c = await api(`data/contracts/${d.contracts[0].name}`);
  const rules = await page.getByRole("group", { name: /^Rules in/ }).innerText();
  for (const r of c.rules) assert.ok(rules.includes(r.rule) && rules.includes(r.expected), r.rule);
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
  await close();
});

test("a snapshot stands beside the one before: what came, went and moved", async () => {
  const { snapshots } = await api("data/sources/flights");
  assert.ok(snapshots.length > 1, "the world has trained twice");
  const { page, complaints, close } = await w.open();
  await page.goto(at("data/sources/flights"));
  const columns = page.getByRole("group", { name: "Columns", exact: true });
  await columns.waitFor();
  const look = await api(`data/sources/flights/snapshots/${snapshots[0].digest}?against=${snapshots[1].digest}`);
  const text = await columns.innerText();
  for (const x of look.columns) assert.ok(text.includes(x.name), x.name);
  assert.equal((text.match(/(?<![a-z])moved/g) ?? []).length, look.moved);
  await page.getByLabel("what differs only").check();
  assert.equal(await columns.getByRole("rowheader").count(), look.columns.filter((x) => x.change || x.state === "drift").length || 0);
  const uses = await page.getByRole("region", { name: "Snapshots", exact: true }).innerText();
  for (const s of snapshots) for (const r of s.runs ?? []) assert.ok(uses.includes(r.run), r.run);
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
  await close();
});

test("held rows are shown, and released when the endpoint's name and a reason are typed", async () => {
  const before = await api("data/quarantine/flights");
  const hold = before.holds[0];
  const { page, complaints, close } = await w.open();
  await page.goto(at("data/quarantine/flights"));
  const rows = page.getByRole("group", { name: "Rows that are kept out" });
  await rows.waitFor();
  const kept = await api(`data/quarantine/flights/rows?incident=${encodeURIComponent(hold.id)}&limit=50`);
  assert.ok((await rows.innerText()).includes(kept.rows[0].id));
  for (const name of hold.columns.filter((c) => c !== "score")) assert.ok(kept.columns.includes(name), name);
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("r");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  const release = dialog.getByRole("button", { name: "Release" });
  assert.equal(await release.isDisabled(), true);
  assert.deepEqual(await findings(page), []);
  await dialog.getByLabel(/^Type/).fill(hold.id);
  assert.equal(await release.isDisabled(), true, "the name of the endpoint is asked for");
  await dialog.getByLabel(/^Type/).fill("flights");
  await dialog.getByLabel(/^Reason/).fill("the rows were right");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByText("released", { exact: true }).first().waitFor();
  const after = (await api("data/quarantine/flights")).holds.find((h) => h.id === hold.id);
  assert.equal(after.released, true);
  assert.equal(after.note, "the rows were right");
  assert.deepEqual(complaints, []);
  await close();
});
