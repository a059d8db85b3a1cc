// A plugin of the library's build: it removes comments and indentation of the texts of gpu/ and wasm/ that the library contains, and
// spaces around the kernels' operators. The comments are more than a third of the kernels' size with gzip. Line numbers do not change,
// so that a compiler's errors still name the line in gpu/.
import { readFileSync } from "node:fs";

/**
 * Removes the indentation of a text and its comments, except those of several lines; the directives of kernels
 * (src/backends/webgpu/preprocessor.ts) stay.
 * @param {string} text
 */
export const shorten = (text) => text.replace(/^[ \t]+|[ \t]*(\/\/(?!!).*$|\/\*.*?\*\/)/gm, "");

/**
 * Removes the spaces around operators in a kernel without comments: not where two signs would become another, as `> =` and `- -`.
 * @param {string} text
 */
export const dense = (text) => text.replace(/(?<!>) ([+*%|&^=!<>]+) /g, "$1");

/** @returns {import("vite").Plugin} */
export function kernelText() {
  return {
    name: "erwin-kernel-text",
    enforce: "pre",
    load(id) {
      const [file, query] = id.split("?");
      if (!/\/(gpu|wasm)\//.test(file) || query !== "raw") return;
      this.addWatchFile(file);
      const text = shorten(readFileSync(file, "utf8"));
      return `export default ${JSON.stringify(file.endsWith(".wgsl") ? dense(text) : text)};`;
    },
  };
}
