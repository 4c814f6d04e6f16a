import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { build } from "../build.mjs";

const folders = ["a", "b"].map(() => mkdtempSync(join(tmpdir(), "trimtab-ui-")));
after(() => folders.forEach((f) => rmSync(f, { recursive: true })));

const files = (dir) =>
  readdirSync(dir, { recursive: true })
    .filter((f) => statSync(join(dir, f)).isFile())
    .sort();

let sizes;
test("two builds are equal to the byte", async () => {
  sizes = await build(folders[0]);
  await build(folders[1]);
  assert.deepEqual(files(folders[0]), files(folders[1]));
  for (const f of files(folders[0])) assert.ok(readFileSync(join(folders[0], f)).equals(readFileSync(join(folders[1], f))), f);
});

test("the pages stay within their budgets", () => {
  const js = Object.entries(sizes).filter(([name]) => name.endsWith(".js"));
  assert.equal(js.length, 1);
  assert.ok(js[0][1].gz <= 60_000, `JavaScript: ${js[0][1].gz} bytes gzip, 60,000 allowed`);
  const all = files(folders[0]).reduce((n, f) => n + statSync(join(folders[0], f)).size, 0);
  assert.ok(all < 400_000, `everything: ${all} bytes, 400,000 allowed`);
});

test("nothing that is built names another host", () => {
  for (const f of files(folders[0]).filter((f) => /\.(js|css|html|svg)$/.test(f))) {
    const hosts = readFileSync(join(folders[0], f), "utf8").match(/https?:\/\/[a-z0-9.-]+/gi) ?? [];
    // Names of XML vocabularies, which no browser fetches.
    assert.deepEqual(hosts.filter((h) => h !== "http://www.w3.org"), [], f);
  }
});

test("the lock file names no registry but npm's own", () => {
  for (const lock of ["../package-lock.json", "../../e2e/browser/package-lock.json"]) {
    const { packages } = JSON.parse(readFileSync(new URL(lock, import.meta.url), "utf8"));
    for (const [name, p] of Object.entries(packages)) {
      if (p.resolved) assert.ok(p.resolved.startsWith("https://registry.npmjs.org/"), `${name}: ${p.resolved}`);
      if (name) assert.match(p.integrity, /^sha512-/, name);
    }
  }
});
