// Checks the Python files (peers and makers of fixtures) by Ruff: few of them run in the tests, since they need PyTorch and the like.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "./run.mjs";
import { root } from "./steps.mjs";
import { unoptimised } from "./unoptimised.mjs";

const { default: ruff } = await unoptimised(() => import("@astral-sh/ruff-wasm-nodejs"));

/** Syntax errors, and Pyflakes' rules: names that are undefined, unused or defined twice, wrong formats. */
const options = { "line-length": 120, lint: { select: ["E9", "F"] } };

/**
 * Returns the problems of a text in Python, each with its line.
 * @param {string} text
 * @returns {string[]}
 */
export function pythonProblems(text) {
  const workspace = new ruff.Workspace(options, ruff.PositionEncoding.Utf16);
  /** @type {import("@astral-sh/ruff-wasm-nodejs").Diagnostic[]} */
  const found = workspace.check(text);
  workspace.free();
  return found.map(({ start_location: { row }, message }) => `line ${row}: ${message}`);
}

/** Prints the problems of all Python files, and throws if there are any. */
export function checkPython() {
  const files = ["src", "test"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)),
  );
  const problems = files
    .filter((file) => file.endsWith(".py") && !file.includes("node_modules"))
    .flatMap((file) => pythonProblems(readFileSync(join(root, file), "utf8")).map((problem) => `${file}, ${problem}`));
  for (const problem of problems) console.error(`error: ${problem}`);
  if (problems.length > 0) throw new CommandError("The check of the Python files", 1);
}
