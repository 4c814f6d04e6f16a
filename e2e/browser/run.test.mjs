// The page of a run: what it shows against what was logged, files that may do
// nothing to the page, and the charts by keyboard alone.
import { strict as assert } from "node:assert";
import { after, before, describe, test } from "node:test";
import { findings, launch, open, settled } from "./browser.mjs";
import { start } from "./server.mjs";

const mlflow = "/api/2.0/mlflow/";
const hostile = `<h1>Report</h1><p id="a">quiet</p><script>
  let seen = "no cookie";
  try { seen = document.cookie; } catch (e) { seen = e.name; }
  document.getElementById("a").textContent = "ran: " + seen;
  try { parent.document.title = "taken"; } catch (e) { document.body.append(" parent " + e.name); }
</script>`;

describe("run", { concurrency: false }, () => {
  let browser, server, experiment, run, older;
  before(async () => {
    [browser, server] = await Promise.all([launch(), start()]);
    ({ experiment_id: experiment } = await server.post(mlflow + "experiments/create", { name: "größe/π" }));
    const begin = Date.now() - 3_600_000;
    const create = async (i, name) => (await server.post(mlflow + "runs/create", { experiment_id: experiment, run_name: name, start_time: begin + i * 60_000, tags: [{ key: "mlflow.source.git.commit", value: "3f2a9c1b7d5e4f60718293a4b5c6d7e8f9012345" }, { key: "mlflow.user", value: "ada" }] })).run.info;
    older = (await create(0, "first")).run_id;
    const info = await create(1, "n".repeat(200));
    run = info.run_id;
    const metrics = [];
    for (let s = 0; s < 40; s++) {
      metrics.push({ key: "train/loss", value: s === 20 ? "NaN" : 1 / (s + 1), timestamp: begin + s * 1000, step: s });
      metrics.push({ key: "val/accuracy", value: s / 40, timestamp: begin + s * 1000, step: s });
    }
    metrics.push({ key: "test/auc", value: 0.8125, timestamp: begin, step: 0 });
    await server.post(mlflow + "runs/log-batch", { run_id: run, metrics, params: [{ key: "lr", value: "0.01" }, { key: "empty", value: "" }] });
    const put = async (path, body) => {
      const at = `/api/2.0/mlflow-artifacts/artifacts/${info.artifact_uri.replace(/^mlflow-artifacts:\/*/, "")}/${path}`;
      const r = await fetch(server.url + at, { method: "PUT", body });
      assert.ok(r.ok, `${at}: ${r.status}`);
    };
    await put("report.html", hostile);
    await put("tables/rows.csv", 'id,name\n1,"a, b"\n2,c\n');
    await put("config.yaml", "depth: 6\n");
    await server.post(mlflow + "runs/update", { run_id: run, status: "FINISHED", end_time: begin + 90_000 });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  const at = (query = "") => `${server.url}/ui/experiments/${experiment}/runs/${run}${query}`;

  for (const tab of ["metrics", "params", "artifacts", "inputs", "reproduce"]) {
    for (const theme of tab === "metrics" ? ["light", "dark"] : ["dark"]) {
      test(`${tab}, ${theme}: no finding, no complaint, not wider than a phone`, async () => {
        const { page, complaints, close } = await open(browser, server.url, { theme, width: 390 });
        try {
          await page.goto(at(`?tab=${tab}${tab === "artifacts" ? "&path=config.yaml" : ""}`));
          await page.getByRole("tabpanel").waitFor();
          await settled(page);
          assert.deepEqual(await findings(page), []);
          assert.deepEqual(complaints, []);
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
        } finally {
          await close();
        }
      });
    }
  }

  test("a curve is read, zoomed and shown as a table by keyboard", async () => {
    const { page, complaints, close } = await open(browser, server.url);
    try {
      await page.goto(at());
      const chart = page.getByRole("application", { name: /^val\/accuracy/ });
      await chart.waitFor();
      await settled(page);
      await chart.focus();
      const card = page.locator(".run-card", { has: chart });
      const said = card.locator("[aria-live]");
      await page.keyboard.press("End");
      await assert.doesNotReject(said.getByText("step 39: 0.975").waitFor({ state: "attached" }));
      await page.keyboard.press("ArrowLeft");
      await said.getByText("step 38: 0.95").waitFor({ state: "attached" });
      // The crosshair of the other chart stands at the same step.
      await page.locator(".run-card", { has: page.getByRole("application", { name: /^train\/loss/ }) }).locator(".chart-dot").waitFor();
      await page.keyboard.press("+");
      await page.keyboard.press("+");
      await card.getByRole("button", { name: "Reset zoom" }).waitFor();
      await page.keyboard.press("Escape"); // the crosshair
      await page.keyboard.press("Escape"); // the zoom
      await card.getByRole("button", { name: "Reset zoom" }).waitFor({ state: "detached" });
      await card.getByRole("button", { name: "View val/accuracy as table" }).press("Enter");
      await card.getByRole("row").nth(40).waitFor();
      assert.equal(await card.getByRole("row").count(), 41);
      assert.match(await card.getByRole("row").nth(3).innerText(), /step 2\s+0\.05/);
      assert.deepEqual(complaints, []);
    } finally {
      await close();
    }
  });

  test("single values, a search, and the neighbours by their keys", async () => {
    const { page, close } = await open(browser, server.url);
    try {
      await page.goto(at());
      await page.getByRole("row", { name: /test\/auc 0\.813/ }).waitFor();
      await page.getByRole("searchbox", { name: "Search metrics" }).fill("ACC");
      await page.getByText("1 of 3").waitFor();
      await page.getByRole("heading", { name: "train/loss" }).waitFor({ state: "detached" });
      assert.match(page.url(), /q=ACC/);
      await page.getByRole("heading", { level: 1 }).click();
      await page.keyboard.press("]");
      await page.getByRole("heading", { level: 1, name: "first" }).waitFor();
      assert.ok(page.url().includes(older));
      await page.keyboard.press("[");
      await page.getByRole("heading", { level: 1, name: "n".repeat(200) }).waitFor();
    } finally {
      await close();
    }
  });

  test("HTML runs in a sandbox that sees nothing of the page; a table and text are read", async () => {
    const { page, complaints, close } = await open(browser, server.url);
    try {
      await page.goto(at("?tab=artifacts&path=report.html"));
      const frame = page.frameLocator("iframe.run-frame");
      await frame.getByText("ran: SecurityError").waitFor();
      await frame.getByText("parent SecurityError").waitFor();
      assert.notEqual(await page.title(), "taken");
      await page.getByRole("button", { name: "tables" }).press("Enter");
      await page.getByRole("button", { name: /rows\.csv/ }).press("Enter");
      await page.getByRole("cell", { name: "a, b" }).waitFor();
      await page.getByRole("button", { name: /config\.yaml/ }).press("Enter");
      await page.getByText("depth: 6").waitFor();
      assert.deepEqual(complaints.filter((c) => !/SecurityError|cross-origin|sandbox/i.test(c)), []);
    } finally {
      await close();
    }
  });

  test("a tag is added, changed and deleted through MLflow's API", async () => {
    const { page, close } = await open(browser, server.url);
    try {
      await page.goto(at("?tab=params"));
      await page.getByRole("button", { name: "Add a tag" }).press("Enter");
      await page.getByRole("textbox", { name: "Name", exact: true }).fill("team");
      await page.getByRole("textbox", { name: "Value", exact: true }).fill("ops");
      await page.getByRole("button", { name: "Save" }).press("Enter");
      await page.getByRole("row", { name: /team ops/ }).waitFor();
      const { run: seen } = await (await fetch(`${server.url}${mlflow}runs/get?run_id=${run}`)).json();
      assert.equal(seen.data.tags.find((t) => t.key === "team").value, "ops");
      await page.getByRole("button", { name: "Edit team" }).press("Enter");
      await page.getByRole("button", { name: "Delete" }).press("Enter");
      await page.getByRole("row", { name: /team/ }).waitFor({ state: "detached" });
    } finally {
      await close();
    }
  });
});
