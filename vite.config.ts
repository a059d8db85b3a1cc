// The library build: dist/erwin.js, dist/bench.js and dist/cli.js with their workers and wasm modules in dist/assets. The files
// it makes run unchanged in Chromium, Firefox, Deno, Node and in workers, without any bundler on the user's side.
import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { defineConfig } from "vite";

const entry: Record<string, string> = { erwin: "src/index.ts", bench: "src/bench/index.ts" };
if (existsSync("src/cli/main.ts")) entry.cli = "src/cli/main.ts";

// First lines of the entries: Deno finds the types of a directly imported file by the first, shells an interpreter by the second.
const banners: Record<string, string> = {
  erwin: '/* @ts-self-types="./erwin.d.ts" */',
  bench: '/* @ts-self-types="./bench.d.ts" */',
  cli: "#!/usr/bin/env node",
};

const output = {
  // What both entries use is named after its first module, src/index.ts; "engine" says more.
  chunkFileNames: ({ name }: { name: string }) => `assets/${name === "src" ? "engine" : "[name]"}-[hash].js`,
  assetFileNames: "assets/[name]-[hash][extname]",
};

export default defineConfig({
  base: "./",
  publicDir: false,
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: false,
    // Readable stack traces; users who want it smaller have a bundler that minifies.
    minify: false,
    reportCompressedSize: false,
    lib: { entry, formats: ["es"], fileName: (_format, name) => `${name}.js` },
    rollupOptions: {
      external: isBuiltin,
      output: { ...output, postBanner: (chunk) => (chunk.isEntry ? (banners[chunk.name] ?? "") : "") },
    },
  },
  worker: {
    format: "es",
    rollupOptions: { external: isBuiltin, output: { ...output, entryFileNames: "assets/[name]-[hash].js" } },
  },
});
