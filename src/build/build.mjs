// The build: WebAssembly modules, typecheck, library (dist/*.js, dist/assets), declarations (dist/*.d.ts) and pages (dist/site).
//
//   node src/build/build.mjs [--force] [--reference] [STEP ...]
//
// All steps, or only those named; --force rebuilds what is up to date, --reference builds the API reference too (dist/site/api).
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readArguments } from "./arguments.mjs";
import { buildDeclarations } from "./declarations.mjs";
import { entryNames } from "./entries.mjs";
import { withLock } from "./lock.mjs";
import { buildReference } from "./reference.mjs";
import { allEnded, CommandError, main, typescript } from "./run.mjs";
import { setup } from "./setup.mjs";
import { buildSite } from "./site.mjs";
import { describeSize } from "./size.mjs";
import { cache, root, runStep } from "./steps.mjs";

const sources = ["src", "workers", "gpu", "package.json", "package-lock.json", "tsconfig.json"];
const scripts = ["src/build", "src/pages"];
/** The scripts of the build of which the library is made, too: those that vite.config.ts imports. */
const libraryScripts = ["assets", "entries", "indentation", "kernel-text", "licences", "spaces"].map(
  (name) => `src/build/${name}.mjs`,
);

/** Each of these folders makes modules in wasm/out. */
const wasm = ["balltree", "kernels", "hdf5"].map((folder) => ({
  name: `wasm-${folder}`,
  // wasm/kernels/derived.mjs reads two of src; the packages are AssemblyScript and h5wasm.
  inputs: [`wasm/${folder}`, "asconfig.json", "package-lock.json", "src/backends/operators.ts", "src/backends/cpu"],
  outputs: ["wasm/out"],
  run: async () => {
    mkdirSync(join(root, "wasm", "out"), { recursive: true });
    const { build } = await import(pathToFileURL(join(root, "wasm", folder, "build.mjs")).href);
    await build();
  },
}));

const typecheck = {
  name: "typecheck",
  inputs: [...sources, "test", "vite.config.ts", "vitest.config.ts"],
  ignored: ["src/build", "test/golden"],
  outputs: [],
  run: () => typescript(root),
};

const library = {
  name: "library",
  inputs: [...sources, ...libraryScripts, "wasm/out", "wasm/hdf5", "vite.config.ts"],
  ignored: scripts,
  outputs: [...entryNames.map((name) => `dist/${name}.js`), "dist/assets"],
  run: buildLibrary,
};

const declarations = {
  name: "declarations",
  inputs: [...sources, "src/build/declarations.mjs", "src/build/entries.mjs"],
  ignored: ["gpu", ...scripts],
  outputs: ["types", ...entryNames].map((name) => `dist/${name}.d.ts`),
  run: buildDeclarations,
};

const site = {
  name: "site",
  inputs: [
    "src/pages",
    "src/drawing",
    "src/bench/results",
    "src/build/site.mjs",
    "src/build/examples.mjs",
    "README.md",
    "wasm/hdf5",
    "package-lock.json",
    ...library.outputs,
  ],
  outputs: ["dist/site/index.html"],
  run: buildSite,
};

/** The API reference is built only on request, because tests and the command line do not need it. */
const apiReference = {
  name: "reference",
  inputs: ["src", "package-lock.json", "tsconfig.json", "src/build/reference.mjs", "src/pages/reference"],
  ignored: ["src/cli", "src/drawing", ...scripts],
  outputs: ["dist/site/api/index.html"],
  run: buildReference,
};

/** Builds beside dist and moves the result there when it is complete: a failed build leaves the last good one in place. */
async function buildLibrary() {
  const { build } = await import("vite");
  const outDir = join(cache, "library");
  const dist = join(root, "dist");
  await build({ root, logLevel: "warn", mode: "data-worker", build: { outDir, emptyOutDir: true } });
  await build({ root, logLevel: "warn", build: { outDir, emptyOutDir: false } });
  rmSync(join(dist, "assets"), { recursive: true, force: true });
  // The entries are moved last: by then all files that they load exist.
  for (const name of readdirSync(outDir).sort()) cpSync(join(outDir, name), join(dist, name), { recursive: true });
  console.log(`build: ${describeSize()}`);
}

/**
 * Runs the steps: those of WebAssembly side by side, then the library and what is made of it; TypeScript's beside all of these. A type
 * error is reported like any failure, but only after the files that tests need are built. `programs` ends when Emscripten is installed.
 * @param {{ force?: boolean, reference?: boolean, only?: string[], programs?: Promise<void> }} options
 */
export async function build({ force = false, reference = false, only = [], programs } = {}) {
  await withLock(async () => {
    const fromLibrary = [library, site, apiReference];
    const fromTypes = [declarations, typecheck];
    const names = [...wasm, ...fromLibrary, ...fromTypes].map((step) => step.name);
    const unknown = only.filter((name) => !names.includes(name));
    if (unknown.length > 0)
      throw new CommandError(`build: unknown step ${unknown.join(", ")} (there are ${names.join(", ")});`, 2);
    const wanted = only.length > 0 ? only : names.filter((name) => reference || name !== apiReference.name);
    const inOrder = async (/** @type {Parameters<typeof runStep>[0][]} */ steps) => {
      for (const step of steps) if (wanted.includes(step.name)) await runStep(step, { force });
    };
    const modulesAndLibrary = async () => {
      const built = wasm.map(async (step) => {
        if (step.name === "wasm-balltree") await programs;
        await inOrder([step]);
      });
      await Promise.all(built);
      await inOrder(fromLibrary);
    };
    // Emscripten and TypeScript are programs of their own, so what runs beside them has a core for itself.
    await allEnded([modulesAndLibrary(), inOrder(fromTypes)]);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = readArguments({
    options: { force: { type: "boolean" }, reference: { type: "boolean" } },
    allowPositionals: true,
  });
  await main(() => setup((programs) => build({ ...values, only: positionals, programs })));
}
