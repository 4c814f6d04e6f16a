// The parts of charts that need no page: ticks, words, ranges, steps of the
// cursor, smoothing, the binary form of lines, and tables out of text.
import { strict as assert } from "node:assert";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const src = join(dirname(fileURLToPath(import.meta.url)), "../src");
globalThis.document = { baseURI: "http://localhost/ui/", addEventListener() {} };
globalThis.location = new URL("http://localhost/ui/");
globalThis.addEventListener = () => {};

async function load(file) {
  const built = await esbuild.build({ entryPoints: [join(src, file)], bundle: true, format: "esm", write: false, platform: "neutral", mainFields: ["module", "main"], conditions: ["browser", "production"] });
  return import(`data:text/javascript;base64,${Buffer.from(built.outputFiles[0].contents).toString("base64")}`);
}
const draw = await load("chart/draw.ts");
const series = await load("chart/series.ts");
const sheet = await load("run/sheet.ts");

test("ticks stand at round places, fit their number, and tell what they share once", () => {
  const t = Date.UTC(2013, 1, 20);
  const months = draw.ticks("time", t, Date.UTC(2013, 11, 20), 12);
  assert.deepEqual(months.text.slice(0, 2), ["Mar\n2013", "Apr"]);
  assert.deepEqual(draw.ticks("time", t, t + 86_400_000, 4).text, ["00:00\n20 Feb 2013", "06:00", "12:00", "18:00", "00:00\n21 Feb 2013"]);
  assert.deepEqual(draw.ticks("step", 0, 5000, 5).at, [0, 1000, 2000, 3000, 4000, 5000]);
  assert.deepEqual(draw.ticks("step", 0, 3, 20).at, [0, 1, 2, 3], "steps are whole");
  assert.deepEqual(draw.ticks("relative", 0, 5_400_000, 6).text, ["0", "15 m", "30 m", "45 m", "1 h", "75 m", "90 m"]);
  for (const kind of ["time", "step", "relative"]) {
    for (const span of [0, 1, 977, 1e6, 1e9, 1e12, 3e13]) {
      const got = draw.ticks(kind, 1e12, 1e12 + span, 8);
      assert.ok(got.at.length <= 11 && got.at.every((v) => v >= 1e12 && v <= 1e12 + span + 1), `${kind} over ${span}: ${got.at}`);
    }
  }
});

test("numbers of an axis are short and true", () => {
  for (const [v, want] of [[0, "0"], [1500, "1,500"], [12_000, "12k"], [2_500_000, "2.5M"], [0.0012, "0.0012"], [3e-7, "3e-7"], [-4, "−4"], [NaN, "NaN"], [Infinity, "∞"]]) assert.equal(draw.short(v), want);
  assert.equal(draw.cut("abcdefghij", 5).length, 5);
});

test("the range of y holds what is seen, near limits, and no infinity", () => {
  const s = [{ label: "a", x: [0, 1, 2, 3], y: [1, 2, 1.7976931348623157e308, NaN] }];
  const [lo, hi] = series.yRange(s, [{ value: 2.5, label: "near" }, { value: 900, label: "far" }], {}, 0, 3);
  assert.ok(lo < 1 && hi >= 2.5 && hi < 3);
  assert.ok(series.yRange(s, [], { log: true }, 0, 1)[0] > 0);
  assert.deepEqual(series.yRange([], [], {}, 0, 1), [0, 1]);
});

test("the cursor steps over the points of all lines, also several of one x", () => {
  const s = [{ label: "a", x: [0, 2, 2, 4], y: [1, 2, 3, 4] }, { label: "b", x: [1, 5], y: [1, 1] }];
  assert.equal(series.neighbourX(s, 0, 1), 1);
  assert.equal(series.neighbourX(s, 2, 1), 4);
  assert.equal(series.neighbourX(s, 5, -2), 2);
  assert.equal(series.neighbourX(s, 5, 1), null);
  assert.deepEqual(series.standing(s, 2, 0.5).map((a) => [a.series, a.y]), [[0, 2]]);
  assert.deepEqual(series.sheetOf(s, "step", {}, 0, 5).rows.map((r) => r.join("|")), ["step 0|1|", "step 1||1", "step 2|2|", "step 2|3|", "step 4|4|", "step 5||1"]);
});

test("one hundred thousand points: all are ranged, a table shows the first hundreds", () => {
  const x = Float64Array.from({ length: 100_000 }, (_, i) => i);
  const s = [{ label: "a", x, y: x.map((v) => Math.sin(v / 500)) }];
  const [low, high] = series.yRange(s, [], {}, 0, 1e5);
  assert.ok(low <= -0.999 && high >= 0.999, `${low} to ${high}`);
  assert.equal(series.sheetOf(s, "step", {}, 0, 1e5).rows.length, 500);
});

test("tables: quotes, lines within cells, a text that was cut, and the JSON of logged tables", () => {
  const t = sheet.parseTable('\ufeffa,b\r\n1,"x, ""y""\nz"\n\n2,\n3,c', ",", false, 10);
  assert.deepEqual(t.head, ["a", "b"]);
  assert.deepEqual(t.rows, [["1", 'x, "y"\nz'], ["2", ""], ["3", "c"]]);
  assert.deepEqual(t.numeric, [true, false]);
  assert.deepEqual(sheet.parseTable("a\n1\n2", ",", true, 10).rows, [["1"]], "a line that was cut is left out");
  assert.equal(sheet.parseTable("a\n1\n2\n3\n", ",", false, 2).more, 1);
  assert.deepEqual(sheet.tableOfJSON({ columns: ["q"], data: [["x"], [null]] }, 9).rows, [["x"], [""]]);
  assert.deepEqual(sheet.tableOfJSON([{ a: 1 }, { b: [2] }], 9).rows, [["1", ""], ["", "[2]"]]);
  assert.equal(sheet.tableOfJSON({ a: 1 }, 9), undefined);
});

test("lines: the binary form, smoothing without bias, and a part in place of coarse points", async () => {
  const lines = await load("chart/lines.ts");
  const head = new TextEncoder().encode(JSON.stringify({ x: "step", lines: [{ run: "r", key: "k", start: "", count: 2, exact: true, points: 2 }] }));
  const n = head.length + ((8 - ((4 + head.length) % 8)) % 8);
  const raw = new ArrayBuffer(4 + n + 32);
  new DataView(raw).setUint32(0, n, true);
  new Uint8Array(raw).fill(32, 4, 4 + n).set(head, 4);
  new Float64Array(raw, 4 + n).set([1, 2, 0.5, NaN]);
  const [l] = lines.parseLines(raw);
  assert.deepEqual([...l.x], [1, 2]);
  assert.deepEqual([...l.y], [0.5, NaN]);
  assert.deepEqual([...lines.smooth([3, 3, NaN, 3], 0.9)].map((v) => Math.round(v * 1e9) / 1e9), [3, 3, NaN, 3]);
  const at = (x) => ({ x: Float64Array.from(x), y: Float64Array.from(x), points: x.length });
  assert.deepEqual(lines.joined(at([0, 5, 10, 15]), at([5, 6, 7]), 5, 10).x, [0, 5, 6, 7, 15]);
});
