// Numbers, times and addresses as the pages write and read them.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

async function load(file) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    write: false,
    format: "esm",
    conditions: ["browser"],
    logLevel: "error",
  });
  return import("data:text/javascript;base64," + Buffer.from(outputFiles[0].contents).toString("base64"));
}

const format = await load("../src/format.ts");

test("figure", () => {
  for (const [v, want] of [
    [0.70412, "0.704"], [0, "0.000"], [1, "1.000"], [-3, "−3.000"], [null, "NaN"], [0.00123, "0.00123"], [12, "12"], [1234567.5, "1,234,568"], [42.56789, "42.568"], [42.5, "42.500"], [999.5, "999.50"], [9040.94, "9,040.9"], [999.999, "1,000.0"], [12345.6, "12,346"], [250000, "250,000"], [-0.00001, "−0.0000100"],
  ]) assert.equal(format.figure(v), want, String(v));
});

test("duration", () => {
  for (const [ms, want] of [[0, "0 s"], [-5, "0 s"], [4200, "4.2 s"], [9970, "10 s"], [59_400, "59 s"], [59_700, "1 m 00 s"], [3_599_600, "1 h 00 m"], [7_500_000, "2 h 05 m"], [90_000_000, "1 d 1 h"]])
    assert.equal(format.duration(ms), want, String(ms));
});

test("age", () => {
  const now = Date.parse("2026-03-02T10:00:00Z");
  for (const [at, want] of [
    ["2026-03-02T09:59:58Z", "now"], ["2026-03-02T10:00:30Z", "now"], ["2026-03-02T09:59:48Z", "12 s ago"], ["2026-03-02T09:57:00Z", "3 min ago"],
    ["2026-03-01T10:00:00Z", "24 h ago"], ["2026-02-25T10:00:00Z", "5 d ago"], ["2013-12-01T00:00:00Z", "2013-12-01"], ["nonsense", "–"],
  ]) assert.equal(format.age(at, now), want, at);
});

test("addresses", async () => {
  globalThis.document = { baseURI: "https://host.example/team/trimtab/ui/", addEventListener() {} };
  globalThis.location = new URL("https://host.example/team/trimtab/ui/");
  const { placeOf } = await load("../src/router.ts");
  for (const [path, pattern, params = {}, project = "default"] of [
    ["", ""],
    ["?project=team", "", {}, "team"],
    ["experiments/1/runs/abc", "experiments/:experiment/runs/:run", { experiment: "1", run: "abc" }],
    ["experiments/1/runs/abc/artifacts/model", "experiments/:experiment/runs/:run", { experiment: "1", run: "abc" }],
    ["experiments/7?workspace=team", "experiments/:experiment", { experiment: "7" }, "team"],
    ["models/a%2Fb/versions/2", "models/:model/versions/:version", { model: "a/b", version: "2" }],
    ["models/%", "models/:model", { model: "%" }],
    ["models/flights/diff?a=1&b=2", "models/:model/diff", { model: "flights" }],
    ["models/", "models"],
    ["elsewhere", undefined],
    ["audit/1/2", undefined],
  ]) {
    const { path: _, entry, ...got } = placeOf(new URL(path, document.baseURI));
    assert.deepEqual({ pattern: entry?.pattern, ...got }, { pattern, params, project }, path);
  }
});
