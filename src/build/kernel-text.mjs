// A plugin of the library's build: it removes comments and indentation of the texts of gpu/ and wasm/ that the library contains,
// spaces in kernels, and of the tree's header all but what is read. The comments are more than a third of the
// kernels' size with gzip. Line numbers do not change, so that a compiler's errors still name the line in gpu/.
import { readFileSync } from "node:fs";

/**
 * Removes the indentation of a text and its comments, except those of several lines; the directives of kernels
 * (src/backends/webgpu/preprocessor.ts) stay.
 * @param {string} text
 */
export const shorten = (text) => text.replace(/^[ \t]+|[ \t]*(\/\/(?!!).*$|\/\*.*?\*\/)/gm, "");

/**
 * Removes the spaces that nobody needs in a kernel without comments: not where two signs would become another, as `> =` and `- -`, not
 * in `var<storage, read>`, which src/backends/webgpu/kernels.ts looks for, and not in directives.
 * @param {string} text
 */
export const dense = (text) =>
  text.replace(/^(?!\/\/!).*$/gm, (line) =>
    line
      .replace(/(?<!>) ([+*/%|&^=!<>]+) |(?<=[\w)\]]) (-) (?!-)/g, "$1$2")
      .replace(/ ?(->|[{};]) ?|(?<!storage)(,) |(?<=\w)(:) |(?<=\b(?:if|for|while|switch)) (?=\()/g, "$1$2$3"),
  );

/**
 * The struct of a header without comments whose fields src/balltree/job.ts reads.
 * @param {string} text
 */
const jobOf = (text) => {
  const job = /struct Job \{[^}]*\}/.exec(text);
  if (!job) throw new Error("wasm/balltree/job.h has no struct Job");
  return job[0].replace(/\n+/g, "\n");
};

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
      const shortened = file.endsWith(".wgsl") ? dense(text) : file.endsWith(".h") ? jobOf(text) : text;
      return `export default ${JSON.stringify(shortened)};`;
    },
  };
}
