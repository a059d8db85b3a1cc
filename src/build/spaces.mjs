// A plugin of the library's build: it removes the spaces beside punctuation and operators, and the line breaks within lists and before
// closing brackets, a thirtieth of the library's size with gzip. Statements keep their lines, and names stay as they are, so that stack
// traces remain readable.
import { parseSync, Visitor } from "vite";

/**
 * Removes the spaces beside punctuation and operators, and the line breaks in lists and before closing brackets, but not within
 * texts, regular expressions and comments. Spaces stay between operators that together could be another one, such as + and ++, or < and
 * !--.
 * @param {string} code
 */
export function stripSpaces(code) {
  const { program, comments } = parseSync("module.js", code);
  /** @type {{ start: number, end: number }[]} */
  const kept = comments.map(({ type, start, end }) => ({ start, end: type === "Line" ? end + 1 : end }));
  const keep = (/** @type {{ start: number, end: number }} */ node) => kept.push(node);
  new Visitor({ TemplateLiteral: keep, Literal: keep }).visit(program);
  const strip = (/** @type {string} */ text) =>
    text
      .replace(/ *(=>|!=|[,:;=(){}[\]?&|*%]) */g, "$1")
      .replace(/(?<![+-]) ([+<>-]) (?![+!-])/g, "$1")
      .replace(/(?<=[,([])\n+|\n+(?=[)\]}])/g, "");
  let at = 0;
  let result = "";
  for (const { start, end } of kept.sort((a, b) => a.start - b.start)) {
    // A text within a template.
    if (start < at) continue;
    result += strip(code.slice(at, start)) + code.slice(start, end);
    at = end;
  }
  return result + strip(code.slice(at));
}

/** @returns {import("vite").Plugin} */
export function spaces() {
  return {
    name: "erwin-spaces",
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) if (file.type === "chunk") file.code = stripSpaces(file.code);
    },
  };
}
