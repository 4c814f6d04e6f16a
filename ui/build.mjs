// Builds the pages into dist: one chunk per page, hashed names, text assets as .gz
// only (the server unpacks for who does not take it), index.html with places
// for nonce and base, and the licences of what is inside. Equal sources and lock
// file give equal bytes.
import * as esbuild from "esbuild";
import { readFileSync, writeFileSync, readdirSync, rmSync, mkdirSync, existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { tokensCSS } from "./tokens.mjs";

const here = dirname(fileURLToPath(import.meta.url));

const tokens = {
  name: "tokens",
  setup(build) {
    build.onResolve({ filter: /^tokens\.css$/ }, () => ({ path: "tokens.css", namespace: "tokens" }));
    build.onLoad({ filter: /.*/, namespace: "tokens" }, () => ({
      contents: tokensCSS(JSON.parse(readFileSync(join(here, "tokens.json"), "utf8"))),
      loader: "css",
    }));
  },
};

function options(outdir) {
  return {
    absWorkingDir: here,
    entryPoints: ["src/main.tsx", "src/mark.svg"],
    outdir,
    bundle: true,
    minify: true,
    format: "esm",
    splitting: true,
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    conditions: ["browser", "production"],
    define: { "process.env.NODE_ENV": '"production"' },
    entryNames: "assets/[name]-[hash]",
    chunkNames: "assets/[name]-[hash]",
    assetNames: "assets/[name]-[hash]",
    loader: { ".woff2": "file", ".svg": "copy" },
    plugins: [tokens],
    charset: "utf8",
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "warning",
  };
}

// licences is what the licences of the embedded packages ask to be shown.
function licences(inputs) {
  const packages = new Set();
  for (const input of Object.keys(inputs)) {
    const m = input.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (m) packages.add(m[1]);
  }
  return [...packages]
    .sort()
    .map((name) => {
      const dir = join(here, "node_modules", name);
      const { version, license } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
      const file = readdirSync(dir).find((f) => /^licen[cs]e/i.test(f));
      if (!file) throw new Error(`${name} has no licence file`);
      return `${name} ${version} (${license})\n\n${readFileSync(join(dir, file), "utf8").trim()}\n`;
    })
    .join("\n" + "-".repeat(79) + "\n\n");
}

export async function build(dist) {
  const result = await esbuild.build(options(dist));
  mkdirSync(join(dist, "assets"), { recursive: true });
  const written = new Set([".gitkeep", "index.html"]);
  const write = (name, bytes) => {
    writeFileSync(join(dist, name), bytes);
    written.add(name);
  };
  const sizes = {};
  const put = (name, bytes, compress) => {
    sizes[name] = { raw: bytes.length };
    if (!compress) return write(name, bytes);
    const gz = gzipSync(bytes, { level: 9 });
    write(name + ".gz", gz);
    sizes[name].gz = gz.length;
  };
  const names = {};
  const entries = new Set(Object.entries(result.metafile.outputs).filter(([, o]) => o.entryPoint && /main\.tsx$|mark\.svg$/.test(o.entryPoint)).map(([name]) => name.replace(/^.*?(assets\/)/, "$1")));
  const needed = firstRoute(result.metafile);
  for (const file of result.outputFiles) {
    const name = file.path.slice(resolve(dist).length + 1);
    const kind = name.replace(/^assets\//, "").replace(/-[A-Z0-9]{8}\./, ".");
    // Chunks are imported by name; only the entry points are named in the page.
    if (!(kind in names) || entries.has(name)) names[kind] = name;
    put(name, file.contents, !name.endsWith(".woff2"));
  }
  put("licences.txt", Buffer.from(licences(result.metafile.inputs)), true);
  const html = readFileSync(join(here, "src/index.html"), "utf8").replace(/\{\{([^}]+)\}\}/g, (whole, kind) => {
    if (kind === "NONCE" || kind === "BASE") return whole;
    if (!names[kind]) throw new Error(`index.html names ${kind}, which was not built: ${Object.keys(names).join(", ")}`);
    return names[kind];
  });
  writeFileSync(join(dist, "index.html"), html);
  // What an older build left goes last, so that the folder is whole at every moment.
  for (const name of readdirSync(dist, { recursive: true })) {
    const file = join(dist, name);
    if (!written.has(name.replaceAll("\\", "/")) && statSync(file).isFile()) rmSync(file);
  }
  for (const name of needed) sizes[name].first = true;
  return sizes;
}

// firstRoute lists the scripts that the start page needs before it shows anything:
// the entry, the page itself, and what either imports statically.
function firstRoute({ outputs }) {
  const named = (test) => Object.keys(outputs).filter((name) => test.test(outputs[name].entryPoint ?? ""));
  const needed = new Set();
  const queue = named(/src\/(main|overview\/page)\.tsx$/);
  while (queue.length) {
    const name = queue.pop();
    if (needed.has(name)) continue;
    needed.add(name);
    for (const i of outputs[name].imports) if (i.kind === "import-statement" && !i.external) queue.push(i.path);
  }
  return [...needed].map((name) => name.replace(/^.*?(assets\/)/, "$1")).filter((name) => name.endsWith(".js"));
}

if (resolve(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) {
  const dist = resolve(process.env.TRIMTAB_UI_DIST ?? join(here, "dist"));
  if (!existsSync(join(here, "node_modules"))) {
    console.error("ui/node_modules is missing: run npm ci in ui/ first");
    process.exit(1);
  }
  const sizes = await build(dist);
  for (const [name, s] of Object.entries(sizes)) {
    console.log(`${name.padEnd(48)} ${String(s.raw).padStart(7)}${s.gz ? ` gz ${s.gz}` : ""}`);
  }
}
