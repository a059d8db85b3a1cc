// Formats a profile as tables of plain text, or its differences from another profile.

import { formatTable } from "../report/table.ts";
import { type Column, columns, keyOf, type Row, type StaticResult, type Time } from "./result.ts";
import type { Bound, Estimate } from "./times.ts";
import { findPredecessor } from "./variants.ts";

const names = Object.keys(columns) as Column[];
const head = ["kernel", "front end", "GPU", ...Object.values(columns)];
const firstCells = (row: Row) => [row.kernel, row.front, row.gpu];

export function formatCell(row: Row, column: Column): string {
  const value = row[column];
  if (value === undefined || value === null) return "-";
  return column === "fmaShare" ? `${(100 * value).toFixed(1)}%` : String(value);
}

/** Formats one value, or two with a sign between them where they differ. */
export const change = (before: string | undefined, now: string) =>
  before === undefined || before === now ? now : `${before} > ${now}`;

/** Stands in place of figures; a column of its own says why. */
const failed = (error: string) => [...names.map(() => ""), error];

export function formatRows(rows: readonly Row[]): string[] {
  const numbers = (row: Row) => names.map((name) => (name === "fmaShare" ? formatCell(row, name) : (row[name] ?? "-")));
  return formatTable([
    head,
    ...rows.map((row) => [...firstCells(row), ...(row.error ? failed(row.error) : numbers(row))]),
  ]);
}

/** Pairs each row of `now` with the earlier one that it replaces. */
export function pairRows(before: StaticResult, now: StaticResult): { row: Row; old?: Row }[] {
  const oldRows = new Map(before.rows.map((row) => [keyOf(row), row]));
  const predecessors = new Map(
    now.kernels.map((variant) => [variant.kernel, findPredecessor(before.kernels, variant)]),
  );
  return now.rows.map((row) => {
    const old = predecessors.get(row.kernel);
    return { row, old: old && oldRows.get(keyOf({ ...row, kernel: old.kernel })) };
  });
}

/** Lists rows that are new or differ, as before > now. */
export function formatComparison(before: StaticResult, now: StaticResult): string[] {
  const pairs = pairRows(before, now);
  const lines: string[][] = [];
  for (const { row, old } of pairs) {
    const was = old?.error ? undefined : old;
    const cells = names.map((name) => change(was && formatCell(was, name), formatCell(row, name)));
    if (was && !row.error && !cells.some((cell) => cell.includes(" > "))) continue;
    lines.push([...firstCells(row), ...(row.error ? failed(row.error) : [...cells, was ? "" : "new"])]);
  }
  const alike = `${pairs.length - lines.length} rows are the same before and now, and left out.`;
  return [...formatTable([head, ...lines]), "", alike];
}

/** Formats the estimated milliseconds; with an earlier result, both. */
export function formatTimes(times: readonly Time[], before: readonly Time[] = []): string[] {
  const { points, rows } = timeTable(times, before);
  const titles = passes.flatMap((pass) => points.map((count) => `${pass} ${count}`));
  return [
    "Estimated ms (float32, 16 clouds of so many points; a model, no measurement):",
    ...formatTable([["device", "front end", ...titles], ...rows]),
  ];
}

const passes = ["forward", "training"] as const;

/** Makes a row for each device and front end, and one for each device's roofline. */
export function timeTable(times: readonly Time[], before: readonly Time[] = []) {
  const points = [...new Set(times.map((time) => time.points))];
  const rowOf = (device: string, front: string | undefined) => {
    const cells = passes.flatMap((pass) =>
      points.map((count) => {
        const find = (all: readonly Time[]) =>
          all.find(
            (time) =>
              time.device === device &&
              time.front === (front ?? time.front) &&
              time.pass === pass &&
              time.points === count,
          );
        const [old, now] = [find(before), find(times)];
        if (!now) return "-";
        return front ? change(old?.ms.toFixed(1), now.ms.toFixed(1)) : now.floor.toFixed(1);
      }),
    );
    return [device, front ?? "(floor)", ...cells];
  };
  const rows = [...new Set(times.map(({ device }) => device))].flatMap((device) => {
    const fronts = new Set(times.filter((time) => time.device === device).map(({ front }) => front));
    return [...[...fronts].map((front) => rowOf(device, front)), rowOf(device, undefined)];
  });
  return { points, rows };
}

/** Lists what bounds a pass, and the kernels that take most of its time. */
export function formatEstimate({ seconds, gaps, byBound, byKernel }: Estimate, kernelNames: readonly string[]): string {
  const percent = (part: number) => `${((100 * part) / seconds).toFixed(0)}%`;
  const bounds = sorted<Bound>(byBound).map(([bound, part]) => `${bound} ${percent(part)}`);
  const byName = new Map<string, number>();
  for (const [index, part] of byKernel) byName.set(kernelNames[index], (byName.get(kernelNames[index]) ?? 0) + part);
  const most = sorted(byName).slice(0, 8);
  const kernels = most.map(([name, part]) => `${name} ${(1e3 * part).toFixed(1)}`);
  return `${[...bounds, `gaps ${percent(gaps)}`].join(", ")}: ${kernels.join(", ")}`;
}

const sorted = <Key>(map: Map<Key, number>) => [...map].sort(([, a], [, b]) => b - a);
