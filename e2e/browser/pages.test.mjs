// Every page × two themes × a phone and a desk, on real data: nothing that axe
// finds, nothing that the console says, no request beyond the origin, none over
// 2 MB, no page wider than the screen; a screenshot of each is kept.
import { strict as assert } from "node:assert";
import { after, before, describe, test } from "node:test";
import { findings, findingsOfColour, launch, open, screens, settled } from "./browser.mjs";
import { pictures, routes } from "./routes.mjs";
import { start } from "./server.mjs";
import { world } from "./world.mjs";

const most = 2_000_000; // bytes of one answer

/** elements are what a page is made of, without its words and colours. */
const elements = (page) => page.evaluate(() => Array.from(document.querySelectorAll("*"), (e) => `${e.tagName} ${e.getAttributeNames().join(" ")}`).join("\n"));

describe("every page", { concurrency: false }, () => {
  let browser, server, empty, all;
  before(async () => {
    [browser, server, empty] = await Promise.all([launch(), world(), start()]);
    all = await routes(server);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    await empty?.stop();
  });

  // A page is loaded once for each width, as it is made for it, and then looked at in
  // both themes. The other theme changes colours alone, which `light-dark()` in the
  // tokens makes sure of: where it leaves the same elements, only what reads colours
  // is asked again; else everything is. Both widths are looked at side by side: these
  // are the longest tests, and end last.
  describe("looks", { concurrency: 2 }, () => {
    for (const width of [390, 1440]) {
      test(`${width} px`, async (t) => {
        const { page, complaints, close } = await open(browser, server.url, { width });
        const large = [];
        page.on("response", async (r) => {
          const length = Number(r.headers()["content-length"] ?? 0);
          if (length > most) large.push(`${r.url()}: ${length} bytes`);
        });
        for (const [name, address, heading] of all) {
          await t.test(name, async () => {
            complaints.length = 0;
            let seen;
            for (const theme of ["light", "dark"]) {
              await page.emulateMedia({ colorScheme: theme });
              if (!seen) {
                await page.goto(`${server.url}/ui/${address}`);
                await page.locator("main h1").first().waitFor();
              }
              await settled(page);
              await page.screenshot({ path: `${screens}${name}-${theme}-${width}.jpg` });
              if (heading) assert.equal(await page.locator("main h1").first().innerText(), heading);
              assert.equal(await page.locator("main .problem").count(), 0, await page.locator("main").innerText());
              const made = await elements(page);
              assert.deepEqual(await (made === seen ? findingsOfColour : findings)(page), [], `${theme} theme`);
              seen = made;
              const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
              assert.ok(wide <= 0, `in the ${theme} theme the page is ${wide} px wider than the screen`);
              assert.deepEqual(complaints, [], `${theme} theme`);
              assert.deepEqual(large, []);
            }
          });
        }
        await close();
      });
    }
  });

  // `make screens` keeps the pictures that README and docs show.
  test("pictures for the documents", { skip: process.env.TRIMTAB_SCREENS ? false : "TRIMTAB_SCREENS names no folder" }, async () => {
    for (const theme of ["light", "dark"]) {
      const { page, close } = await open(browser, server.url, { theme, width: 1440 });
      for (const [name, address] of all.filter(([name]) => pictures.includes(name))) {
        await page.goto(`${server.url}/ui/${address}`);
        await page.locator("main h1").first().waitFor();
        await settled(page);
        await page.getByText("live", { exact: true }).waitFor();
        await page.waitForTimeout(800);
        await settled(page);
        await page.screenshot({ path: `${process.env.TRIMTAB_SCREENS}/${name}-${theme}.png` });
      }
      await close();
    }
  });

  test("on a server without anything each page says what would fill it", async () => {
    const { page, complaints, close } = await open(browser, empty.url);
    for (const address of ["", "experiments", "models", "endpoints", "loop", "decisions", "incidents", "monitors", "data", "pipelines", "changes", "audit", "settings"]) {
      await page.goto(`${empty.url}/ui/${address}`);
      await page.locator("main h1").first().waitFor();
      await settled(page);
      assert.equal(await page.locator("main .problem").count(), 0, address);
      if (!["audit", "settings"].includes(address)) assert.ok((await page.locator("main .command, main .empty").count()) > 0, `${address} shows no command`);
      assert.deepEqual(await findings(page), [], address);
    }
    assert.deepEqual(complaints, []);
    await close();
  });

  test("the rail, the palette and the keys lead everywhere", async () => {
    const { page, complaints, close } = await open(browser, server.url);
    await page.goto(`${server.url}/ui/`);
    await page.getByText("live", { exact: true }).waitFor();
    for (const [key, path] of [["e", "experiments"], ["p", "pipelines"], ["d", "data"], ["m", "models"], ["s", "endpoints"], ["c", "changes"], ["l", "loop"], ["w", "monitors"], ["t", "decisions"], ["i", "incidents"], ["a", "audit"], [",", "settings"], ["o", ""]]) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await page.waitForURL(`${server.url}/ui/${path}`);
    }
    await page.keyboard.press("Control+k");
    const palette = page.getByRole("combobox", { name: /^Find a page/ });
    await palette.waitFor();
    assert.deepEqual(await findings(page), []);
    await palette.fill("flights");
    await page.getByRole("option", { name: /^flights endpoint/ }).waitFor();
    while (!/^flights\s*endpoint/.test(await page.locator("[role=option][aria-selected=true]").innerText())) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${server.url}/ui/endpoints/flights`);
    await page.goBack();
    await page.waitForURL(`${server.url}/ui/`);
    assert.deepEqual(complaints, []);
    await close();
  });

  test("a page says the same as a request, a command and a declaration", async () => {
    const { page, close } = await open(browser, server.url);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto(`${server.url}/ui/models/flights`);
    await page.getByRole("button", { name: "Copy as" }).click();
    await page.getByRole("menuitem", { name: "CLI" }).click();
    await page.getByText("Copied as CLI").waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^trimtab model show flights/);
    await close();
  });
});
