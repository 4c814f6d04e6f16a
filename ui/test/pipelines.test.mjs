// What the pages of pipelines compute by themselves: the lines of a log, the layers
// of a graph, the spans of a step.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { build } from "esbuild";

globalThis.document ??= { baseURI: "http://localhost/ui/" };
globalThis.location ??= { href: "http://localhost/ui/" };
globalThis.localStorage ??= { getItem: () => null };

async function load(file) {
  const { outputFiles } = await build({ entryPoints: [new URL(`../src/pipelines/${file}`, import.meta.url).pathname], bundle: true, write: false, format: "esm", jsx: "automatic", jsxImportSource: "preact", logLevel: "silent" });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

const { LogBuffer, piecesOf } = await load("logbuffer.ts");

test("a log gives its lines however it is cut into pieces", async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} ${"x".repeat(i % 50)}`);
  const text = lines.join("\n") + "\nnot ended";
  for (const size of [7, 1_000, 100_000, text.length]) {
    const b = new LogBuffer();
    for (let at = 0; at < text.length; at += size) b.add(text.slice(at, at + size));
    assert.equal(b.lines, 20_001);
    for (const n of [0, 1, 777, 13_999, 19_999]) assert.equal(b.line(n), lines[n]);
    assert.equal(b.line(20_000), "not ended");
    assert.deepEqual(await b.find("LINE 1999", 100, () => false), [1999, ...Array.from({ length: 10 }, (_, i) => 19_990 + i)]);
    assert.deepEqual(await b.find("not", 5, () => false), [20_000]);
    assert.equal((await b.find("line", 5, () => false)).length, 5);
  }
});

test("a line is what a terminal would show of it", () => {
  const b = new LogBuffer();
  b.add("10 %\r50 %\rdone\r\n\x1b[2K\x1b[1;31mbad\x1b[0m fine\x07\n\n");
  assert.equal(b.lines, 3);
  assert.equal(b.line(0), "done");
  assert.deepEqual(piecesOf(b.line(1)), [
    { text: "bad", look: "red bold" },
    { text: " fine", look: "" },
  ]);
  assert.equal(b.line(2), "");
  b.add("y".repeat(10_000));
  assert.ok(b.line(3).length < 4_100);
});

test("steps lie right of all that they wait for", async () => {
  const { layout } = await load("graph.tsx");
  const step = (name, needs = [], more = {}) => ({ name, kind: "run", needs, ...more });
  const { nodes, layers } = layout([step("last", ["b", "a"]), step("a"), step("b", ["a"]), step("data", [], { kind: "dataset", source: "s" }), step("crown", ["last"], { kind: "promote", model: "m" })]);
  const at = Object.fromEntries(nodes.map((n) => [n.id, n.layer]));
  assert.deepEqual(at, { a: 0, b: 1, last: 2, "source s": 0, data: 1, crown: 3, "model crown": 4 });
  assert.equal(layers, 5);
  assert.equal(new Set(nodes.map((n) => `${n.layer} ${n.row}`)).size, nodes.length, "two nodes in one place");
});

test("a step waits, is tried, waits, is tried again", async () => {
  const { spansOf, ticksOf } = await load("gantt.tsx");
  const at = (ms) => new Date(1_000_000 + ms).toISOString();
  const spans = spansOf({ state: "running", ready: at(0), attempts: [{ n: 1, state: "failed", exit: 3, started: at(50), ended: at(100) }, { n: 2, state: "running", started: at(1100) }] }, 1_000_000, 1500);
  assert.deepEqual(
    spans.map((s) => [s.from, s.to, s.tone]),
    [
      [0, 50, "waiting"],
      [50, 100, "bad"],
      [100, 1100, "waiting"],
      [1100, 1500, "run"],
    ],
  );
  assert.deepEqual(ticksOf(2400), [0, 500, 1000, 1500, 2000]);
});
