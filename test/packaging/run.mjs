// Runs projects with the packed library, as its users would, and says what each came to.
//
//   npm run test:packaging [-- PROJECT ...]     all, or those named
//   npm run test:packaging -- --write           all, and the results into README.md
import { parseArgs } from "node:util";
import { runProjects } from "./projects.mjs";
import { describe, writeTable } from "./table.mjs";

const { values, positionals } = parseArgs({ options: { write: { type: "boolean" } }, allowPositionals: true });
const all = values.write || positionals.length === 0;
/** Each yields outcomes. */
const lists = [runProjects(all ? undefined : positionals)];
const outcomes = [];
for (const list of lists)
  for await (const outcome of list) {
    console.log(describe(outcome));
    outcomes.push(outcome);
  }
if (outcomes.some(({ result }) => result !== "right")) process.exitCode = 1;
if (values.write) writeTable(outcomes);
