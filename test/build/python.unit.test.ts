// What the check of the Python files finds. (The files themselves are checked by `node src/build/lint.mjs`.)

import { expect, test } from "vitest";
import { pythonProblems } from "../../src/build/python.mjs";

test("a name that nothing defines, an import that nothing uses and broken syntax are found with their lines", () => {
  expect(pythonProblems("def smallest(counts):\n    return min(most, counts)\n")).toEqual([
    "line 2: Undefined name `most`",
  ]);
  expect(pythonProblems("import os\n")).toEqual(["line 1: `os` imported but unused"]);
  expect(pythonProblems("def f(:\n")[0]).toMatch(/^line 1: /);
  expect(pythonProblems("def double(x):\n    return 2 * x\n")).toEqual([]);
});
