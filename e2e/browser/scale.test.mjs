// The pages at the sizes at which others stop: `make scale-ui` fills a folder and
// names it in TRIMTAB_SCALE. What is held: the first paint of a page, a filter from
// the key to the rows, the size of every answer, the rows in the document.
import { strict as assert } from "node:assert";
import { after, before, describe, test } from "node:test";
import { launch } from "./browser.mjs";
import { start } from "./server.mjs";

const data = process.env.TRIMTAB_SCALE; // its data folder is below it
// A shared machine is slower than the budgets are meant for: how many times.
const slack = Number(process.env.TRIMTAB_SCALE_SLACK ?? 1);
const budget = { paint: 400 * slack, filter: 150 * slack, bytes: 2_000_000, rows: 80 };

describe("scale", { skip: data ? false : "TRIMTAB_SCALE names no data folder", concurrency: false }, () => {
  let browser, server, experiments, page, answers;
  const lines = [];
  before(async () => {
    [browser, server] = await Promise.all([launch(), start({ home: data, keep: true })]);
    const all = await (await fetch(`${server.url}/api/trimtab/v1alpha1/default/experiments?limit=1000`)).json();
    experiments = Object.fromEntries(all.items.map((e) => [e.name, e.id]));
    page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
    page.setDefaultTimeout(15_000);
    page.on("response", async (r) => {
      const body = await r.body().catch(() => Buffer.alloc(0));
      answers.push({ url: r.url(), bytes: body.length });
    });
    answers = [];
    await page.goto(`${server.url}/ui/`); // the frame and its fonts are there, as in a day's work
    await page.getByRole("heading", { name: "Overview" }).waitFor();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    console.log(lines.join("\n"));
  });

  /** look opens a page and waits for what it is about; it returns the ms until that is painted. */
  const look = async (path, selector) => {
    answers = [];
    await page.goto("about:blank");
    const began = performance.now();
    await page.goto(`${server.url}/ui/${path}`, { waitUntil: "commit" });
    await page.waitForSelector(selector, { state: "visible" });
    const paint = await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done(performance.now()))));
    return { paint, whole: performance.now() - began };
  };
  /** settle waits until the answers of the page have come; the stream of notices never ends. */
  const settle = async () => {
    const api = () => answers.filter((a) => a.url.includes("/api/") && !a.url.endsWith("/overview")).length;
    const until = performance.now() + 20_000;
    for (let seen = -1; performance.now() < until && (api() === 0 || seen !== answers.length); ) {
      seen = answers.length;
      await new Promise((done) => setTimeout(done, 2_000));
    }
  };
  const note = (what, o) => {
    const largest = answers.filter((a) => a.url.includes("/api/")).reduce((m, a) => (a.bytes > m.bytes ? a : m), { bytes: 0 });
    lines.push(`${what.padEnd(44)} ${Object.entries(o).map(([k, v]) => `${k} ${Math.round(v)}`).join("  ")}  largest answer ${(largest.bytes / 1000).toFixed(0)} kB`);
    for (const a of answers) assert.ok(a.bytes <= budget.bytes, `${a.url} answers ${a.bytes} bytes`);
  };

  for (const name of ["dense", "wide"]) {
    test(`the runs of ${name}`, async () => {
      const at = `experiments/${experiments[name]}`;
      const first = (await server.post(`/api/trimtab/v1alpha1/default/${at}/table`, { limit: 1 })).total;
      const key = (await (await fetch(`${server.url}/api/trimtab/v1alpha1/default/${at}/keys?kind=metric&limit=1&search=${name === "dense" ? "149" : "19%2Fmetric-39"}`)).json()).items[0].key;
      const { paint } = await look(at, ".grid-row a");
      await settle();
      const rows = await page.locator(".grid-row").count();
      note(`${name}: runs page`, { "paint ms": paint, "rows in document": rows });
      assert.ok(rows <= budget.rows);
      const filters = name === "dense" ? ["metrics.`metric/0007` > 0.9", "params.model = 'net' AND params.depth = '5'", "run_name LIKE '%77%'"] : ["metrics.val_auc > 0.99", "params.model = 'net' AND params.depth = '5'", "metrics.`team-123/metric-07` > 0.5", "run_name LIKE '%777%'", "metrics.val_auc > 0.2 AND metrics.f1 < 0.9"];
      const took = [];
      for (const filter of filters) {
        const r = await page.evaluate(async ([url, body]) => {
          const began = performance.now();
          const a = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
          await a.json();
          return performance.now() - began;
        }, [`${server.url}/api/trimtab/v1alpha1/default/${at}/table`, { filter, limit: 100, columns: ["params.model"] }]);
        took.push(r);
      }
      // From the Enter key to the rows.
      await page.keyboard.press("/");
      await page.locator(".exp-query input").fill(filters[0]);
      await page.keyboard.press("Escape");
      const typed = await page.evaluate(
        (input) =>
          new Promise((done) => {
            const before = document.querySelector(".summary")?.textContent;
            const began = performance.now();
            const watch = setInterval(() => {
              if (document.querySelector(".summary")?.textContent === before) return;
              clearInterval(watch);
              requestAnimationFrame(() => done(performance.now() - began));
            }, 2);
            document.querySelector(input).dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
          }),
        ".exp-query input",
      );
      note(`${name}: filters`, { ...Object.fromEntries(took.map((t, i) => [`q${i + 1} ms`, t])), "enter to rows ms": typed });
      await page.goto(`${server.url}/ui/${at}?charts=none`);
      await page.waitForSelector(".grid-row a");
      await page.locator("[data-grid]").focus();
      const began = performance.now();
      await page.keyboard.press("Control+End");
      await page.waitForSelector(`.grid-row[data-index="${first - 1}"] a`);
      note(`${name}: to the last of ${first} runs`, { ms: performance.now() - began, "rows in document": await page.locator(".grid-row").count() });
      assert.ok((await page.locator(".grid-row").count()) <= budget.rows);
      await page.keyboard.press("v");
      const dialog = page.getByRole("dialog", { name: "Columns" });
      await dialog.waitFor();
      const searched = performance.now();
      await page.keyboard.type(key);
      await dialog.getByRole("checkbox", { name: key }).first().waitFor();
      note(`${name}: a key found among all`, { "ms with typing": performance.now() - searched });
      assert.ok(paint <= budget.paint, `first paint after ${Math.round(paint)} ms, at most ${budget.paint}`);
      assert.ok(typed <= budget.filter + 60 * slack, `rows ${Math.round(typed)} ms after Enter`);
      for (const [i, t] of took.entries()) assert.ok(t <= budget.filter, `${filters[i]} takes ${Math.round(t)} ms, at most ${budget.filter}`);
    });
  }

  const pages = [
    ["experiments", () => "experiments", ".listing a"],
    ["compare 200 runs", async () => `compare?runs=${(await idsOf("dense", 200)).join(",")}`, "h1"],
    ["run of a million points", async () => `experiments/${experiments.long}/runs/${(await idsOf("long", 2)).at(-1)}`, "h1"],
    ["model of 2,000 versions", () => "models/scale", "h1"],
    ["monitor of a year by the hour", () => "monitors/scale", "h1"],
    ["loop of a year by the hour", () => "loop/scale", "h1"],
  ];
  const idsOf = async (name, n) => (await server.post(`/api/trimtab/v1alpha1/default/experiments/${experiments[name]}/table`, { limit: n })).ids;
  for (const [what, path, selector] of pages) {
    test(what, async () => {
      const { paint } = await look(await path(), selector);
      await settle();
      note(what, { "paint ms": paint, "elements": await page.evaluate(() => document.querySelectorAll("*").length) });
      assert.ok(paint <= budget.paint, `first paint after ${Math.round(paint)} ms, at most ${budget.paint}`);
    });
  }
});
