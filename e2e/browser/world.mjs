// A world to look at: spring of the flights, as the demo makes
// them: trained, served, replayed with a data fault, retrained by itself; and a
// search for parameters in an experiment of its own. It is
// made once by the real binary (`node world.mjs`) and kept in .build/world; each
// test file gets a server on a copy of its own.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before } from "node:test";
import { launch, open } from "./browser.mjs";
import { binary, start } from "./server.mjs";

const here = fileURLToPath(new URL("./", import.meta.url));
const top = fileURLToPath(new URL("../../", import.meta.url));
const home = join(top, ".build/world");
const example = join(top, "examples/flights");

/** span of the replay, and the week in which the wind arrives in km/h instead of mph. */
export const span = { from: "2013-03-01", to: "2013-06-15", fault: "unit wind_speed x1.609344 2013-05-09..2013-05-16" };

// stampOf names what the world is made of: another binary or example makes it anew.
function stampOf() {
  const hash = createHash("sha256").update(readFileSync(binary)).update(JSON.stringify(span)).update(readFileSync(join(here, "sweep.py")));
  for (const f of readdirSync(example).filter((f) => /\.(yaml|py|lock|toml)$/.test(f)).sort()) hash.update(readFileSync(join(example, f)));
  return hash.digest("hex");
}

/** prepare makes the world, unless it is there. TRIMTAB_WORLD names a data folder to be used instead. */
export async function prepare() {
  if (process.env.TRIMTAB_WORLD) return;
  const stamp = stampOf();
  if (existsSync(join(home, "stamp")) && readFileSync(join(home, "stamp"), "utf8") === stamp) return;
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  const rows = join(example, "data/flights.parquet");
  const uv = join(top, ".ci/uv");
  if (!existsSync(rows)) run(uv, ["run", "--quiet", "--frozen", "--no-dev", "--project", example, "--python", "3.11", "python", join(example, "prepare.py")]);
  const server = await start({ home, keep: true, args: ["--uv", uv] });
  try {
    server.trimtab("apply", example + "/", "--yes");
    server.trimtab("pipeline", "run", "train-flights", "--follow");
    await follow(server, ["replay", "flights", "--source", "flights", "--from", span.from, "--to", span.to, "--fault", span.fault, "--follow"]);
    run(pythonOf(join(home, "data/envs")), [join(here, "sweep.py"), rows], { MLFLOW_TRACKING_URI: server.url });
  } finally {
    await server.stop();
  }
  writeFileSync(join(home, "stamp"), stamp);
}

// pythonOf is the interpreter of the environment that the pipeline trained in.
function pythonOf(envs) {
  const [env] = readdirSync(envs, { recursive: true }).filter((f) => f.endsWith("/bin/python")).map((f) => join(envs, f));
  if (!env) throw new Error(`${envs} holds no environment`);
  return env;
}

function run(command, args, env = {}) {
  const r = spawnSync(command, args, { cwd: top, encoding: "utf8", env: { ...process.env, ...env } });
  if (r.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${r.status}\n${r.stdout}${r.stderr}`);
}

// follow runs a command that takes a while; its output is kept for the error.
function follow(server, args) {
  return new Promise((done, fail) => {
    const child = spawn(binary, [...args, "--server", server.url]);
    let said = "";
    for (const s of [child.stdout, child.stderr]) s.on("data", (d) => (said = (said + d).slice(-4000)));
    child.on("exit", (code) => (code === 0 ? done() : fail(new Error(`trimtab ${args.join(" ")}: ${code}\n${said}\n${server.log()}`))));
  });
}

/** world is a server on a copy of the world. */
export async function world(options = {}) {
  const from = process.env.TRIMTAB_WORLD || join(home, "data");
  if (!process.env.TRIMTAB_WORLD && !existsSync(join(home, "stamp"))) throw new Error("the world is not made: node world.mjs makes it");
  const copy = mkdtempSync(join(tmpdir(), "trimtab-world-"));
  const left = join(from, "envs"); // Python environments: nothing is trained in a copy
  cpSync(from, join(copy, "data"), { recursive: true, filter: (f) => f !== left && !f.endsWith(".lock") });
  const server = await start({ home: copy, ...options });
  for (let i = 0; i < 400 && !(await fetch(`${server.url}/endpoints/flights/ping`)).ok; i++) await new Promise((done) => setTimeout(done, 25)); // ready comes before its models are loaded
  return server;
}

/**
 * inWorld gives the tests of a file a browser and a server on a copy of the world,
 * from the first test to the last. api asks the native API; at is the address of a page.
 */
export function inWorld() {
  const w = {
    browser: undefined,
    server: undefined,
    at: (path) => `${w.server.url}/ui/${path}`,
    api: async (path) => {
      const r = await fetch(`${w.server.url}/api/trimtab/v1alpha1/default/${path}`);
      if (r.status !== 200) throw new Error(`${path}: ${r.status} ${await r.text()}`);
      return r.json();
    },
    /** open makes a page, as browser.mjs does. */
    open: (options) => open(w.browser, w.server.url, options),
  };
  before(async () => {
    [w.server, w.browser] = await Promise.all([world(), launch()]);
  });
  after(async () => {
    await w.browser?.close();
    await w.server?.stop();
  });
  return w;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const began = Date.now();
  await prepare();
  console.log(`the world is ready after ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
