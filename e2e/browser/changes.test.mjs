// Declaring in the browser, seeing what another source has changed, and going back.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { findings, launch, open } from "./browser.mjs";
import { start } from "./server.mjs";

const model = (name, task) => `apiVersion: trimtab.dev/v1alpha1\nkind: Model\nmetadata: {name: ${name}}\nspec: {task: ${task}}\n`;

describe("changes", () => {
  let server, browser, dir;
  const api = (path) => fetch(`${server.url}/api/trimtab/v1alpha1/default/${path}`).then((r) => r.json());
  before(async () => {
    [server, browser] = await Promise.all([start(), launch()]);
    dir = mkdtempSync(join(tmpdir(), "trimtab-changes-"));
    writeFileSync(join(dir, "models.yaml"), model("delays", "binary") + "---\n" + model("flights", "binary"));
    server.trimtab("apply", dir, "--yes");
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  test("YAML is planned and applied, drift is shown, and the apply is undone, by keys alone", async () => {
    const { page, complaints, close } = await open(browser, server.url);
    await page.goto(`${server.url}/ui/changes`);
    await page.getByText("in sync").waitFor();
    assert.deepEqual(await findings(page), []);

    await page.keyboard.press("p");
    const text = page.getByRole("textbox");
    await text.focus();
    await page.keyboard.insertText("apiVersion: trimtab.dev/v1alpha1\nkind: Modle\nmetadata: {name: x}\n");
    await page.getByText("Error, line 2:7:").waitFor();
    assert.deepEqual(await findings(page), []);
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText(model("delays", "regression") + "---\n" + model("noise", "binary"));
    await page.getByText("+ 1 created, ~ 1 changed").waitFor();
    await page.getByText(/unless the files there say the same/).waitFor();
    assert.deepEqual(await findings(page), []);
    await page.getByRole("button", { name: "Apply…" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("Type apply to go on").waitFor();
    await page.keyboard.type("apply");
    await page.keyboard.press("Enter");

    await page.getByText("2 changes from elsewhere").waitFor();
    assert.equal((await api("resources/model/delays")).spec.task, "regression");
    const drift = page.locator(".changes-source");
    await drift.getByText("binary").waitFor();
    await drift.getByText("regression").waitFor();

    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: /^Apply of/ }).waitFor();
    await page.locator(".changes-fields").getByText("regression").waitFor();
    assert.deepEqual(await findings(page), []);
    await page.keyboard.press("u");
    await page.getByText("~ 1 changed, − 1 deleted").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Apply…" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("Type undo to go on").waitFor();
    await page.keyboard.type("undo");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Changes" }).waitFor();
    assert.equal((await api("resources/model/delays")).spec.task, "binary");
    assert.equal((await fetch(`${server.url}/api/trimtab/v1alpha1/default/resources/model/noise`)).status, 404);
    const all = await api("changes");
    assert.equal(all.items.length, 3);
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 3); // the list learns of the apply by a notice
    assert.deepEqual(complaints, []);
    await close();
  });
});
