// Models by keyboard: the list, a model with its aliases and versions, a version as
// a card, two versions side by side, and an alias that is moved. What the pages show
// is held against what the API says.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { findings } from "./browser.mjs";
import { inWorld } from "./world.mjs";

const w = inWorld();
const { api, at } = w;
const path = (page) => new URL(page.url()).pathname;
const grouped = (n) => n.toLocaleString("en-US");

/** clean asserts that nobody complains of a page, with axe when it was not asked before, and closes it. */
async function clean({ page, complaints, close }, axe = false) {
  if (axe) assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
  await close();
}

test("from the list to the version that serves, by keyboard", async () => {
  const [line] = (await api("catalog/models?q=flights")).items;
  const view = await w.open();
  const { page } = view;
  await page.goto(at("models"));
  await page.getByRole("link", { name: "flights", exact: true }).first().waitFor();
  const row = await page.locator("tbody tr", { has: page.locator("[data-row]", { hasText: "flights" }) }).first().innerText();
  assert.ok(row.includes(line.quality.metric.value.toFixed(3)) && row.includes(`version ${line.serves[0].version}`), row);
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/models\/flights$/);
  const model = await api("catalog/models/flights");
  await page.locator("tr[data-version]").first().waitFor();
  assert.equal(await page.locator("tr[data-version]").count(), model.versions.items.length);
  assert.equal(await page.getByRole("tab", { name: /Alias history/ }).innerText(), `Alias history${model.moves.length}`);
  assert.deepEqual(await findings(page), []);
  // j goes through the lines to that of the version that serves.
  const serving = model.services[0].version;
  for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement?.closest("tr")?.dataset.version)) !== String(serving); i++) await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`versions/${serving}$`));
  await page.getByRole("heading", { name: `flights version ${serving}` }).waitFor();
  await clean(view);
});

/** written is a metric as the pages write it. */
const written = (v) => (Math.abs(v) !== 0 && Math.abs(v) < 0.01 ? Math.abs(v).toPrecision(3) : Math.abs(v).toFixed(3));

test("a card says what was measured, on which rows, and what a threshold does", async () => {
  const model = await api("catalog/models/flights");
  const served = model.versions.items.find((v) => v.spans?.length)?.version;
  const said = await api(`catalog/models/flights/versions/${served}/performance`);
  const view = await w.open();
  const { page } = view;
  await page.goto(at(`models/flights/versions/${served}`));
  await page.getByText(`${grouped(said.rows.used)} rows of`).waitFor();
  const metrics = await page.locator(".models-metrics").innerText();
  for (const m of said.metrics) assert.ok(metrics.includes(written(m.value)), `${m.metric} ${m.value} in ${metrics}`);
  // The slider by its keys: the cells are those of the API.
  const slider = page.getByRole("slider");
  await slider.focus();
  for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowLeft");
  const cut = 90;
  assert.equal(new URL(page.url()).searchParams.get("cut"), String(said.binary.cuts[cut]));
  const cells = await page.locator(".models-confusion strong").allTextContents();
  const { tp, fp, positives, negatives } = said.binary;
  assert.deepEqual(cells, [tp[cut], positives - tp[cut], fp[cut], negatives - fp[cut]].map(grouped));
  assert.deepEqual(await findings(page), []);
  // The other rows, and the inputs in the order of their importance.
  await page.getByRole("button", { name: "New to it" }).click();
  await page.getByText(/new to version \d+ and scored now|Not measured/).first().waitFor();
  const card = (await api(`catalog/models/flights/versions/${served}`)).card;
  await page.getByRole("tab", { name: /Inputs/ }).click();
  const first = await page.getByRole("group", { name: "Inputs" }).locator("tbody tr").first().innerText();
  assert.ok(first.includes(card.importances[0].name), `${first} begins with ${card.importances[0].name}`);
  assert.deepEqual(await findings(page), []);
  await page.getByRole("tab", { name: "Origin" }).click();
  await page.getByRole("heading", { name: "Its run" }).waitFor();
  await clean(view, true);
});

test("the run behind the version that serves is two keys and a link away", async () => {
  const model = await api("catalog/models/flights");
  const version = await api(`catalog/models/flights/versions/${model.aliases[0].version}`);
  const view = await w.open();
  await view.page.goto(at(`models/flights/versions/${version.line.version}?tab=origin`));
  const link = view.page.locator("#models-run").locator("..").getByRole("link");
  assert.equal(new URL(await link.getAttribute("href")).pathname, `/ui/experiments/${version.runFacts.experiment}/runs/${version.runFacts.id}`);
  await clean(view);
});

test("two versions side by side: chosen with x, compared with d, and what the API says of both", async () => {
  const model = await api("catalog/models/flights");
  assert.ok(model.versions.items.length > 1, "the world has two versions");
  const view = await w.open();
  const { page } = view;
  await page.goto(at("models/flights"));
  await page.locator("tr[data-version]").first().waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.closest("tr")?.dataset.version);
  for (let i = 0; i < 20 && !(await focused()); i++) await page.keyboard.press("j");
  const one = await focused();
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  const two = await focused();
  await page.keyboard.press("x");
  assert.equal(await page.locator("tr.chosen").count(), 2);
  await page.keyboard.press("d");
  await page.waitForURL(/models\/flights\/diff/);
  const [a, b] = [one, two].sort((x, y) => x - y);
  assert.equal(new URL(page.url()).search, `?a=${a}&b=${b}`);
  const said = await api(`catalog/models/flights/versions/${b}/performance?against=${a}`);
  await page.getByText(said.metrics.length ? "new to both versions" : "Not measured").first().waitFor();
  if (said.metrics.length) {
    const rows = await page.getByRole("group", { name: "Both versions on the same rows" }).locator("tbody tr").allInnerTexts();
    assert.equal(rows.length, said.metrics.length);
    said.metrics.forEach((m, i) => assert.ok(rows[i].includes(written(m.value)), `${rows[i]}: ${m.value}`));
  }
  await page.getByRole("heading", { name: "How they were made" }).waitFor();
  await clean(view, true);
});

test("an alias is moved by keyboard: what will happen is said before, the name is asked for, the history tells of it", async () => {
  const model = await api("catalog/models/flights");
  const view = await w.open();
  const { page } = view;
  await page.goto(at("models/flights"));
  await page.locator("tr[data-version]").first().waitFor();
  await page.keyboard.press("a");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await dialog.getByText(/declares a rollout|answers with version|under way/).waitFor();
  await dialog.getByLabel("Alias").fill("candidate");
  await dialog.getByText("No endpoint follows this alias").waitFor();
  await dialog.getByLabel("Version").fill("1");
  await dialog.getByLabel(/Why/).fill("looked at by a person");
  const act = dialog.getByRole("button", { name: /Point candidate to version 1/ });
  assert.ok(await act.isDisabled(), "the name has not been typed yet");
  assert.deepEqual(await findings(page), []);
  await dialog.getByLabel(/to go on/).fill(model.name);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("group", { name: "Aliases and what follows them" }).getByText("candidate").waitFor();
  const [move] = (await api("catalog/models/flights")).moves;
  assert.deepEqual([move.alias, move.to, move.reason], ["candidate", 1, "looked at by a person"]);
  await page.getByRole("tab", { name: /Alias history/ }).click();
  await page.getByRole("group", { name: "Moves of aliases" }).getByText("looked at by a person").waitFor();
  await page.getByRole("button", { name: "Drop candidate" }).click();
  await page.getByLabel(/to go on/).fill("candidate");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  assert.equal((await api("catalog/models/flights")).aliases.find((a) => a.name === "candidate"), undefined);
  await clean(view);
});

test("a model of odd name with 700 versions: few lines are drawn, the last is reached, and the name survives", async () => {
  const name = "modèle & été 100%?";
  const mlflow = (route, body) => w.server.post(`/api/2.0/mlflow/${route}`, body);
  await mlflow("registered-models/create", { name });
  for (let i = 0; i < 700; i += 20) await Promise.all(Array.from({ length: 20 }, () => mlflow("model-versions/create", { name, source: "models:/flights/1" })));
  const view = await w.open({ width: 390 });
  const { page } = view;
  await page.goto(at("models"));
  await page.getByRole("searchbox").fill("été");
  await page.getByRole("link", { name, exact: true }).click();
  await page.locator('tr[data-version="700"]').waitFor();
  assert.equal(decodeURIComponent(path(page)).endsWith(name), true);
  const box = page.locator(".models-versions");
  for (let i = 0; i < 40 && (await page.locator('tr[data-version="1"]').count()) === 0; i++) {
    await box.evaluate((e) => (e.scrollTop = e.scrollHeight));
    await page.waitForFunction(() => !document.querySelector(".models-foot")?.textContent.includes("reading more"));
  }
  await page.locator('tr[data-version="1"]').waitFor();
  assert.ok((await page.locator("tr[data-version]").count()) <= 80, "few lines are drawn");
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  await clean(view);
});
