// Rolls all declarations into a single file, dist/types.d.ts, of which dist/erwin.d.ts and so on export what is each entry's. A class
// with private fields has the type of one declaration, so each has one only: a model of "erwin" is also one for "erwin/jobs". What an
// entry exports as a namespace, as nn, is a file of its own, dist/nn.d.ts: TypeScript can write nn.Linear into the declarations of a
// program only if that is the class itself, and the bundler would make it another name for it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { entries, entryNames } from "./entries.mjs";
import { typescript } from "./run.mjs";
import { root } from "./steps.mjs";

/** The declarations need Symbol.dispose, which a program's own settings may leave out. */
const banner = '/// <reference lib="esnext.disposable" />';

/** Comlink is bundled into the build, so its types have to be in the declarations too. */
const bundled = ["comlink"];

export async function buildDeclarations() {
  // The folder is not below node_modules: the bundler takes files there for another package's and leaves them out.
  const folder = join(root, "dist", ".declarations");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await emit(folder);
  const { rollup } = await import("rollup");
  const { dts } = await import("rollup-plugin-dts");
  // Like the bundler, the compiler is there only once the set-up has run, which imports this module.
  const { default: ts } = await import("typescript");
  const modules = modulesOf(ts, folder);
  const all = join(folder, "types.d.ts");
  writeFileSync(all, everyName(modules));
  const bundle = await rollup({
    input: all,
    plugins: [dts({ includeExternal: bundled })],
    onwarn: (warning) => console.warn(`build: declarations: ${warning.message}`),
  });
  await bundle.write({ file: join(root, "dist", "types.d.ts"), format: "es", banner });
  await bundle.close();
  const rolled = join(root, "dist", "types.d.ts");
  writeFileSync(rolled, acceptUndefined(ts, readFileSync(rolled, "utf8")));
  for (const { name, values, types, namespaces } of modules) {
    const parts = namespaces.map((part) => `${typesFrom(part)}export * as ${part} from "./${part}.js";\n`);
    writeFileSync(join(root, "dist", `${name}.d.ts`), [list("./types.js", values, types), ...parts].join(""));
  }
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Adds `undefined` to the types of optional properties: to leave one out and to give undefined is the same everywhere in the library, and
 * programs with exactOptionalPropertyTypes would not be allowed to pass on what may be undefined.
 * @param {typeof import("typescript")} ts
 * @param {string} text
 */
function acceptUndefined(ts, text) {
  /** @type {{ at: number, insert: string }[]} */
  const edits = [];
  const visit = (/** @type {import("typescript").Node} */ node) => {
    if ((ts.isPropertySignature(node) || ts.isPropertyDeclaration(node)) && node.questionToken && node.type) {
      const { type } = node;
      // A function's result, and a condition's last branch, would take in what follows.
      const isOpen = ts.isFunctionTypeNode(type) || ts.isConstructorTypeNode(type) || ts.isConditionalTypeNode(type);
      if (isOpen) edits.push({ at: type.getStart(), insert: "(" }, { at: type.end, insert: ") | undefined" });
      else if (!/\bundefined$/.test(type.getText())) edits.push({ at: type.end, insert: " | undefined" });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("types.d.ts", text, ts.ScriptTarget.Latest, true));
  edits.sort((a, b) => b.at - a.at);
  return edits.reduce((all, { at, insert }) => all.slice(0, at) + insert + all.slice(at), text);
}

/**
 * Writes the declarations of the entries, and of what they import, into the folder. The project of the repository has many files more.
 * @param {string} folder
 */
async function emit(folder) {
  const project = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { noEmit: false, emitDeclarationOnly: true, noCheck: true, rootDir: root, outDir: folder },
    files: Object.values(entries).map((file) => join(root, file)),
    include: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(project));
  await typescript(folder);
}

/**
 * A module of the public API: an entry, or a namespace that one exports.
 * @typedef {object} PublicModule
 * @property {string} name
 * @property {string} file its script, below the folder of all declarations
 * @property {string[]} values the names that it exports
 * @property {string[]} types those that are types alone
 * @property {string[]} namespaces those that are modules
 */

/**
 * @param {typeof import("typescript")} ts
 * @param {string} folder
 * @returns {PublicModule[]}
 */
function modulesOf(ts, folder) {
  const files = Object.values(entries).map((file) => join(folder, file.replace(/\.ts$/, ".d.ts")));
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  });
  const checker = program.getTypeChecker();
  /** @type {PublicModule[]} */
  const modules = [];
  /**
   * @param {string} name
   * @param {import("typescript").Symbol} module
   */
  const add = (name, module) => {
    const symbols = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
    const are = (/** @type {(node: import("typescript").Node) => boolean} */ kind) =>
      symbols.filter(({ declarations }) => declarations?.some(kind));
    const types = are(ts.isTypeOnlyImportOrExportDeclaration);
    const namespaces = are(ts.isNamespaceExport);
    const values = symbols.filter((symbol) => !types.includes(symbol) && !namespaces.includes(symbol));
    const names = (/** @type {import("typescript").Symbol[]} */ list) => list.map((symbol) => symbol.name);
    const file = relative(folder, module.declarations?.[0].getSourceFile().fileName ?? "").replace(".d.ts", ".js");
    modules.push({ name, file, values: names(values), types: names(types), namespaces: names(namespaces) });
    for (const namespace of namespaces) add(namespace.name, checker.getAliasedSymbol(namespace));
  };
  for (const [i, name] of entryNames.entries()) {
    const source = program.getSourceFile(files[i]);
    const module = source && checker.getSymbolAtLocation(source);
    if (module) add(name, module);
  }
  return modules;
}

/**
 * Returns statements that export every name of the modules once, as a value where one of them does. Their namespaces are left out: the
 * bundler would repeat in them what is declared already.
 * @param {readonly PublicModule[]} modules
 */
function everyName(modules) {
  /** @type {Set<string>} */
  const exported = new Set();
  const statements = (/** @type {string} */ kind, /** @type {"values" | "types"} */ list) =>
    modules.map((module) => {
      const names = module[list].filter((name) => !exported.has(name));
      for (const name of names) exported.add(name);
      return names.length === 0 ? "" : `${kind} { ${names.join(", ")} } from "./${module.file}";\n`;
    });
  return [...statements("export", "values"), ...statements("export type", "types")].join("");
}

/**
 * The comment by which Deno finds the declarations over http, to which no script belongs. TypeScript finds them by the script's name.
 * @param {string} name
 */
const typesFrom = (name) => `// @ts-types="./${name}.d.ts"\n`;

/**
 * Returns statements that export names of a module.
 * @param {string} script
 * @param {readonly string[]} values
 * @param {readonly string[]} types
 */
function list(script, values, types) {
  const comment = typesFrom(basename(script, ".js"));
  const statement = (/** @type {string} */ kind, /** @type {readonly string[]} */ names) =>
    names.length === 0 ? "" : `${comment}${kind} { ${names.join(", ")} } from "${script}";\n`;
  return `${statement("export", values)}${statement("export type", types)}`;
}
