import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
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
  const first = Object.values(sizes).filter((s) => s.first).reduce((n, s) => n + s.gz, 0);
  assert.ok(first > 10_000 && first <= 60_000, `JavaScript of the first route: ${first} bytes gzip, 60,000 allowed`);
  for (const [name, s] of Object.entries(sizes)) {
    if (name.endsWith(".js")) assert.ok(s.gz <= 40_000, `${name}: ${s.gz} bytes gzip, 40,000 allowed for one chunk`);
  }
  const all = files(folders[0]).reduce((n, f) => n + statSync(join(folders[0], f)).size, 0);
  assert.ok(all < 400_000, `everything: ${all} bytes, 400,000 allowed`);
});

test("nothing that is built names another host", () => {
  for (const f of files(folders[0]).filter((f) => /\.(js|css|svg)\.gz$|\.html$/.test(f))) {
    const raw = readFileSync(join(folders[0], f));
    const hosts = (f.endsWith(".gz") ? gunzipSync(raw) : raw).toString().match(/https?:\/\/[a-z0-9.-]+/gi) ?? [];
    // Names of XML vocabularies, which no browser fetches, and this machine in a command to be copied.
    assert.deepEqual(hosts.filter((h) => h !== "http://www.w3.org" && h !== "http://127.0.0.1"), [], f);
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
