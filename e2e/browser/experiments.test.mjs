// Experiments and the table of their runs, by keyboard, against what the API answers.
import { strict as assert } from "node:assert";
import { after, before, describe, test } from "node:test";
import { findings, launch, open } from "./browser.mjs";
import { start } from "./server.mjs";

const mlflow = "/api/2.0/mlflow/";
const runs = 240;

describe("experiments", { concurrency: false }, () => {
  let browser, server, experiment, empty;
  before(async () => {
    [browser, server] = await Promise.all([launch(), start()]);
    ({ experiment_id: experiment } = await server.post(mlflow + "experiments/create", { name: "sweep of ünïcode/names" }));
    ({ experiment_id: empty } = await server.post(mlflow + "experiments/create", { name: "empty" }));
    const begin = Date.now() - runs * 60_000;
    const one = async (i) => {
      const { run } = await server.post(mlflow + "runs/create", { experiment_id: experiment, run_name: `trial-${String(i).padStart(3, "0")}`, start_time: begin + i * 60_000, user_id: i % 2 ? "ada" : "grace" });
      const run_id = run.info.run_id;
      const metrics = [0, 1, 2, 3].map((step) => ({ key: "val_auc", value: 0.5 + i / 1000 + step / 100, step, timestamp: begin + step }));
      for (let k = 0; k < 60; k++) metrics.push({ key: `gain/col ${k}`, value: (i * 7 + k) % 50, step: 0, timestamp: begin });
      if (i % 40 === 0) metrics.push({ key: "loss", value: "NaN", step: 0, timestamp: begin });
      await server.post(mlflow + "runs/log-batch", { run_id, metrics, params: [{ key: "model", value: ["tree", "line"][i % 2] }, { key: "depth", value: String(i % 5) }], tags: [] });
      await server.post(mlflow + "runs/update", { run_id, status: i % 9 === 0 ? "FAILED" : "FINISHED", end_time: begin + i * 60_000 + 30_000 });
    };
    for (let i = 0; i < runs; i += 12) await Promise.all(Array.from({ length: 12 }, (_, k) => one(i + k)));
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const at = (path) => `${server.url}/ui/${path}`;
  const page = async (path, use, options) => {
    const { page, complaints, close } = await open(browser, server.url, options);
    try {
      await page.goto(at(path));
      await use(page);
      assert.deepEqual(complaints, []);
    } finally {
      await close();
    }
  };
  const shown = (page) => page.locator(".grid-row a").allInnerTexts();
  const rows = (page, first) => page.locator(`.grid-row[data-index="0"] a:text-is("${first}")`).waitFor();

  for (const { theme, width } of [{ theme: "light", width: 1440 }, { theme: "dark", width: 390 }]) {
    test(`list and runs have no finding, ${theme}, ${width} px`, () =>
      page(
        "experiments",
        async (p) => {
          await p.getByRole("link", { name: "sweep of ünïcode/names" }).waitFor();
          await p.getByText("27 failed").waitFor();
          assert.deepEqual(await findings(p), []);
          await p.goto(at(`experiments/${experiment}?charts=val_auc&group=params.model`));
          await rows(p, "trial-239");
          await p.locator(".exp-chart canvas").first().waitFor();
          assert.deepEqual(await findings(p), []);
          const beside = await p.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(beside <= 0, `${beside} px beside the page`);
        },
        { theme, width },
      ));
  }

  test("a query by keyboard: completion, result, the word that is not understood", () =>
    page(`experiments/${experiment}`, async (p) => {
      await rows(p, "trial-239");
      await p.keyboard.press("/");
      await p.keyboard.type("metrics.val");
      await p.getByRole("option", { name: /metrics.val_auc/ }).waitFor();
      await p.keyboard.press("Enter");
      await p.keyboard.type("> 0.7 AND params.mo");
      await p.getByRole("option", { name: /params.model/ }).waitFor();
      await p.keyboard.press("Tab");
      await p.getByRole("option", { name: /^=/ }).waitFor();
      await p.keyboard.type("= ");
      await p.getByRole("option", { name: "'line'" }).waitFor();
      await p.keyboard.press("Tab");
      assert.match(await p.getByRole("combobox").inputValue(), /^metrics\.val_auc > 0\.7 AND params\.model = '(line|tree)' $/);
      const filter = (await p.getByRole("combobox").inputValue()).trim();
      await p.keyboard.press("Enter");
      const answer = await server.post(`/api/trimtab/v1alpha1/default/experiments/${experiment}/table`, { filter, count: true });
      await p.getByText(`${answer.matching} of ${runs} runs`, { exact: true }).waitFor();
      await rows(p, answer.names[0]);
      assert.deepEqual((await shown(p)).slice(0, 10), answer.names.slice(0, 10));
      await p.keyboard.press("End");
      await p.keyboard.type("AND metrics.val_auc >> 1");
      await p.keyboard.press("Escape");
      await p.keyboard.press("Enter");
      await p.getByRole("alert").filter({ hasText: "no operator is spelled >>" }).waitFor();
      assert.equal(await p.locator(".exp-query mark").innerText(), ">>");
      assert.deepEqual((await shown(p)).slice(0, 10), answer.names.slice(0, 10), "what was found before stays");
    }));

  test("choosing, sorting and comparing by keyboard; everything is in the address", () =>
    page(`experiments/${experiment}?columns=attributes.created,metrics.val_auc,params.depth`, async (p) => {
      await rows(p, "trial-239");
      await p.locator("[data-grid]").focus();
      for (const key of ["Home", "ArrowRight", "ArrowRight", "ArrowRight"]) await p.keyboard.press(key);
      await p.keyboard.press("Enter"); // the head of val_auc: best first
      await p.keyboard.press("Enter"); // and the lowest first
      await rows(p, "trial-000");
      assert.equal(new URL(p.url()).searchParams.get("order"), "metrics.val_auc");
      for (const key of ["j", "x", "j", "j", "X"]) await p.keyboard.press(key);
      await p.getByText("3 runs chosen").waitFor();
      const chosen = new URL(p.url()).searchParams.get("selected").split(",");
      await p.reload();
      await p.getByText("3 runs chosen").waitFor();
      await rows(p, "trial-000");
      await p.keyboard.press("c");
      await p.waitForURL(/\/ui\/compare\?/);
      assert.deepEqual(new URL(p.url()).searchParams.get("runs").split(","), chosen);
    }));

  test("columns: shown from the catalogue, moved, made wider and hidden by keyboard", () =>
    page(`experiments/${experiment}`, async (p) => {
      await rows(p, "trial-239");
      await p.keyboard.press("v");
      const dialog = p.getByRole("dialog", { name: "Columns" });
      await dialog.waitFor();
      await p.keyboard.type("gain 59");
      await dialog.getByRole("checkbox", { name: /gain\/col 59/ }).check();
      await p.keyboard.press("Escape");
      assert.match(new URL(p.url()).searchParams.get("columns"), /metrics\.gain\/col 59$/);
      await p.locator("[data-grid]").focus();
      await p.keyboard.press("End");
      const head = p.getByRole("columnheader", { name: /gain\/col 59/ });
      await head.waitFor();
      const width = async () => (await head.boundingBox()).width;
      const old = await width();
      await p.keyboard.press("Shift+ArrowRight");
      await p.waitForFunction(([w]) => document.querySelector('[role=columnheader][title="metrics.gain/col 59"]').getBoundingClientRect().width > w, [old]);
      await p.keyboard.press("Alt+ArrowLeft");
      await p.waitForFunction(() => !new URL(location.href).searchParams.get("columns").endsWith("gain/col 59"));
      await p.keyboard.press("Delete");
      await head.waitFor({ state: "detached" });
    }));

  test("the table holds few rows, scrolls to the last, and shows a new run without losing its place", () =>
    page(`experiments/${experiment}?charts=none`, async (p) => {
      await rows(p, "trial-239");
      assert.equal(await p.getByRole("grid").getAttribute("aria-rowcount"), String(runs + 1));
      await p.locator("[data-grid]").focus();
      await p.keyboard.press("Control+End");
      await p.getByRole("link", { name: "trial-000" }).waitFor();
      assert.ok((await p.locator(".grid-row").count()) <= 80);
      await p.keyboard.press("Control+Home");
      await p.locator("[data-grid]").evaluate((g) => (g.scrollTop = 90));
      const place = async () => (await p.locator('.grid-row:has(a:text-is("trial-230"))').boundingBox()).y;
      await p.getByRole("link", { name: "trial-230" }).waitFor();
      const old = await place();
      await server.post(mlflow + "runs/create", { experiment_id: experiment, run_name: "newest", start_time: Date.now() });
      await p.getByText(`${runs + 1} runs`, { exact: true }).waitFor();
      assert.ok(Math.abs((await place()) - old) < 2, "the row stays where it was");
    }));

  test("a run is renamed, deleted and restored", () =>
    page(`experiments/${experiment}?charts=none&filter=${encodeURIComponent("run_name = 'trial-100'")}`, async (p) => {
      await rows(p, "trial-100");
      await p.keyboard.press("j");
      await p.keyboard.press("x");
      await p.getByRole("button", { name: "Rename", exact: true }).click();
      await p.getByRole("textbox", { name: "Name" }).fill("trial-100");
      await p.keyboard.press("Escape");
      await p.getByRole("button", { name: "Delete", exact: true }).click();
      await p.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
      await p.getByText("1 run deleted").waitFor();
      await p.getByText("No run matches.").waitFor();
      await p.getByRole("button", { name: "Deleted", exact: true }).click();
      await rows(p, "trial-100");
      await p.getByRole("checkbox", { name: "Choose trial-100" }).check();
      await p.getByRole("button", { name: "Restore", exact: true }).click();
      await p.getByRole("dialog").getByRole("button", { name: "Restore", exact: true }).click();
      await p.getByText("No run matches.").waitFor();
    }));

  test("an empty experiment shows how to fill it", () =>
    page(`experiments/${empty}`, async (p) => {
      await p.getByRole("heading", { name: "No run in this experiment yet" }).waitFor();
      await p.getByText(`export MLFLOW_TRACKING_URI=${server.url}`).waitFor();
    }));
});
