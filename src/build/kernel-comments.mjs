// A plugin of the library's build: it removes the comments of the texts of gpu/ and wasm/ that the library contains, which are more
// than a third of the kernels' size with gzip. Line numbers do not change, so that a compiler's errors still name the line in gpu/.
import { readFileSync } from "node:fs";

/**
 * Removes the comments of a text, except those of several lines; the directives of kernels (src/backends/webgpu/preprocessor.ts)
 * stay.
 * @param {string} text
 */
export const stripComments = (text) => text.replace(/[ \t]*(\/\/(?!!).*$|\/\*.*?\*\/)/gm, "");

/** @returns {import("vite").Plugin} */
export function kernelComments() {
  return {
    name: "erwin-kernel-comments",
    enforce: "pre",
    load(id) {
      const [file, query] = id.split("?");
      if (!/\/(gpu|wasm)\//.test(file) || query !== "raw") return;
      this.addWatchFile(file);
      return `export default ${JSON.stringify(stripComments(readFileSync(file, "utf8")))};`;
    },
  };
}
