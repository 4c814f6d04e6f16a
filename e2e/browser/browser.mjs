// Debian's Chromium, driven by Playwright, with a watch over what a page says
// and where it asks.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import AxeBuilder from "@axe-core/playwright";
import axe from "axe-core";
import { chromium } from "playwright-core";

const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** screens is where screenshots are kept. */
export const screens = fileURLToPath(new URL("../../.build/screens/", import.meta.url));
mkdirSync(screens, { recursive: true });

/** launch starts the browser. */
export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });

const contexts = new WeakMap(); // browser -> the context of its pages, once it is there

/**
 * open makes a page. Its complaints are what the console, a script or a request
 * beyond the origin complained of; answer, when given, replaces the overview.
 * Pages of a browser share what it has read, as a context of its own is most of
 * what a page costs; what one has stored is gone before the next.
 */
export async function open(browser, origin, { theme = "light", width = 1440, answer, reducedMotion = "no-preference" } = {}) {
  if (!contexts.has(browser)) contexts.set(browser, browser.newContext());
  const context = await contexts.get(browser);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
  await page.emulateMedia({ colorScheme: theme, reducedMotion });
  await context.clearCookies();
  await context.clearPermissions();
  const session = await context.newCDPSession(page);
  await session.send("Storage.clearDataForOrigin", { origin: new URL(origin).origin, storageTypes: "all" });
  await session.detach();
  watch(page);
  const complaints = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && complaints.push(`console: ${m.text()}`));
  page.on("pageerror", (e) => complaints.push(`script: ${e.message}`));
  page.on("request", (r) => {
    if (!/^(data|blob):/.test(r.url()) && new URL(r.url()).origin !== new URL(origin).origin) complaints.push(`request to ${r.url()}`);
  });
  if (answer) await page.route("**/overview", (route) => route.fulfill({ json: typeof answer === "function" ? answer() : answer }));
  return { page, complaints, close: () => page.close() };
}

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// The rules of axe that read colours; every other reads what the page is made of.
const colours = ["color-contrast", "link-in-text-block"];

/** findings are what axe finds on a page by the rules of WCAG 2.0 to 2.2, A and AA. */
export const findings = (page) => analysed(page, { type: "tag", values: tags });

/** findingsOfColour are those of them that a theme alone can make. */
export const findingsOfColour = (page) => analysed(page, { type: "rule", values: colours });

// axe runs inside the page and hands out only what it found: what the builder does,
// which carries every passed element to a second page, takes three times as long.
// A page with frames, which have origins of their own, is left to the builder.
async function analysed(page, runOnly) {
  if (page.frames().length > 1) {
    const { violations } = await new AxeBuilder({ page }).options({ runOnly }).analyze();
    return said(violations);
  }
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  return said(
    await page.evaluate(async (runOnly) => {
      const { violations } = await window.axe.run(document, { runOnly, resultTypes: ["violations"] });
      return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ target }) => ({ target })) }));
    }, runOnly),
  );
}

const said = (violations) => violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);

const asked = new WeakMap(); // page -> requests that have no answer yet

function watch(page) {
  const open = new Set();
  asked.set(page, open);
  page.on("request", (r) => r.resourceType() !== "eventsource" && !/\/(events|live)(\?|$)/.test(r.url()) && open.add(r));
  for (const over of ["requestfinished", "requestfailed"]) page.on(over, (r) => open.delete(r));
}

/** settled waits until a page has what it asked for, has its fonts and has drawn. */
export async function settled(page) {
  const open = asked.get(page);
  const until = Date.now() + 10_000;
  for (let calm = 0; calm < 3 && Date.now() < until; ) {
    await page.waitForTimeout(25);
    const busy = open.size > 0 || (await page.evaluate(() => document.querySelector("main .skeleton") !== null));
    calm = busy ? 0 : calm + 1;
  }
  await page.evaluate(() => document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))));
}
