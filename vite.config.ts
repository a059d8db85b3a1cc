// The library build: dist/erwin.js, dist/formats.js, dist/experiments.js, dist/jobs.js, dist/bench.js and dist/cli.js with their
// workers and wasm modules in dist/assets. The files it makes run unchanged in Chromium, Firefox, Deno, Node and in workers, without
// any bundler on the user's side, and bundlers understand them. Workers are entries of the same build, so that they share chunks with
// the library.
import { isBuiltin } from "node:module";
import { defineConfig } from "vite";
import { assetName, libraryAssets } from "./src/build/assets.mjs";
import { entries, entryNames } from "./src/build/entries.mjs";
import { indentation } from "./src/build/indentation.mjs";
import { kernelText } from "./src/build/kernel-text.mjs";
import { thirdPartyLicences } from "./src/build/licences.mjs";
import { spaces } from "./src/build/spaces.mjs";
import { hdf5Script } from "./wasm/hdf5/library.mjs";

const workers: Record<string, string> = Object.fromEntries(
  ["pool", "kernels", "model", "data"].map((name) => [name, `workers/${name}.ts`]),
);
/**
 * The worker that makes batches is built by itself: it needs parts of the engine, which pages would then load in pieces. It is one script
 * with all that it may need, for Vite 7 refuses a page that names a worker with parts that come on demand.
 */
const { data, ...others } = workers;
/** Trees and graphs by themselves, so that a bundle that uses no more takes in nothing of the engine. */
const library = { ...entries, cli: "src/cli/main.ts", ...others, "assets/balltree": "src/balltree/index.ts" };

// First lines of the entries: Deno finds the types of a directly imported file by the first, shells an interpreter by the second.
const banners: Record<string, string> = {
  ...Object.fromEntries(entryNames.map((name) => [name, `/* @ts-self-types="./${name}.d.ts" */`])),
  cli: "#!/usr/bin/env node",
};

/** What every worker needs, in one file, and small: Parcel cannot load larger ones (test/packaging/packaging.unit.test.ts). */
const thread = {
  name: "thread",
  test: /src\/(errors|balltree\/(calls|memory|module))\.ts$|workers\/owner\.ts$/,
};

/**
 * What entries share, in few files: left to itself, the build makes one for each set of entries that share something, and each is
 * another request, and compressed by itself (4 kB of the library's 200). A part has its modules and all that they need, except what
 * an earlier part has: so first come those that workers, or the entries of trees and formats, need without the engine. Nothing that
 * loads parts on demand may be among what the model's worker needs: bundlers make one file of a worker.
 */
const parts = [
  { name: "trees", test: /src\/balltree\/execute\.ts$/ },
  { name: "machine", test: /src\/backends\/cpu\/machine\.ts$/ },
  { name: "balltree", test: /src\/balltree\/index\.ts$/ },
  { name: "safetensors", test: /src\/formats\/(safetensors\/safetensors|sources\/source)\.ts$/ },
  // What formats and models of fields share.
  { name: "clouds", test: /src\/formats\/clouds\/(cells|positions)\.ts$/ },
  {
    name: "engine",
    test: /src\/((backends|nn|tensor\/operators)\/index|erwin\/model|train\/(fit|data\/batches))\.ts$/,
  },
  // By itself, so that a page's bundle has what reads files in a part that the first file loads.
  { name: "surrogate", test: /src\/experiments\/folder\/surrogate\.ts$/ },
];

export default defineConfig(({ mode }) => ({
  base: "./",
  publicDir: false,
  plugins: [libraryAssets(), hdf5Script(), kernelText(), indentation(), spaces(), thirdPartyLicences()],
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: false,
    // Readable stack traces; users who want it smaller have a bundler that minifies.
    minify: false,
    reportCompressedSize: false,
    lib: {
      entry: mode === "data-worker" ? { data } : library,
      formats: ["es"],
      fileName: (_format, name) => (name in workers ? assetName(workers[name]) : `${name}.js`),
    },
    rollupOptions: {
      external: isBuiltin,
      // Only says what took how long, where TypeScript runs beside it.
      checks: { bundlerTimings: false },
      // Texts of kernels would be written anew at each of their uses.
      optimization: { inlineConst: false },
      // Otherwise a comment names each module, a hundredth of the library's size with gzip.
      experimental: { attachDebugInfo: "none" },
      output: {
        // Bundles reach pages that name no encoding: other characters are misread there, and those of an XML reader's names are an error.
        charset: "ascii",
        comments: { legal: true, annotation: true, jsdoc: false },
        chunkFileNames: "assets/[name]-[hash].js",
        codeSplitting: mode === "data-worker" ? false : { groups: [thread, ...parts] },
        postBanner: (chunk) => (chunk.isEntry ? (banners[chunk.name] ?? "") : ""),
      },
    },
  },
}));
