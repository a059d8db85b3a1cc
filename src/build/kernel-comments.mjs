// A plugin of the library's build: the kernels are shipped without their comments, which are more than a third of what they take
// with gzip. Every line stays where it is, so that a compiler's complaint still names the line of gpu/.
import { readFileSync } from "node:fs";

/**
 * A kernel file's text without its comments; its directives (src/backends/webgpu/preprocessor.ts) stay.
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
