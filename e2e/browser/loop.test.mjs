// The loop of a model by keyboard: why quality fell, what was known when it was
// decided, and the record of it. What the pages show is held against what the API says.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { findings } from "./browser.mjs";
import { inWorld } from "./world.mjs";

const w = inWorld();
const { api, at } = w;
const search = (page) => new URL(page.url()).searchParams;

/** shows waits until a page has said something, as pages write: a share with a space, a minus as wide as a plus. */
const shows = (page, text) => page.getByText(text.replace(/(\d) ?%/g, "$1 %").replace(/(^|[\s([])-(?=\d)/g, "$1−"), { exact: false }).first().waitFor();

test("the timeline says what the API says", async () => {
  const loop = await api("loop/endpoints/flights");
  const { page, complaints, close } = await w.open();
  await page.goto(at("loop"));
  await page.getByRole("link", { name: "flights", exact: true }).click();
  await shows(page, loop.said.text);
  const marks = loop.marks.filter((m) => m.kind === "decision");
  assert.ok(marks.length > 0, "the world has decisions");
  for (const m of marks) assert.ok((await page.locator(`.loop-mark[aria-label*="${m.at.slice(0, 10)}"]`).count()) > 0, `a mark of ${m.id}`);
  assert.equal(await page.locator(".loop-fault").count(), loop.faults.length);
  const lanes = await page.locator(".loop-lane .visually-hidden").allTextContents();
  assert.equal(lanes.length, loop.services.filter((s) => !s.stage).length);
  const first = await page.locator(".loop-windows tbody tr").first().innerText();
  assert.ok(first.includes(loop.points.rows.at(-1).toLocaleString("en-US")), `the newest window first: ${first}`);
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
  await close();
});

test("why quality fell, by keyboard: from the window through the fault to the record in the audit log", async () => {
  const loop = await api("loop/endpoints/flights");
  const fault = loop.marks.find((m) => m.kind === "fault");
  const decision = loop.marks.find((m) => m.kind === "decision");
  assert.ok(fault && decision, "the world has a fault and a decision");
  const { page, complaints, close } = await w.open();
  await page.goto(at("loop/flights"));
  await shows(page, loop.said.text);

  // Arrows move from window to window, and what stands there is said.
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  const said = await page.locator(".loop-readout").innerText();
  assert.ok(said.includes(loop.points.rows[1].toLocaleString("en-US")), `the second window: ${said}`);

  // n goes from event to event until the fault; Enter opens it beside the timeline.
  for (let i = 0; i < loop.marks.length + 1 && search(page).get("event") !== fault.id; i++) await page.keyboard.press("n");
  assert.equal(search(page).get("event"), fault.id);
  await page.keyboard.press("Enter");
  await page.locator(".loop-panel").getByRole("heading", { name: "Data fault" }).waitFor();
  await page.waitForFunction(() => document.activeElement?.closest(".loop-panel") !== null);
  await page.locator(".loop-panel").getByText("Evidence").waitFor();
  assert.equal(search(page).get("incident"), fault.id);
  assert.ok(await page.locator(".loop-time").isVisible(), "the timeline stays in sight");

  // Esc closes it, and the focus is where it was.
  await page.keyboard.press("Escape");
  await page.locator(".loop-panel").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement?.classList.contains("loop-time"));

  // On to the decision; its page; its entry in the audit log.
  for (let i = 0; i < 2 * loop.marks.length && search(page).get("event") !== decision.id; i++)
    await page.keyboard.press(loop.marks.indexOf(decision) > loop.marks.findIndex((m) => m.id === search(page).get("event")) ? "n" : "p");
  await page.keyboard.press("Enter");
  await page.locator(".loop-panel").getByText("What could be done").waitFor();
  const known = await api(`loop/decisions/${encodeURIComponent(decision.id)}`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Open the page");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/ui\/decisions\//);
  await page.getByRole("heading", { name: "What was known" }).waitFor();
  assert.equal(await page.locator(".loop-options tbody tr").count(), known.options.length);
  assert.equal(await page.locator(".loop-guards li").count(), known.decision.guards.length);
  if (known.evaluation) assert.equal(await page.locator(".loop-forest tbody tr").count(), known.evaluation.results.length);
  assert.deepEqual(await findings(page), []);
  const record = page.getByRole("link", { name: `entry ${known.entries[0].index}`, exact: true });
  await record.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`/ui/audit/${known.entries[0].index}$`));
  assert.deepEqual(complaints, []);
  await close();
});

test("zoom is in the address, and back undoes it", async () => {
  const { page, complaints, close } = await w.open();
  await page.goto(at("loop/flights"));
  const plot = page.locator(".loop-heat");
  await plot.waitFor();
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width * 0.25, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.55, box.y + 60, { steps: 4 });
  await page.mouse.up();
  await page.waitForFunction(() => new URLSearchParams(location.search).has("from"));
  const [from, to] = [search(page).get("from"), search(page).get("to")];
  const part = await api(`loop/endpoints/flights?from=${from}&to=${to}`);
  await shows(page, part.said.text);
  assert.ok(part.windows > 1 && part.windows < (await api("loop/endpoints/flights")).windows);
  await page.goBack();
  await page.waitForFunction(() => !new URLSearchParams(location.search).has("from"));
  await page.getByLabel("Open a column").selectOption(part.columns[0].column);
  await page.locator(".loop-panel canvas").first().waitFor();
  assert.equal(search(page).get("column"), part.columns[0].column);
  assert.deepEqual(complaints, []);
  await close();
});

test("a decision that waits is approved when the policy's name was typed", async () => {
  const { page, complaints, close } = await w.open();
  const { items } = await api("loop/decisions?acted=true&limit=1");
  const id = items[0].id;
  // The world decides by itself: what waits is told to the page, what it asks for is caught.
  let asked, state = "awaiting";
  await page.route(`**/loop/decisions/${encodeURIComponent(id)}`, async (route) => {
    const answer = await (await route.fetch()).json();
    answer.decision.state = state;
    await route.fulfill({ json: answer });
  });
  await page.route("**/approve", (route) => {
    asked = route.request().postDataJSON();
    state = "rollout";
    return route.fulfill({ json: {} });
  });
  await page.goto(at(`decisions/${id}`));
  await page.getByRole("button", { name: "Approve" }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  assert.deepEqual(await findings(page), []);
  await dialog.getByLabel("Reason").fill("the numbers are good");
  assert.ok(await dialog.getByRole("button", { name: "Approve" }).isDisabled(), "not before the word is typed");
  await dialog.getByLabel("Type").fill(items[0].policy);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(asked, { reason: "the numbers are good" });
  await shows(page, "rolling out");
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
  assert.deepEqual(complaints, []);
  await close();
});

test("the loop is paused and goes on; a fault's rows are released", async () => {
  const { page, complaints, close } = await w.open();
  await page.goto(at("loop/flights"));
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("a release");
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await shows(page, "This policy is paused");
  assert.equal((await api("loop")).policies[0].pause.reason, "a release");
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause", exact: true }).waitFor();
  assert.equal((await api("loop")).policies[0].pause, undefined);

  await page.goto(at("incidents?kind=dataFault"));
  const faults = (await api("loop/incidents?kind=dataFault")).items.filter((i) => i.held && !i.released);
  await page.locator("[data-row]").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/ui\/incidents\//);
  await page.getByRole("button", { name: "Release the rows" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("the sender was right");
  await dialog.getByLabel("Type").fill("flights");
  await dialog.getByRole("button", { name: "Release" }).click();
  await shows(page, "released by");
  const id = decodeURIComponent(new URL(page.url()).pathname.split("/").at(-1));
  assert.ok(faults.some((i) => i.id === id));
  assert.ok((await api(`loop/incidents/${encodeURIComponent(id)}`)).incident.released);
  assert.deepEqual(await findings(page), []);
  assert.deepEqual(complaints, []);
  await close();
});
