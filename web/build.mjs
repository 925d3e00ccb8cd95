/*
 * Bundles the page: src/ -> hashed files and index.html in a folder, and, for the daemon, one C
 * source with all of them gzip'd (assets.h says what it holds).
 *
 *   node build.mjs --out DIR [--c FILE --depfile FILE]
 *
 * The output depends on the input only: the same sources give the same bytes and names.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

const HERE = dirname(fileURLToPath(import.meta.url));
const BUDGET = 72 * 1024; // bytes of gzip for all that a first visit loads

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

function fail(message) {
  console.error(`web/build.mjs: ${message}`);
  process.exit(1);
}

async function loadBundler() {
  if (!existsSync(join(HERE, "node_modules", "esbuild"))) {
    fail("web/node_modules is missing: run scripts/deps (or `npm ci` in web/), or configure with -Dweb=false");
  }
  return import("esbuild");
}

async function bundle(esbuild, out) {
  return esbuild.build({
    absWorkingDir: HERE,
    entryPoints: { app: "src/main.tsx", boot: "src/boot.ts", favicon: "src/favicon.svg" },
    outdir: join(out, "assets"),
    entryNames: "[name]-[hash]",
    bundle: true,
    minify: true,
    splitting: false,
    format: "esm",
    target: ["es2020"],
    loader: { ".svg": "copy" },
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "warning",
  });
}

/* "app.js" -> "/assets/app-HASH.js", for the names in index.html. */
function addresses(files) {
  const byName = {};
  for (const file of files) {
    const name = file.path.split("/").pop();
    byName[name.replace(/-[A-Z0-9]{8}(?=\.)/, "")] = `/assets/${name}`;
  }
  return byName;
}

function page(template, byName) {
  return template.replace(/\{\{([^}]+)\}\}/g, (_, name) => byName[name] ?? fail(`index.html names ${name}, which no entry makes`));
}

function assets(html, files) {
  const list = [{ path: "/", type: TYPES[".html"], body: Buffer.from(html), immutable: false }];
  for (const file of files) {
    const name = file.path.split("/").pop();
    const type = TYPES[extname(name)] ?? fail(`no content type for ${name}`);
    list.push({ path: `/assets/${name}`, type, body: Buffer.from(file.contents), immutable: true });
  }
  for (const asset of list) {
    asset.gzip = gzipSync(asset.body, { level: 9 });
    asset.etag = createHash("sha256").update(asset.body).digest("hex").slice(0, 16);
  }
  return list.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function octets(bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 24) lines.push(`    ${[...bytes.subarray(i, i + 24)].join(",")},`);
  return lines.join("\n");
}

function cSource(list) {
  const quote = (s) => JSON.stringify(s);
  const data = list.map((a, i) => `static const unsigned char asset_${i}[] = {\n${octets(a.gzip)}\n};\n`);
  const rows = list.map(
    (a, i) => `    {${quote(a.path)}, ${quote(a.type)}, ${quote(a.etag)}, asset_${i}, sizeof asset_${i}, ${a.body.length}, ${a.immutable}},`,
  );
  return [
    "/* Made by web/build.mjs from web/src: do not edit. */",
    '#include "web/assets.h"',
    "",
    ...data,
    `const struct web_asset web_assets[] = {\n${rows.join("\n")}\n};`,
    `const size_t web_asset_count = ${list.length};`,
    "",
  ].join("\n");
}

function writeFolder(out, list) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, "assets"), { recursive: true });
  for (const a of list) writeFileSync(join(out, a.path === "/" ? "index.html" : a.path), a.body);
}

/* What a change of which makes the build run again, as ninja reads it. */
function depfile(target, inputs) {
  const own = ["build.mjs", "index.html", "package.json", "package-lock.json", "tsconfig.json"];
  const paths = [...own, ...inputs].map((p) => join(HERE, p).replace(/ /g, "\\ "));
  return `${target}: ${paths.join(" ")}\n`;
}

const { values: args } = parseArgs({
  options: { out: { type: "string" }, c: { type: "string" }, depfile: { type: "string" } },
});
if (!args.out || (args.depfile && !args.c)) fail("usage: node build.mjs --out DIR [--c FILE [--depfile FILE]]");

const out = resolve(args.out);
const { outputFiles, metafile } = await bundle(await loadBundler(), out);
const list = assets(page(readFileSync(join(HERE, "index.html"), "utf8"), addresses(outputFiles)), outputFiles);
const size = list.reduce((sum, a) => sum + a.gzip.length, 0);
if (size > BUDGET) fail(`the page weighs ${size} bytes gzip'd, its budget is ${BUDGET}`);
writeFolder(out, list);
if (args.c) writeFileSync(args.c, cSource(list));
if (args.depfile) writeFileSync(args.depfile, depfile(args.c, Object.keys(metafile.inputs)));
console.log(`page: ${list.length} files, ${size} bytes gzip'd`);
