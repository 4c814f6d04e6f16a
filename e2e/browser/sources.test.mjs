// The checks of the pages' sources: types, tokens, reproducible build, budgets.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ui = fileURLToPath(new URL("../../ui/", import.meta.url));

test("npm run check in ui/", () => {
  const npm = (...args) => {
    const r = spawnSync("npm", args, { cwd: ui, encoding: "utf8", env: { ...process.env, NODE_TEST_CONTEXT: undefined } });
    assert.equal(r.status, 0, `npm ${args.join(" ")}\n${r.stdout}\n${r.stderr}`);
  };
  if (!existsSync(ui + "node_modules")) npm("ci", "--no-audit", "--no-fund", "--loglevel=error");
  npm("run", "--silent", "check");
});
