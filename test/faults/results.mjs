// The results of all faults that were tried, in results.json, and the table of README.md that is made of them.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { putResults } from "../../src/build/results.mjs";
import { root } from "../../src/build/steps.mjs";

const file = join(root, "test", "faults", "results.json");
const readme = join(root, "test", "faults", "README.md");

/**
 * The results of a program in a host. `endings` has a text for each kind of fault ("before submit"), with a letter for each call:
 * "e" for a DeviceLostError, "s" for the same bits, "x" for a defect, "." if it was not tried.
 * @typedef {{ host: string, date: string, seconds: number, counts: Record<string, number>, endings: Record<string, string> }} Result
 */

/** Calls whose answer comes later: their devices are also lost right after the call, before the answer. */
const answered = ["mapAsync", "createComputePipelineAsync"];

/**
 * Returns the faults of a result that were not tried yet, spread over the whole program from the first on.
 * @param {Result} result
 * @returns {import("../support/faults.ts").Fault[]}
 */
export function untried({ endings }) {
  const faults = Object.entries(endings).flatMap(([kind, letters]) => {
    const [when, call] = /** @type {any[]} */ (kind.split(" "));
    return [...letters].flatMap((letter, i) => (letter === "." ? [{ call, at: i + 1, when }] : []));
  });
  return faults.sort((a, b) => spread(a.at) - spread(b.at));
}

/** The number's bits in reverse as a fraction: in the order of these, each number is far from those before it. */
function spread(/** @type {number} */ n) {
  let fraction = 0;
  for (let bit = 0.5; n > 0; bit /= 2, n >>= 1) fraction += bit * (n & 1);
  return fraction;
}

/**
 * Returns an empty result.
 * @param {Record<string, number>} counts the program's calls
 * @returns {Result}
 */
export function emptyResult(counts) {
  const kinds = Object.entries(counts).flatMap(([call, count]) =>
    ["before", ...(answered.includes(call) ? ["after"] : [])].map((when) => [`${when} ${call}`, ".".repeat(count)]),
  );
  return { host: "", date: "", seconds: 0, counts, endings: Object.fromEntries(kinds) };
}

/**
 * Notes a fault's ending in a result.
 * @param {Result} result
 * @param {import("../support/faults.ts").Fault} fault
 * @param {import("./try.ts").Ending} ending
 */
export function note({ endings }, { call, at, when }, ending) {
  const kind = `${when} ${call}`;
  const letter = typeof ending === "string" ? ending[0] : "x";
  endings[kind] = endings[kind].slice(0, at - 1) + letter + endings[kind].slice(at);
}

/** Makes the faults that ended with a defect to be tried again. @param {Result} result */
export function forgetDefects({ endings }) {
  for (const kind of Object.keys(endings)) endings[kind] = endings[kind].replaceAll("x", ".");
}

/** @returns {Record<string, Record<string, Result>>} by host and program */
export const readResults = () => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {});

/** @param {ReturnType<typeof readResults>} results */
export function writeResults(results) {
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
}

const count = (/** @type {string} */ text, /** @type {RegExp} */ letters) => text.match(letters)?.length ?? 0;

/** The table's columns of calls. */
const calls = ["submit", "createBuffer", "writeBuffer", "mapAsync", "createComputePipelineAsync"];

/** @param {[string, Result]} entry */
function row([program, { date, seconds, endings }]) {
  const all = Object.values(endings).join("");
  const cells = calls.map((call) => {
    const letters = `${endings[`before ${call}`] ?? ""}${endings[`after ${call}`] ?? ""}`;
    const tried = count(letters, /[^.]/g);
    return tried === letters.length ? tried : `${tried} of ${letters.length}`;
  });
  const figures = [count(all, /[^.]/g), count(all, /e/g), count(all, /s/g), count(all, /x/g)];
  return `| ${[program, ...cells, ...figures, (seconds / 60).toFixed(1), date].join(" | ")} |`;
}

/** Puts the results into README.md. @param {ReturnType<typeof readResults>} results */
export function writeTables(results) {
  // With --again a host whose turn is to come has none yet.
  const tried = Object.values(results).filter((programs) => Object.keys(programs).length > 0);
  const tables = tried.map((programs) => {
    const head = ["program", ...calls, "faults", "error", "same bits", "defects", "minutes", "date"];
    const { host } = Object.values(programs)[0];
    return [
      `**${host}**`,
      "",
      `| ${head.join(" | ")} |`,
      `|${" --- |".repeat(head.length)}`,
      ...Object.entries(programs).map(row),
    ];
  });
  putResults(readme, tables.map((lines) => lines.join("\n")).join("\n\n"));
}
