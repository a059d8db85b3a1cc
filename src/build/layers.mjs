// Checks that the folders of src import downwards only, and that no files import each other in a circle.
//
//   node src/build/layers.mjs
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { parseSync, Visitor } from "vite";
import { CommandError, main } from "./run.mjs";
import { root } from "./steps.mjs";

/**
 * The folders and files of src, the lowest layer first, as the table of src/ARCHITECTURE.md lists them. Each imports only from
 * itself and from the layers before its own.
 */
export const layers = [
  ["errors.ts", "inspect.ts", "spelling.ts"],
  ["disposable.ts"],
  ["arguments/"],
  ["abort.ts"],
  ["limits.ts"],
  ["random.ts"],
  ["once.ts", "serial.ts"],
  ["host/"],
  ["assets.ts"],
  ["formats/", "balltree/"],
  ["backends/"],
  ["tensor/"],
  ["nn/"],
  ["erwin/"],
  ["onnx/", "train/"],
  ["worker/"],
  ["index.ts"],
  ["drawing/"],
  ["experiments/", "bench/"],
  ["jobs/"],
  ["cli/", "pages/"],
];

/** The build's scripts are outside of the layers: they import nothing from them, and only the benchmarks' scripts import them. */
const build = { folder: "build/", importers: ["bench/"] };

/** Upward imports that are allowed, each with its reason. */
const exceptions = new Map([
  [
    "bench/machine/dawn.mjs -> cli/node-gpu.ts",
    "a program of its own, which needs WebGPU as the command line has it in Node",
  ],
]);

/**
 * An import of one file of src by another; their paths are relative to src.
 * @typedef {object} Import
 * @property {string} from
 * @property {string} to
 * @property {boolean} typeOnly whether only types are imported
 */

/**
 * Returns all imports between files of src, `import("name")` included. Types that JSDoc comments import are ignored.
 * @returns {Import[]}
 */
export function readImports() {
  const src = join(root, "src");
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).map((file) => file.split(sep).join("/"));
  const sources = files.filter((file) => /\.(ts|mjs|js)$/.test(file) && !file.includes("node_modules/"));
  return sources.flatMap((from) =>
    importsOf(from, readFileSync(join(src, from), "utf8"))
      .filter(({ name }) => name.startsWith("."))
      .map(({ name, typeOnly }) => ({ from, to: posix.join(posix.dirname(from), name), typeOnly }))
      .filter(({ to }) => !to.startsWith("../")),
  );
}

/**
 * @param {string} file
 * @param {string} text
 */
export function importsOf(file, text) {
  /** @type {{ name: string, typeOnly: boolean }[]} */
  const found = [];
  const visit = (/** @type {any} */ node) => {
    if (node.source?.type === "Literal") found.push({ name: node.source.value, typeOnly: isTypeOnly(node) });
  };
  new Visitor({
    ImportDeclaration: visit,
    ExportNamedDeclaration: visit,
    ExportAllDeclaration: visit,
    ImportExpression: visit,
    TSImportType: visit,
  }).visit(parseSync(file, text).program);
  return found;
}

/** @param {any} node */
function isTypeOnly({ type, importKind, exportKind, specifiers = [] }) {
  const isType = (/** @type {any} */ part) => part.importKind === "type" || part.exportKind === "type";
  return (
    type === "TSImportType" || isType({ importKind, exportKind }) || (specifiers.length > 0 && specifiers.every(isType))
  );
}

/**
 * Returns one line for each problem of these imports.
 * @param {Import[]} imports
 */
export const layerProblems = (imports) => [...upwardImports(imports), ...circles(imports)];

/** @param {Import[]} imports */
function upwardImports(imports) {
  const problems = imports.map(({ from, to }) => {
    const [importer, imported] = [entryOf(from), entryOf(to)];
    if (importer === imported || exceptions.has(`${from} -> ${to}`)) return undefined;
    if (imported === build.folder && build.importers.includes(importer)) return undefined;
    const [upper, lower] = [layerOf(importer), layerOf(imported)];
    if (lower >= 0 && lower < upper) return undefined;
    const unknown = [importer, imported].find((entry) => layerOf(entry) < 0 && entry !== build.folder);
    const why = unknown
      ? `src/${unknown} has no layer: give it one in src/build/layers.mjs and in the table of src/ARCHITECTURE.md`
      : `src/${importer} may import only from the layers below its own (src/ARCHITECTURE.md), and src/${imported} is none of them`;
    return `src/${from} imports src/${to}: ${why}`;
  });
  return problems.filter((problem) => problem !== undefined);
}

/** Returns the folder of src that a file is in, or the file itself if it is in none. */
const entryOf = (/** @type {string} */ path) => /^[^/]+\/?/.exec(path)?.[0] ?? path;

const layerOf = (/** @type {string} */ entry) => layers.findIndex((layer) => layer.includes(entry));

/**
 * Finds circles of files. Imports of types do not count: they have no effect when the program runs, and a class and its parts
 * often name each other's types.
 * @param {Import[]} imports
 */
function circles(imports) {
  /** @type {Map<string, string[]>} */
  const importedBy = new Map();
  for (const { from, to, typeOnly } of imports) {
    if (!typeOnly) importedBy.set(from, [...(importedBy.get(from) ?? []), to]);
  }
  /** @type {string[]} */
  const found = [];
  const done = new Set();
  const visit = (/** @type {string} */ file, /** @type {string[]} */ path) => {
    if (path.includes(file)) {
      const circle = [...path.slice(path.indexOf(file)), file];
      found.push(`src/${circle[0]} imports itself: ${circle.map((name) => `src/${name}`).join(" -> ")}`);
    }
    if (done.has(file)) return;
    done.add(file);
    for (const next of importedBy.get(file) ?? []) visit(next, [...path, file]);
  };
  for (const file of importedBy.keys()) visit(file, []);
  return found;
}

/** Prints all problems, and throws if there are any. */
export function checkLayers() {
  const problems = layerProblems(readImports());
  for (const problem of problems) console.error(`error: ${problem}`);
  if (problems.length > 0) throw new CommandError("The check of the layers of src", 1);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(checkLayers);
