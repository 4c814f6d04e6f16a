// The tokens keep what was computed when they were chosen: contrast by the WCAG
// 2 formula, distances of the series by CIEDE2000 under four kinds of vision.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { differenceCiede2000, filterDeficiencyDeuter, filterDeficiencyProt, filterDeficiencyTrit, wcagContrast } from "culori";

const tokens = JSON.parse(readFileSync(new URL("../tokens.json", import.meta.url), "utf8"));
const themes = ["light", "dark"];
const grounds = ["bg", "surface", "sunken", "selected"];

for (const [i, theme] of themes.entries()) {
  const colour = (name) => tokens.color[name][i];
  test(`${theme}: text and states are readable on every background`, () => {
    for (const name of ["text", "muted", "accent", "ok", "warn", "bad", "info"]) {
      for (const ground of grounds) {
        const c = wcagContrast(colour(name), colour(ground));
        assert.ok(c >= 4.5, `${name} on ${ground}: ${c.toFixed(2)}`);
      }
    }
    assert.ok(wcagContrast(colour("on-accent"), colour("accent")) >= 4.5);
  });
  test(`${theme}: edges of controls are visible on every background`, () => {
    for (const ground of grounds) assert.ok(wcagContrast(colour("line-strong"), colour(ground)) >= 3, ground);
  });
  test(`${theme}: series are visible on the page`, () => {
    for (const s of tokens.series) assert.ok(wcagContrast(s[i], colour("bg")) >= 3.05, s[i]);
  });
  test(`${theme}: series are told apart under every kind of vision`, () => {
    const distance = differenceCiede2000();
    const visions = { normal: (c) => c, protan: filterDeficiencyProt(1), deutan: filterDeficiencyDeuter(1), tritan: filterDeficiencyTrit(1) };
    for (const [vision, see] of Object.entries(visions)) {
      const seen = tokens.series.map((s) => see(s[i]));
      for (let a = 0; a < seen.length; a++) {
        for (let b = a + 1; b < seen.length; b++) {
          const d = distance(seen[a], seen[b]);
          assert.ok(d >= (b < 5 ? 17.9 : 12.9), `${vision}: ${a + 1} and ${b + 1} are ${d.toFixed(1)} apart`);
        }
      }
    }
  });
}

test("every colour has both themes", () => {
  for (const [name, pair] of [...Object.entries(tokens.color), ...Object.entries(tokens.series)]) {
    assert.equal(pair.length, 2, name);
    for (const c of pair) assert.match(c, /^#[0-9a-f]{6}$/, name);
  }
});
