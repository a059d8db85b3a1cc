// A plugin of the library's build: it removes the kernels' comments, which are more than a third of their size with gzip. Line
// numbers do not change, so that a compiler's errors still name the line in gpu/.
import { readFileSync } from "node:fs";

/**
 * Removes the comments of a kernel file's text; its directives (src/backends/webgpu/preprocessor.ts) stay.
 * @param {string} text
 */
export const stripComments = (text) => text.replace(/[ \t]*\/\/(?!!).*$/gm, "");

/** @returns {import("vite").Plugin} */
export function kernelComments() {
  return {
    name: "erwin-kernel-comments",
    enforce: "pre",
    load(id) {
      const [file, query] = id.split("?");
      if (!file.endsWith(".wgsl") || query !== "raw") return;
      this.addWatchFile(file);
      return `export default ${JSON.stringify(stripComments(readFileSync(file, "utf8")))};`;
    },
  };
}
