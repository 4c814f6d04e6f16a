// Monitors by keyboard: from the matrix to a monitor, from window to window, to the
// column that carries the drift, and to what became of the rows. What the pages show
// is held against what the API says.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { findings, settled } from "./browser.mjs";
import { inWorld } from "./world.mjs";

const w = inWorld();
const { api, at } = w;
const param = (page, name) => new URL(page.url()).searchParams.get(name);

test("the matrix shows every signal, and Enter leads to the monitor", async () => {
  const { items } = await api("monitors");
  const { page, complaints, close } = await w.open();
  await page.goto(at(""));
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("w");
  const matrix = page.getByRole("group", { name: "Monitors by signal" });
  await matrix.waitFor();
  const text = await matrix.innerText();
  for (const cell of items[0].cells) assert.ok(text.includes(cell.word), `${cell.word} in ${text}`);
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: items[0].name, exact: true }).waitFor();
  await settled(page);
  assert.deepEqual(complaints, []);
  await close();
});

test("the arrows go from window to window, and each tells its quality", async () => {
  const m = await api("monitors/flights");
  const n = m.windows.start.length;
  const { page, complaints, close } = await w.open();
  await page.goto(at("monitors/flights"));
  await page.getByRole("slider", { name: "Window" }).waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await settled(page);
  assert.equal(Date.parse(param(page, "window")), m.windows.start[n - 3]);
  const label = m.windows.label[n - 3];
  await page.getByRole("slider", { name: "Window" }).and(page.locator(`[aria-valuetext^="window ${label}"]`)).waitFor();
  const figures = await page.getByRole("group", { name: "Figures of the window" }).innerText();
  const auc = m.quality.find((q) => q.metric === "auc").value[n - 3];
  assert.match(figures, auc === null ? /AUC\s+–/ : new RegExp(`AUC\\s+${auc.toFixed(3)}`));
  await page.getByRole("slider", { name: "Window" }).focus();
  await page.keyboard.press("Home");
  assert.equal(Date.parse(param(page, "window")), m.windows.start[0]);
  await settled(page);
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
  await close();
});

test("the ranking names the columns that moved, and one shows its values beside the reference", async () => {
  const m = await api("monitors/flights");
  // The window in which most columns drift.
  const drifting = m.windows.start.map((_, i) => m.drift.columns.filter((_, c) => m.drift.state[c][i] === 3));
  const i = drifting.reduce((best, d, k) => (d.length > drifting[best].length ? k : best), 0);
  const start = new Date(m.windows.start[i]).toISOString().replace(".000Z", "Z");
  const { page, complaints, close } = await w.open();
  await page.goto(at(`monitors/flights?tab=drift&window=${start}`));
  const ranking = page.getByRole("list", { name: `Columns by distance in ${m.windows.label[i]}` });
  await ranking.waitFor();
  const first = await ranking.getByRole("button").allInnerTexts();
  for (const name of drifting[i]) assert.ok(first.slice(0, drifting[i].length).some((t) => t.startsWith(name)), `${name} among ${first.slice(0, 5)}`);
  await ranking.getByRole("button").nth(1).focus();
  await page.keyboard.press("Enter");
  const column = param(page, "column");
  assert.ok(first[1].startsWith(column));
  const d = await api(`monitors/flights/distribution?window=${start}&column=${encodeURIComponent(column)}`);
  const facts = page.getByRole("group", { name: `Figures of ${column}` });
  await facts.waitFor();
  const text = await facts.innerText();
  for (const s of d.samples) assert.ok(text.includes(s.name) && text.includes(s.rows.toLocaleString("en-US")), `${s.name}: ${text}`);
  await settled(page);
  assert.deepEqual(await findings(page), []);
  // Another window beside it.
  await page.getByLabel("compare with").selectOption({ index: i === m.windows.start.length - 1 ? 2 : 1 });
  await page.getByRole("group", { name: `Figures of ${column}` }).getByRole("columnheader").nth(3).waitFor();
  assert.ok(param(page, "against"));
  assert.deepEqual(complaints, []);
  await close();
});

test("a window with a fault says which rows are kept out and leads to them", async () => {
  const m = await api("monitors/flights");
  const i = m.windows.held.findIndex((n) => n > 0);
  assert.ok(i >= 0, "the world has a fault");
  const start = new Date(m.windows.start[i]).toISOString().replace(".000Z", "Z");
  const window = await api(`monitors/flights/windows/${start}`);
  const { page, complaints, close } = await w.open({ theme: "dark", width: 390 });
  await page.goto(at(`monitors/flights?tab=rows&window=${start}`));
  const kept = page.getByRole("group", { name: "Rows kept out, by reason" });
  await kept.waitFor();
  await settled(page);
  assert.ok((await kept.innerText()).includes(window.outcome.kept[0].rows.toLocaleString("en-US")));
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, "the page fits");
  assert.deepEqual(await findings(page), []);
  await kept.getByRole("link").first().click();
  await page.getByRole("heading", { name: "Quarantine of flights" }).waitFor();
  await settled(page);
  assert.deepEqual(complaints, []);
  await close();
});
