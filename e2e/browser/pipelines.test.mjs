// Pipelines as a platform engineer meets them: one that fails, is looked into,
// retried and cancelled, by keys alone.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { findings, launch, open } from "./browser.mjs";
import { start } from "./server.mjs";

const step = `#!/bin/sh
i=0; while [ $i -lt $2 ]; do printf 'line %s of \\033[32m%s\\033[0m\\n' $i $1; i=$((i+1)); done
[ "$1" = slow ] && sleep 60
[ "$1" = bad ] && { echo 'ValueError: <b>no such column</b>'; exit 3; }
mkdir -p $OUT; echo $1 > $OUT/o
`;
const declared = `apiVersion: trimtab.dev/v1alpha1
kind: Pipeline
metadata: {name: nightly}
spec:
  description: Cleans what the night has brought.
  params: {mode: good, lines: "3000"}
  code: {path: code}
  steps:
    - {name: load, run: "./step.sh load {{ params.lines }}", outputs: {o: o}}
    - {name: check, run: "./step.sh {{ params.mode }} 5", inputs: {l: load.o}, retry: {max: 1, backoff: 10ms, causes: [error]}, outputs: {o: o}}
    - {name: publish, run: "./step.sh publish 1", inputs: {c: check.o}}
`;

describe("pipelines", () => {
  let server, browser, dir, runs;
  const api = (path) => fetch(`${server.url}/api/trimtab/v1alpha1/default/${path}`).then((r) => r.json());
  const run = (...args) => JSON.parse(server.trimtab("pipeline", "run", "nightly", "-o", "json", ...args)).id;
  const ended = async (id) => {
    for (;;) {
      const r = await api(`pipelineruns/${id}`);
      if (["succeeded", "failed", "canceled"].includes(r.state)) return r;
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    dir = mkdtempSync(join(tmpdir(), "trimtab-pipelines-"));
    mkdirSync(join(dir, "code"));
    writeFileSync(join(dir, "code/step.sh"), step, { mode: 0o755 });
    writeFileSync(join(dir, "nightly.yaml"), declared);
    server.trimtab("apply", dir, "--yes");
    runs = [run(), run("-p", "mode=bad")];
    for (const id of runs) await ended(id);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  test("what the list and the pipeline show is what the server answers", async () => {
    const { page, complaints, close } = await open(browser, server.url);
    await page.goto(`${server.url}/ui/pipelines`);
    const row = page.locator("tbody tr").filter({ hasText: "nightly" });
    await row.getByRole("link", { name: "failed", exact: true }).waitFor();
    assert.match(await row.textContent(), /50 %/);
    assert.equal(await row.locator(".pipelines-bars a").count(), (await api("pipelines")).items[0].runs.length);
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "nightly" }).waitFor();
    for (const id of runs) await page.getByRole("link", { name: id }).waitFor();
    assert.deepEqual(await findings(page), []);
    await page.keyboard.press("r"); // the dialog that starts a run
    await page.getByRole("dialog").getByText("from the cache").first().waitFor();
    await page.getByRole("dialog").getByLabel("mode").fill("other");
    await page.getByRole("dialog").getByText(/differs from run .* in command/).waitFor();
    assert.deepEqual(await findings(page), []);
    await page.keyboard.press("Escape");
    assert.deepEqual(complaints, []);
    await close();
  });

  test("why a run failed: its log, what differs, its attempts", async () => {
    const { page, complaints, close } = await open(browser, server.url, { theme: "dark" });
    await page.goto(`${server.url}/ui/pipelineruns/${runs[1]}`);
    const log = page.getByRole("log");
    await log.getByText("ValueError: <b>no such column</b>").waitFor(); // the step that failed is looked at first
    assert.equal(await log.locator(".green").first().textContent(), "bad");
    await page.keyboard.press("e");
    await page.getByText(/^Differs from run .* in command\.$/).waitFor();
    await page.getByRole("tab", { name: "Attempts" }).click();
    const attempts = page.locator(".pipelines-step tbody tr");
    await attempts.first().waitFor();
    assert.equal(await attempts.count(), (await api(`pipelineruns/${runs[1]}/page`)).rows[1].attempts.length);
    assert.match(await attempts.first().textContent(), /failed3/);
    assert.deepEqual(await findings(page), []);
    assert.deepEqual(complaints, []);
    await close();
  });

  test("a long log is searched, and only what is seen is in the page", async () => {
    const { page, close } = await open(browser, server.url);
    await page.goto(`${server.url}/ui/pipelineruns/${runs[0]}?step=load`);
    await page.getByText("3,000 lines").waitFor();
    assert.ok((await page.locator(".pipelines-logs .line").count()) < 80);
    await page.keyboard.press("l");
    await page.waitForFunction(() => document.activeElement?.tagName === "INPUT");
    await page.keyboard.type("line 2718");
    await page.getByText("1 of 1 lines").waitFor();
    await page.keyboard.press("Enter");
    await page.locator(".pipelines-logs .line.at").getByText("2719").waitFor();
    await close();
  });

  test("a run is retried, and one that goes on is cancelled", async () => {
    const { page, complaints, close } = await open(browser, server.url, { width: 390 });
    await page.goto(`${server.url}/ui/pipelineruns/${runs[1]}`);
    await page.getByRole("button", { name: "Retry…" }).click();
    await page.getByText("load is taken over; check, publish start anew.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Retry" }).click();
    await page.getByText(`retry of ${runs[1]}`).waitFor();
    const again = new URL(page.url()).pathname.split("/").at(-1);
    const retry = await ended(again);
    assert.equal(retry.retryOf, runs[1]);
    assert.equal(retry.steps[0].state, "cached");

    const slow = run("-p", "mode=slow");
    await page.goto(`${server.url}/ui/pipelineruns/${slow}?step=check`);
    await page.getByRole("log").getByText("line 4 of slow").waitFor(); // it is printed while it runs
    await page.getByRole("button", { name: "Cancel…" }).click();
    await page.getByText("Type cancel to go on").waitFor();
    await page.keyboard.type("cancel");
    await page.keyboard.press("Enter");
    await page.locator(".page-head").getByText("cancelled", { exact: true }).waitFor();
    assert.equal((await ended(slow)).state, "canceled");
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, "the page is wider than the screen");
    assert.deepEqual(complaints, []);
    await close();
  });
});
