// Rolls all declarations into a single file, dist/types.d.ts, of which dist/erwin.d.ts and so on export what is each entry's. A class
// with private fields has the type of one declaration, so each has one only: a model of "erwin" is also one for "erwin/jobs".
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
  typescript(["--noEmit", "false", "--emitDeclarationOnly", "--noCheck", "--outDir", folder]);
  const { rollup } = await import("rollup");
  const { dts } = await import("rollup-plugin-dts");
  const entries = {
    erwin: "src/index.d.ts",
    bench: "src/bench/index.d.ts",
    formats: "src/formats/index.d.ts",
    experiments: "src/experiments/index.d.ts",
    jobs: "src/jobs/index.d.ts",
  };
  const all = join(folder, "types.d.ts");
  writeFileSync(
    all,
    Object.values(entries)
      .map((file) => `export * from "./${file.replace(".d.ts", ".js")}";\n`)
      .join(""),
  );
  const bundle = await rollup({
    input: all,
    plugins: [dts({ includeExternal: bundled })],
    onwarn: (warning) => console.warn(`build: declarations: ${warning.message}`),
  });
  await bundle.write({ file: join(root, "dist", "types.d.ts"), format: "es", banner });
  await bundle.close();
  // Like the bundler, the compiler is there only once the set-up has run, which imports this module.
  const { default: ts } = await import("typescript");
  for (const [name, lists] of exportsOf(ts, entries, folder)) writeFileSync(join(root, "dist", `${name}.d.ts`), lists);
  rmSync(folder, { recursive: true, force: true });
}

/**
 * What each entry exports of all declarations.
 * @param {typeof import("typescript")} ts
 * @param {Record<string, string>} entries
 * @param {string} folder
 * @returns {Map<string, string>} by the entry's name
 */
function exportsOf(ts, entries, folder) {
  const files = Object.values(entries).map((file) => join(folder, file));
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  });
  const checker = program.getTypeChecker();
  return new Map(
    Object.keys(entries).map((name, i) => {
      const source = program.getSourceFile(files[i]);
      const module = source && checker.getSymbolAtLocation(source);
      const names = module ? checker.getExportsOfModule(module) : [];
      const types = names.filter(({ declarations }) => declarations?.some(ts.isTypeOnlyImportOrExportDeclaration));
      const values = names.filter((symbol) => !types.includes(symbol));
      return [name, `${list("export", values)}${list("export type", types)}`];
    }),
  );
}

/**
 * Returns a statement that exports names of dist/types.d.ts. No script belongs to it: TypeScript finds it by the script's name, and
 * Deno over http by the comment.
 * @param {"export" | "export type"} statement
 * @param {readonly import("typescript").Symbol[]} symbols
 */
function list(statement, symbols) {
  const names = symbols.map(({ name }) => name).sort();
  return names.length === 0
    ? ""
    : `// @ts-types="./types.d.ts"\n${statement} { ${names.join(", ")} } from "./types.js";\n`;
}
