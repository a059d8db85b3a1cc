// The indentation of built files is removed, and nothing else.

import { expect, test } from "vitest";
import { stripIndentation } from "../../src/build/indentation.mjs";

test("code loses its indentation, and texts of several lines keep theirs", () => {
  const code = "function text() {\n\treturn `a\n\t\tb\n  c`;\n}\n  export { text };\n";
  expect(stripIndentation(code)).toBe("function text() {\nreturn `a\n\t\tb\n  c`;\n}\nexport { text };\n");
});
