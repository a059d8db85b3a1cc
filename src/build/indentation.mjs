// A plugin of the library's build: it removes the indentation of the built files, a twentieth of their size with gzip. Lines stay lines,
// so that stack traces remain readable.
import { parseSync, Visitor } from "vite";

/**
 * Removes the indentation of a module, but not within texts of several lines.
 * @param {string} code
 */
export function stripIndentation(code) {
  /** @type {[start: number, end: number][]} */
  const texts = [];
  new Visitor({ TemplateLiteral: ({ start, end }) => texts.push([start, end]) }).visit(
    parseSync("module.js", code).program,
  );
  return code.replace(/^[\t ]+/gm, (indentation, /** @type {number} */ at) =>
    texts.some(([start, end]) => start < at && at < end) ? indentation : "",
  );
}

/** @returns {import("vite").Plugin} */
export function indentation() {
  return {
    name: "erwin-indentation",
    // The code of `renderChunk` is printed once more, with indentation.
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) if (file.type === "chunk") file.code = stripIndentation(file.code);
    },
  };
}
