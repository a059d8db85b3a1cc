// A plugin of the library's build: workers and WebAssembly modules that the sources name by theirs are built beside
// the library, under fixed names, and named in the same literal form. Vite by itself would build each worker with a copy of
// all it imports, and write what other bundlers do not understand.
import { readFileSync } from "node:fs";
import { basename, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** @param {string} file */
export const assetName = (file) =>
  file.endsWith(".ts") ? `assets/${basename(file, ".ts")}-worker.js` : `assets/${basename(file)}`;

/** As in the sources, src/assets.ts and src/worker/script.ts; the file is a worker or a module. */
const reference = /new URL\("([^"]+\.(?:ts|wasm))", import\.meta\.url\)/g;
/** Between the two steps, so that Vite leaves it alone. */
const placeholder = /libraryAsset\("([^"]+)"\)/g;

/** @returns {import("vite").Plugin} */
export function libraryAssets() {
  return {
    name: "erwin-assets",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("/src/") || !code.includes("import.meta.url")) return;
      return code.replace(reference, (_, file) => {
        const fileName = assetName(file);
        if (file.endsWith(".wasm")) {
          const source = readFileSync(fileURLToPath(new URL(file, `file://${id}`)));
          this.emitFile({ type: "asset", fileName, source });
        }
        return `libraryAsset("${fileName}")`;
      });
    },
    renderChunk(code, { fileName }) {
      const path = (/** @type {string} */ asset) => `./${posix.relative(posix.dirname(fileName), asset)}`;
      return code.replace(placeholder, (_, asset) => `new URL("${path(asset)}", import.meta.url)`);
    },
  };
}
