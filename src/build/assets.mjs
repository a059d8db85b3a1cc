// A plugin of the library's build: it builds the workers and WebAssembly modules that the sources name into files beside the
// library, under fixed names, and keeps their literal form. Vite by itself would build each worker with a copy of all its imports,
// and write URLs that other bundlers do not understand.
import { readFileSync } from "node:fs";
import { basename, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** @param {string} file */
export const assetName = (file) =>
  file.endsWith(".ts") ? `assets/${basename(file, ".ts")}-worker.js` : `assets/${basename(file)}`;

/** The form in the sources, src/assets.ts and src/worker/script.ts; the file is a worker or a module. */
const reference = /new URL\("([^"]+\.(?:ts|wasm))", import\.meta\.url\)/g;
/** The form between the two steps, which Vite leaves alone. */
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
