// Runs side by side: what differs, the distances to a baseline, and two hundred
// runs without two hundred columns in the page.
import { strict as assert } from "node:assert";
import { after, before, describe, test } from "node:test";
import { findings, launch, open, settled } from "./browser.mjs";
import { start } from "./server.mjs";

const mlflow = "/api/2.0/mlflow/";

describe("compare", { concurrency: false }, () => {
  let browser, server, experiment;
  const ids = [];
  before(async () => {
    [browser, server] = await Promise.all([launch(), start()]);
    ({ experiment_id: experiment } = await server.post(mlflow + "experiments/create", { name: "sweep" }));
    const begin = Date.now() - 3_600_000;
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const { run } = await server.post(mlflow + "runs/create", { experiment_id: experiment, run_name: `trial-${i}`, start_time: begin + i });
        ids[i] = run.info.run_id;
        const metrics = Array.from({ length: 20 }, (_, s) => ({ key: "loss", value: 1 + i - s / 20, timestamp: begin + s, step: s }));
        for (let k = 0; k < 150; k++) metrics.push({ key: `m${k}`, value: k + i, timestamp: begin, step: 0 });
        await server.post(mlflow + "runs/log-batch", { run_id: run.info.run_id, metrics, params: [{ key: "lr", value: String((i + 1) / 1000) }, { key: "same", value: "1" }, { key: "opt", value: i % 2 ? "sgd" : "adam" }] });
      }),
    );
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  for (const [theme, width] of [["light", 1440], ["dark", 390]]) {
    test(`three runs, ${theme}, ${width} px: no finding, no complaint`, async () => {
      const { page, complaints, close } = await open(browser, server.url, { theme, width });
      try {
        await page.goto(`${server.url}/ui/compare?runs=${ids.slice(0, 3).join(",")}&q=l`);
        await page.getByRole("heading", { name: "Scatter" }).waitFor();
        await settled(page);
        assert.deepEqual(await findings(page), []);
        assert.deepEqual(complaints, []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
      } finally {
        await close();
      }
    });
  }

  test("what differs, by the key d, and distances to the chosen baseline", async () => {
    const { page, close } = await open(browser, server.url);
    try {
      await page.goto(`${server.url}/ui/compare?runs=${ids[1]},${ids[2]}`);
      const row = (name) => page.getByRole("row", { name: new RegExp(`^${name} `) });
      await row("lr").waitFor();
      assert.equal(await row("same").count(), 0);
      // loss ends at 0.05 + the number of the run.
      assert.match(await row("loss").innerText(), /1\.050\s*baseline\s+2\.050\s*\+1\.000 \(\+95 %\)/);
      await page.getByRole("heading", { level: 1 }).click();
      await page.keyboard.press("d");
      await row("same").waitFor();
      assert.match(page.url(), /all=1/);
      await page.getByLabel("Baseline").selectOption({ label: "trial-2" });
      await page.getByRole("row", { name: /^loss .*−1\.000/ }).waitFor();
      await page.reload();
      await page.getByRole("row", { name: /^loss .*−1\.000/ }).waitFor();
    } finally {
      await close();
    }
  });

  test("two hundred runs: few columns in the page, the rest by scrolling, keys by search, small answers", async () => {
    const { page, close } = await open(browser, server.url);
    try {
      const large = [];
      page.on("response", async (r) => {
        const n = (await r.body().catch(() => Buffer.alloc(0))).length;
        if (n > 2 << 20) large.push(`${r.url()}: ${n}`);
      });
      await page.goto(`${server.url}/ui/compare?experiment=${experiment}`);
      await page.getByText("200 runs", { exact: true }).first().waitFor();
      await settled(page);
      const table = page.getByRole("region", { name: "Runs side by side" });
      assert.ok((await table.getByRole("columnheader").count()) < 30, "few columns");
      assert.equal(await page.getByText("the newest of more").count(), 0);
      await table.evaluate((e) => (e.scrollLeft = e.scrollWidth));
      await table.getByRole("link", { name: "trial-0", exact: true }).waitFor();
      await page.getByRole("searchbox", { name: "Search params and metrics" }).fill("m149");
      await page.getByRole("row", { name: /^m149 / }).waitFor();
      assert.deepEqual(large, []);
      // Parallel coordinates by keyboard: the first line is named, and kept with its neighbours.
      const lines = page.getByRole("application", { name: /^Parallel coordinates/ });
      await lines.focus();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("]");
      await page.keyboard.press("Escape");
      await page.getByText(/\d+ of 200 kept/).waitFor();
    } finally {
      await close();
    }
  });
});
