// Runs projects with the packed library, as its users would, and says what each came to.
//
//   npm run test:packaging [-- --write] [-- NAME ...]     all, or those named; --write puts the results into README.md
import { readArguments } from "../../src/build/arguments.mjs";
import { pages, runPages } from "./pages.mjs";
import { projectNames, runProjects } from "./projects.mjs";
import { describe, writeTable } from "./table.mjs";

const { values, positionals } = readArguments({ options: { write: { type: "boolean" } }, allowPositionals: true });
const wanted = (/** @type {string} */ name) => positionals.length === 0 || positionals.includes(name);
/** Each yields outcomes. */
const lists = [runProjects(projectNames().filter(wanted)), runPages(pages.filter(({ name }) => wanted(name)))];
const outcomes = [];
for (const list of lists)
  for await (const outcome of list) {
    console.log(describe(outcome));
    outcomes.push(outcome);
  }
if (outcomes.length === 0 || outcomes.some(({ result }) => result !== "right")) process.exitCode = 1;
if (values.write) writeTable(outcomes);
