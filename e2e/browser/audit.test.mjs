// The audit log by keyboard: find an entry, verify it in the browser, and see that a
// changed byte, another key, a rolled-back and a rewritten log are each found out.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { findings } from "./browser.mjs";
import { inWorld } from "./world.mjs";

const w = inWorld();
const { api, at } = w;
const check = (page, id) => page.locator(`[data-check=${id}]`);

test("an entry is found, opened and verified by keyboard alone", async () => {
  const { items } = await api("pages/audit?action=rollout.begin&limit=1");
  const entry = items[0];
  assert.ok(entry, "the world has a rollout");
  const { page, complaints, close } = await w.open();
  await page.goto(at("audit"));
  await page.getByRole("group", { name: "Entries of the audit log" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type(entry.name);
  await page.keyboard.press("Enter");
  await page.waitForURL(/text=/);
  await page.getByRole("combobox", { name: "Action" }).focus();
  await page.keyboard.type("rollout.begin");
  await page.keyboard.press("Tab"); // Enter would choose from the list that may have opened
  await page.waitForURL(/action=rollout\.begin/);
  await page.getByText(`1 entry, ${entry.index} to ${entry.index}`).waitFor(); // the answer to both words, not to the first
  await page.locator("main h1").click(); // out of the field: keys are off inside
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`/ui/audit/${entry.index}$`));
  await page.getByText("verified in this browser", { exact: false }).first().waitFor();
  for (const id of ["key", "signature", "origin", "leaf", "inclusion", "history"]) assert.match(await check(page, id).innerText(), /checked/, id);
  // What is shown is what was signed.
  const proof = await api(`journal/${entry.index}/proof`);
  const body = JSON.parse(Buffer.from(proof.proofs[0].body, "base64").toString());
  assert.deepEqual(JSON.parse(await page.locator(".audit-body").innerText()), body);
  assert.equal(body.id, entry.id);
  // It leads to what it belongs to, and to its neighbours.
  assert.equal(await page.locator(".audit-what a.audit-name").getAttribute("href"), at(`rollouts/${encodeURIComponent(entry.name)}`));
  await page.keyboard.press("[");
  await page.waitForURL(new RegExp(`/ui/audit/${entry.index - 1}$`));
  await page.getByText("verified in this browser", { exact: false }).first().waitFor();
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
  await close();
});

test("what is shown in the list is verified at once, and the server verifies itself", async () => {
  const { page, complaints, close } = await w.open();
  await page.goto(at("audit?action=decision"));
  await page.getByRole("button", { name: /^Verify the \d+/ }).click();
  await page.getByText(/verified in this browser: \d+ entries/).waitFor();
  const shown = (await api("pages/audit?action=decision&limit=100")).items.length;
  assert.match(await page.locator(".audit-verify").innerText(), new RegExp(`${shown} entries against the signed log`));
  await page.getByRole("button", { name: "Let the server verify everything" }).click();
  await page.getByText(/the server hashed [\d,]+ entries .* nothing found/).waitFor();
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
  await close();
});

/** changed opens an entry whose evidence is changed on its way, and returns the check that failed. */
async function changed(change, { seen } = {}) {
  const { page, close } = await w.open();
  await page.goto(at("audit/7"));
  await page.getByText("verified in this browser", { exact: false }).first().waitFor();
  if (seen) {
    await page.evaluate((change) => {
      const key = Object.keys(localStorage).find((k) => k.startsWith("trimtab.log"));
      localStorage.setItem(key, JSON.stringify({ ...JSON.parse(localStorage.getItem(key)), ...change }));
    }, seen);
  }
  await page.route("**/journal/8/proof*", async (route) => {
    const answer = await route.fetch();
    const e = await answer.json();
    change?.(e);
    await route.fulfill({ response: answer, json: e });
  });
  await page.goto(at("audit/8"));
  await page.getByText(/not verified: \d/).first().waitFor();
  const failed = await page.locator(".audit-checks li.bad").evaluateAll((all) => all.map((x) => x.dataset.check));
  const why = await page.locator(".audit-why").first().innerText();
  const trust = await page.getByRole("button", { name: "Trust it anew" }).count();
  await close();
  return { failed, why, trust };
}

const flip = (base64, at) => {
  const b = Buffer.from(base64, "base64");
  b[at] ^= 1;
  return b.toString("base64");
};

test("a byte of the entry that was changed fails the way to the root", async () => {
  const { failed, why } = await changed((e) => {
    const p = e.proofs[0];
    p.body = Buffer.from(Buffer.from(p.body, "base64").toString().replace(/"action":"(.)/, (_, c) => `"action":"${c === "x" ? "y" : "x"}`)).toString("base64");
  });
  assert.deepEqual(failed, ["inclusion"]);
  assert.match(why, /not what was signed/);
});

test("a hash beside the path that was changed fails the way to the root", async () => {
  assert.deepEqual((await changed((e) => (e.proofs[0].path[1] = flip(e.proofs[0].path[1], 5)))).failed, ["inclusion"]);
});

test("another root under the old signature fails the signature", async () => {
  const { failed, why } = await changed((e) => {
    const lines = e.note.split("\n");
    lines[2] = flip(lines[2], 0);
    e.note = lines.join("\n");
  });
  assert.ok(failed.includes("signature") && failed.includes("inclusion"), failed.join());
  assert.match(why, /signature does not verify/);
});

test("an answer about another entry is refused", async () => {
  assert.deepEqual((await changed((e) => (e.proofs[0].index = 9))).failed, ["answer"]);
});

test("a log that is shorter than the one seen before was rolled back", async () => {
  const { failed, why, trust } = await changed(undefined, { seen: { size: 1e6 } });
  assert.deepEqual(failed, ["history"]);
  assert.match(why, /rolled back/);
  assert.equal(trust, 1);
});

test("a log that does not begin with the one seen before was rewritten", async () => {
  const { failed, why } = await changed(undefined, { seen: { size: 5, root: Buffer.alloc(32, 7).toString("base64") } });
  assert.deepEqual(failed, ["history"]);
  assert.match(why, /rewritten/);
});

test("another key than the one seen first is named", async () => {
  const { failed, why } = await changed(undefined, { seen: { key: "trimtab-other+00000000+AQ==" } });
  assert.deepEqual(failed, ["key"]);
  assert.match(why, /first saw another key/);
});

test("what is being typed stays when the log grows", async () => {
  const { page, complaints, close } = await w.open();
  await page.goto(at("audit"));
  await page.getByText("live", { exact: true }).waitFor();
  const newest = async () => Number(await page.locator("main [data-row]").first().innerText());
  const before = await newest();
  await page.keyboard.press("/");
  await page.keyboard.type("half a wo");
  await w.server.post("/api/2.0/mlflow/experiments/create", { name: "while somebody typed" });
  await page.waitForFunction((n) => Number(document.querySelector("main [data-row]").textContent) > n, before);
  assert.equal(await page.getByPlaceholder("Text in an entry").inputValue(), "half a wo");
  assert.deepEqual(complaints, []);
  await close();
});
