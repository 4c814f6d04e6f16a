import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findings, findingsOfColour, launch, open, screens, settled } from "./browser.mjs";
import { seed, start } from "./server.mjs";

const canned = (name) => JSON.parse(readFileSync(new URL(`testdata/${name}.json`, import.meta.url), "utf8"));

/** many is an answer as large as the server gives it: fifty of each, two hundred windows. */
function many() {
  const o = canned("flights");
  const hour = 3_600_000;
  const first = Date.parse("2026-02-01T00:00:00Z");
  const windows = Array.from({ length: 200 }, (_, i) => ({
    label: new Date(first + i * hour).toISOString().slice(0, 16).replace("T", " "),
    start: new Date(first + i * hour).toISOString(), end: new Date(first + (i + 1) * hour).toISOString(),
    versions: [1 + Math.floor(i / 90)], rows: 1200 + i, labelled: 1100 + i,
    quality: [{ metric: "auc", value: 0.7 + 0.05 * Math.sin(i / 9), lo: 0.66 + 0.05 * Math.sin(i / 9), hi: 0.74 + 0.05 * Math.sin(i / 9) }, { metric: "log_loss", value: 0.4 + 0.02 * Math.cos(i / 5) }, { metric: "brier", value: 0.13 }],
    computed: o.server.now,
  }));
  const copy = (list, change) => Array.from({ length: 50 }, (_, i) => ({ ...structuredClone(list[0]), ...change(i) }));
  o.models = copy(o.models, (i) => ({ name: `model-${i}`, endpoints: [`endpoint-${i}`] }));
  o.endpoints = copy(o.endpoints, (i) => ({ name: `endpoint-${i}`, model: `model-${i}` }));
  o.pipelines = copy(o.pipelines, (i) => ({ id: `pr-${i}`, pipeline: `pipeline-${i}` }));
  o.monitors = copy(o.monitors, (i) => ({ name: `monitor-${i}`, window: "1h", total: 5000, windows: i === 0 ? windows : windows.slice(-40) }));
  return o;
}

describe("overview", { concurrency: false }, () => {
  let browser, server, seeded, empty;
  before(async () => {
    [browser, server, empty] = await Promise.all([launch(), start(), start()]);
    seeded = await seed(server);
  });
  after(async () => {
    await browser?.close();
    assert.equal(await server?.stop(), 0, "the server ends by itself while pages were open");
    await empty?.stop();
  });

  const views = {
    empty: () => ({ origin: empty.url }),
    seeded: () => ({ origin: server.url }),
    flights: () => ({ origin: server.url, answer: canned("flights") }),
    halfway: () => ({ origin: server.url, answer: canned("halfway") }),
    trouble: () => ({ origin: server.url, answer: canned("trouble") }),
    many: () => ({ origin: server.url, answer: many() }),
  };
  for (const [name, view] of Object.entries(views)) {
    // What differs between the answers is seen in two looks; all four are for those with most in them. The second theme of a
    // page changes colours alone (pages.test.mjs says why).
    const most = name === "trouble" || name === "flights";
    for (const [width, themes] of [[390, most ? ["light", "dark"] : ["dark"]], [1440, most ? ["light", "dark"] : ["light"]]]) {
      test(`${name}, ${themes.join(" and ")}, ${width} px: no finding, no complaint, nothing beside the page`, async () => {
        const { origin, answer } = view();
        const { page, complaints, close } = await open(browser, origin, { theme: themes[0], width, answer });
        try {
          await page.goto(`${origin}/ui/`);
          await page.getByRole("heading", { name: "Overview" }).waitFor();
          await page.getByText("live", { exact: true }).waitFor();
          for (const theme of themes) {
            await page.emulateMedia({ colorScheme: theme });
            await settled(page);
            assert.deepEqual(await (theme === themes[0] ? findings : findingsOfColour)(page), [], `${theme} theme`);
            const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            assert.ok(wide <= 0, `in the ${theme} theme the page is ${wide} px wider than the screen`);
            await page.screenshot({ path: `${screens}overview-${name}-${theme}-${width}.jpg`, fullPage: name !== "many" });
            assert.deepEqual(complaints, [], `${theme} theme`);
          }
        } finally {
          await close();
        }
      });
    }
  }

  test("1920 px wide, nothing beside the page", async () => {
    const { page, close } = await open(browser, server.url, { width: 1920, answer: canned("flights") });
    await page.goto(`${server.url}/ui/`);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await page.screenshot({ path: `${screens}overview-flights-light-1920.png` });
    await close();
  });

  test("what MLflow clients wrote is shown, and later changes show by themselves", async () => {
    const { page, complaints, close } = await open(browser, server.url);
    let asked = 0;
    page.on("request", (r) => (asked += /\/overview$/.test(r.url())));
    await page.goto(`${server.url}/ui/`);
    const runs = page.getByRole("region", { name: "Latest runs" });
    await runs.getByText("trial-3").waitFor();
    assert.match(await runs.innerText(), /trial-3[^]*running for[^]*trial-2[^]*finished in 8\.4 s[^]*held_out-auc 0\.720[^]*failed/);
    const model = page.getByRole("region", { name: "Models" });
    assert.match(await model.innerText(), /flights[^]*version 2[^]*champion\s*1/);
    assert.match(await page.getByRole("region", { name: "Recent changes" }).innerText(), /model\.alias\.set\s+flights, champion points to version 1/);
    await page.getByText("live", { exact: true }).waitFor();

    await server.post("/api/2.0/mlflow/registered-models/alias", { name: "flights", alias: "champion", version: "2" });
    await model.getByText("champion 2").waitFor();
    await page.getByText("flights, champion moves from version 1 to 2").waitFor();

    // A burst of changes becomes few questions, and silence none.
    const before = asked;
    for (let i = 0; i < 60; i++) await server.post("/api/2.0/mlflow/runs/create", { experiment_id: seeded.experiment, run_name: `burst-${i}`, start_time: Date.now() });
    await runs.getByText("burst-59").waitFor();
    assert.ok(asked - before < 30, `${asked - before} questions after 60 changes`);
    await page.waitForLoadState("networkidle");
    const calm = asked;
    await page.waitForTimeout(1500);
    assert.equal(asked, calm, "the page asks while nothing changes");
    assert.deepEqual(complaints, []);
    await close();
  });

  test("what is declared is shown at once, with what it lacks", async () => {
    const declared = await start();
    try {
      const { page, complaints, close } = await open(browser, declared.url);
      await page.goto(`${declared.url}/ui/`);
      await page.getByText("Nothing is here yet", { exact: false }).waitFor();
      await page.getByText("live", { exact: true }).waitFor();
      declared.trimtab("apply", fileURLToPath(new URL("testdata/declared.yaml", import.meta.url)));
      const attention = page.getByRole("region", { name: "Needs attention" });
      await attention.getByText("Endpoint planned has no version to serve").waitFor();
      await attention.getByText("trimtab model alias set planned champion VERSION").waitFor();
      await page.getByRole("region", { name: "Models" }).getByText("alias champion names no version").waitFor();
      await page.getByText("Daily windows of endpoint planned").waitFor();
      assert.deepEqual(await findings(page), []);
      await page.screenshot({ path: `${screens}overview-declared-light-1440.png`, fullPage: true });
      assert.deepEqual(complaints, []);
      await close();
    } finally {
      await declared.stop();
    }
  });

  test("windows and progress appear as a replay goes on", async () => {
    const half = canned("halfway");
    const full = canned("flights");
    let now = half;
    const { page, close } = await open(browser, server.url, { answer: () => now });
    await page.goto(`${server.url}/ui/`);
    const table = page.getByRole("table", { name: /Quality of flights/ });
    await table.getByText("2013-05").waitFor();
    assert.equal(await table.getByText("2013-06").count(), 0);
    assert.equal(await page.getByRole("progressbar").getAttribute("aria-valuenow"), "34");
    now = full;
    await page.getByText("live", { exact: true }).waitFor();
    await server.post("/api/2.0/mlflow/runs/create", { experiment_id: seeded.experiment, start_time: Date.now() }); // any change is news
    await table.getByText("2013-12").waitFor();
    assert.equal(await page.getByRole("progressbar").getAttribute("aria-valuenow"), "100");
    await close();
  });

  test("links that MLflow clients print lead to the run", async () => {
    const { page, close } = await open(browser, server.url);
    const [run] = (await server.post("/api/2.0/mlflow/runs/search", { experiment_ids: [seeded.experiment], max_results: 1 })).runs;
    await page.goto(`${server.url}/#/experiments/${seeded.experiment}/runs/${run.info.run_id}`);
    await page.getByRole("heading", { level: 1, name: run.info.run_name }).waitFor();
    assert.equal(new URL(page.url()).pathname, `/ui/experiments/${seeded.experiment}/runs/${run.info.run_id}`);
    await page.goto(`${server.url}/#/experiments/1/runs/${"0".repeat(32)}`);
    await page.getByRole("heading", { name: "Not found" }).waitFor();
    await page.goto(`${server.url}/#/models/flights/versions/1`);
    await page.getByRole("heading", { level: 1, name: "flights version 1" }).waitFor();
    await page.goto(`${server.url}/`);
    await page.waitForURL(`${server.url}/ui/`);
    await close();
  });

  test("the keyboard alone: skip link, theme, chart, key sheet", async () => {
    const { page, close } = await open(browser, server.url, { answer: canned("flights") });
    await page.goto(`${server.url}/ui/`);
    await page.getByRole("heading", { name: "Quality by window" }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    const chart = page.getByRole("application", { name: /^AUC of flights by window/ });
    for (let i = 0; i < 60 && !(await chart.evaluate((e) => e === document.activeElement)); i++) await page.keyboard.press("Tab");
    const said = page.locator(".chart-figure [aria-live]").first();
    for (const [key, want] of [["Home", /^2013-03-01: 0\.704, 0\.696 to 0\.712/], ["ArrowRight", /^2013-04-01/], ["End", /^2013-12-01/], ["ArrowLeft", /^2013-11-01/]]) {
      await page.keyboard.press(key);
      await said.filter({ hasText: want }).waitFor();
    }

    await page.keyboard.press("?");
    const sheet = page.getByRole("dialog", { name: "Keys" });
    await sheet.waitFor();
    assert.deepEqual(await findings(page), []);
    await page.keyboard.press("Escape");
    await sheet.waitFor({ state: "detached" });
    assert.ok(await chart.evaluate((e) => e === document.activeElement), "focus is back where it was");

    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await page.getByRole("button", { name: "dark theme" }).focus();
    await page.keyboard.press("Enter");
    assert.notEqual(await ground(), light);
    await page.reload();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    assert.notEqual(await ground(), light, "the choice is kept");
    await close();
  });

  test("an error says kind, message and request id, and can be tried again", async () => {
    const { page, close } = await open(browser, server.url);
    let broken = true;
    await page.route("**/overview", (route) =>
      broken
        ? route.fulfill({ status: 503, headers: { "X-Request-Id": "abc123" }, json: { error: "the database does not answer", kind: "unavailable", requestId: "abc123" } })
        : route.continue(),
    );
    await page.goto(`${server.url}/ui/`);
    const panel = page.getByRole("alert");
    await panel.waitFor();
    assert.match(await panel.innerText(), /the database does not answer[^]*unavailable[^]*abc123/);
    assert.deepEqual(await findings(page), []);
    await page.screenshot({ path: `${screens}overview-error-light-1440.png` });
    broken = false;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await close();
  });

  test("a page that is not there", async () => {
    const { page, close } = await open(browser, server.url);
    await page.goto(`${server.url}/ui/nowhere`);
    await page.getByRole("heading", { name: "There is no such page" }).waitFor();
    assert.deepEqual(await findings(page), []);
    await page.getByRole("link", { name: "To the overview" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await close();
  });

  test("reduced motion is respected", async () => {
    const { page, close } = await open(browser, server.url, { answer: canned("halfway"), reducedMotion: "reduce" });
    await page.goto(`${server.url}/ui/`);
    await page.locator(".shape.run").first().waitFor();
    assert.deepEqual(await page.evaluate(() => document.getAnimations().length), 0);
    await close();
  });

  test("fifty monitors: charts and tables are made only when they come near the screen", async () => {
    const { page, close } = await open(browser, server.url, { answer: many() });
    await page.goto(`${server.url}/ui/`);
    await page.getByRole("heading", { name: "monitor-49" }).waitFor({ state: "attached" });
    assert.ok((await page.locator("canvas").count()) <= 6);
    const models = page.getByRole("region", { name: "Models" });
    assert.equal(await models.getByRole("heading", { level: 3 }).count(), 12);
    await page.getByRole("button", { name: "Show all 50 models" }).click();
    assert.equal(await models.getByRole("heading", { level: 3 }).count(), 50);
    await page.getByRole("heading", { name: "monitor-0", exact: true }).scrollIntoViewIfNeeded();
    const table = page.getByRole("table", { name: "Quality of monitor-0 by window" });
    await table.waitFor();
    assert.equal(await table.locator("tbody tr").count(), 12);
    await page.getByRole("button", { name: "Show all 200 windows of 5,000" }).click();
    assert.equal(await table.locator("tbody tr").count(), 200);
    await close();
  });

  test("a server that went away: what is known stays, and comes back to life", async () => {
    const { page, close } = await open(browser, server.url);
    let down = false;
    await page.route("**/overview*", (route) => (down ? route.abort("connectionrefused") : route.continue()));
    await page.goto(`${server.url}/ui/`);
    await page.getByText("live", { exact: true }).waitFor();
    down = true;
    await server.post("/api/2.0/mlflow/runs/create", { experiment_id: seeded.experiment, start_time: Date.now() });
    await page.getByText(/The server does not answer[^]*What you see is from/).waitFor();
    await page.getByRole("region", { name: "Latest runs" }).getByText("burst-59").waitFor();
    down = false;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText(/What you see is from/).waitFor({ state: "detached" });
    await close();
  });

  test("under a path prefix everything is found", async () => {
    const prefixed = await start({ prefix: "/team/trimtab" });
    try {
      const { page, complaints, close } = await open(browser, prefixed.url);
      for (const [path, lands] of [["/", "/ui/"], ["/ui", "/ui/"], ["/ui/?tab=nothing", "/ui/?tab=nothing"]]) {
        await page.goto(prefixed.url + path);
        await page.getByRole("heading", { name: "Overview" }).waitFor();
        await page.getByText("live", { exact: true }).waitFor();
        assert.equal(page.url(), prefixed.url + lands);
      }
      await page.getByRole("link", { name: "trimtab" }).click();
      await page.waitForURL(prefixed.url + "/ui/");
      assert.match(await page.locator("main").innerText(), new RegExp(`MLFLOW_TRACKING_URI=${prefixed.url}`));
      assert.deepEqual(complaints, []);
      await close();
    } finally {
      await prefixed.stop();
    }
  });
});
