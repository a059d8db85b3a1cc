// Puts the committed results into README.md beside this file as tables: today's times, and kernels before the products had
// two-dimensional tiles and now.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { putResults } from "../../build/results.mjs";
import { root } from "../../build/steps.mjs";
import { change, formatCell, pairRows, timeTable } from "./report.ts";
import { type Column, columns, formatResult, parseResult, type StaticResult } from "./result.ts";

const folder = join(root, "src/bench/static");
export const readmePath = join(folder, "README.md");

/** The table omits kernels with a smaller share of the estimated time in both passes. */
const MIN_SHARE = 0.01;
const FRONTS = ["naga", "tint"];
const shown: Column[] = ["registers", "spills", "shared", "warps", "fmaShare", "hotLoop", "loadsInFlight", "waits"];

const resultPath = (name: "before" | "now") => join(folder, "results", `${name}.json`);

export function readResult(name: "before" | "now"): StaticResult {
  const path = resultPath(name);
  return parseResult(readFileSync(path, "utf8"), path);
}

const markdown = (rows: string[][]) => rows.map((cells) => `| ${cells.join(" | ")} |`);
const titled = (titles: string[], rows: string[][]) => markdown([titles, titles.map(() => "---"), ...rows]).join("\n");

/** The kernels with the largest times, by their share of a training step; changes are shown as before > now. */
function kernelTable(before: StaticResult, now: StaticResult): string {
  const pairs = pairRows(before, now);
  const kernels = now.kernels
    .flatMap(({ kernel, shares }) => (shares ? [{ kernel, ...shares }] : []))
    .filter(({ forward, training }) => Math.max(forward, training) >= MIN_SHARE)
    .sort((a, b) => b.training - a.training || b.forward - a.forward);
  const gpus = [...new Set(now.rows.map(({ gpu }) => gpu))];
  const order = ({ row }: (typeof pairs)[number]) => gpus.indexOf(row.gpu);
  const percent = (share: number) => (100 * share).toFixed(1);
  const rows = kernels.flatMap(({ kernel, forward, training }) =>
    pairs
      .filter(({ row }) => row.kernel === kernel && FRONTS.includes(row.front))
      .sort((a, b) => order(a) - order(b))
      .map(({ row, old }, i) => [
        ...(i === 0 ? [kernel, `${percent(forward)} / ${percent(training)}`] : ["", ""]),
        row.gpu,
        row.front,
        ...shown.map((column) => change(old && formatCell(old, column), formatCell(row, column))),
      ]),
  );
  return titled(["kernel", "% of time", "GPU", "front end", ...shown.map((column) => columns[column])], rows);
}

export function formatTables(before: StaticResult, now: StaticResult): string {
  const { points, rows } = timeTable(now.times);
  const titles = ["forward", "training"].flatMap((pass) => points.map((count) => `${pass} ${count}`));
  return [titled(["device", "front end", ...titles], rows), kernelTable(before, now)].join("\n\n");
}

/** Writes a result as the committed one, and updates the README's tables from it. */
export function updateReadme(now: StaticResult) {
  writeFileSync(resultPath("now"), formatResult(now));
  putResults(readmePath, formatTables(readResult("before"), now));
}
