// Starts the real binary on a free port with its data in a folder of its own,
// and fills it through the interfaces that people use.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, openSync, closeSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** binary is the program under test: TRIMTAB_BIN, else what `make build` leaves. */
export const binary = process.env.TRIMTAB_BIN ?? fileURLToPath(new URL("../../bin/trimtab", import.meta.url));

async function freePort() {
  const s = createServer();
  await new Promise((done, failed) => s.once("error", failed).listen(0, "127.0.0.1", done));
  const { port } = s.address();
  await new Promise((done) => s.close(done));
  return port;
}

/**
 * start runs a server until its stop is called. Prefix is the path under which it
 * shows itself; home its folder, a new one when none is given, which goes when it
 * stops unless it is to be kept.
 */
export async function start({ prefix = "", home = mkdtempSync(join(tmpdir(), "trimtab-browser-")), keep = false, args: more = [] } = {}) {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run make build first`);
  const address = `127.0.0.1:${await freePort()}`;
  const log = join(home, "server.log");
  const out = openSync(log, "a");
  const args = ["server", "--listen", address, "--data", join(home, "data"), ...more];
  if (prefix) args.push("--prefix", prefix);
  const child = spawn(binary, args, { stdio: ["ignore", out, out] });
  closeSync(out);
  const ended = new Promise((done) => child.once("exit", done));
  const url = `http://${address}${prefix}`;
  const server = {
    url,
    log: () => readFileSync(log, "utf8"),
    stop: async () => {
      child.kill("SIGTERM");
      const code = await Promise.race([ended, new Promise((done) => setTimeout(() => done("late"), 15_000).unref())]);
      if (code === "late") child.kill("SIGKILL");
      if (!keep) rmSync(home, { recursive: true, force: true });
      return code;
    },
    /** trimtab runs a command of the binary against the server. */
    trimtab: (...args) => {
      const r = spawnSync(binary, [...args, "--server", url], { encoding: "utf8" });
      if (r.status !== 0) throw new Error(`trimtab ${args.join(" ")}: ${r.status}\n${r.stdout}${r.stderr}`);
      return r.stdout;
    },
    /** post sends JSON to a path and returns the answer. */
    post: async (path, body) => {
      const r = await fetch(url + path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
      const text = await r.text();
      if (!r.ok) throw new Error(`POST ${path}: ${r.status} ${text}`);
      return JSON.parse(text);
    },
  };
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      if ((await fetch(url + "/readyz")).ok) return server;
    } catch {
      // not listening yet
    }
    if (child.exitCode !== null || Date.now() > deadline) {
      const said = server.log();
      await server.stop();
      throw new Error(`the server did not become ready:\n${said}`);
    }
    await new Promise((done) => setTimeout(done, 20));
  }
}

const mlflow = "/api/2.0/mlflow/";

/** seed fills a server as an MLflow client does: finished, failed and running runs, a model with versions and an alias. */
export async function seed(server) {
  const { experiment_id } = await server.post(mlflow + "experiments/create", { name: "flights" });
  const begin = Date.now() - 90_000;
  const ids = [];
  for (const [i, status] of ["FINISHED", "FAILED", "FINISHED", "RUNNING"].entries()) {
    const { run } = await server.post(mlflow + "runs/create", { experiment_id, run_name: `trial-${i}`, start_time: begin + i * 10_000 });
    const run_id = run.info.run_id;
    ids.push(run_id);
    const metrics = Object.entries({ "held_out-auc": 0.7 + i / 100, "held_out-binary_logloss": 0.4 - i / 50, "training-auc": 0.8, epoch: i }).map(([key, value]) => ({ key, value, timestamp: begin + i, step: i }));
    await server.post(mlflow + "runs/log-batch", { run_id, metrics, params: [{ key: "trees", value: "200" }], tags: [] });
    if (status !== "RUNNING") await server.post(mlflow + "runs/update", { run_id, status, end_time: begin + i * 10_000 + 8_400 });
  }
  await server.post(mlflow + "registered-models/create", { name: "flights", description: "Probability that a flight arrives more than 15 minutes late." });
  for (const run_id of [ids[0], ids[2]]) {
    await server.post(mlflow + "model-versions/create", { name: "flights", source: `runs:/${run_id}/model`, run_id });
  }
  await server.post(mlflow + "registered-models/alias", { name: "flights", alias: "champion", version: "1" });
  return { experiment: experiment_id, runs: ids };
}
