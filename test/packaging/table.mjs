// The table of results in README.md, written by `npm run test:packaging -- --write`.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { putResults } from "../../src/build/results.mjs";

/**
 * What one run came to.
 * @typedef {object} Outcome
 * @property {string} name of the project, its folder's; or of another check
 * @property {string} description what it shows
 * @property {string[]} packages that it is made with, with their versions
 * @property {string} command that was run, if any
 * @property {string} host the browser that showed its page, if any
 * @property {string} result "right", or what went wrong
 */

const file = join(import.meta.dirname, "README.md");

/** One line, or more where something went wrong. */
export function describe(/** @type {Outcome} */ { name, command, host, result }) {
  return `${[name, command, host].filter((part) => part !== "").join(", ")}: ${result}`;
}

export function writeTable(/** @type {Outcome[]} */ outcomes) {
  const date = new Date().toISOString().slice(0, 10);
  const rows = outcomes.map((outcome) => `| ${cells(outcome).join(" | ")} |`);
  const right = outcomes.filter(({ result }) => result === "right").length;
  const table = [
    `${date}: ${right} of ${outcomes.length} right.`,
    "",
    "| project | shows | packages | command | page in | result |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
  ];
  putResults(file, table.join("\n"));
}

/** @param {Outcome} outcome */
function cells({ name, description, packages, command, host, result }) {
  const [firstLine] = result.split("\n");
  const place = existsSync(join(import.meta.dirname, name)) ? name : "pages.mjs";
  return [`[${name}](${place})`, description, packages.join(", "), command && `\`${command}\``, host, firstLine];
}
