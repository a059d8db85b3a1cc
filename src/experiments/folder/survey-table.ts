// Looks for the table beside the samples: the file of which a column names them.

import { FormatError } from "../../errors.ts";
import { decodeName } from "../../formats/bytes/text.ts";
import { fromUtf16 } from "../../formats/bytes/utf16.ts";
import { TableRows } from "../../formats/clouds/csv-table.ts";
import { extensionOf } from "../../formats/extension.ts";
import { labelNames } from "../array-names.ts";
import { type DataSource, locate, splitPath } from "../data-source.ts";
import { sampleExtensions } from "./read.ts";
import { keyFor, keyOf, parseSideTable, type TableCell } from "./side-table.ts";
import type { FoundArray } from "./survey.ts";
import type { TableChoice } from "./table-choice.ts";

/** The extensions of tables that may lie beside samples. */
const tables: readonly string[] = ["csv", "tsv"];
/** Files with such names are looked at first. */
const likelyNames = /param|meta|table|label|condition|summary|index|case|sample|design|doe|run|info|input|target/i;
/** The number of files that are looked at, and of samples of which a table has to name half. */
const [LOOKED_AT, NAMED] = [8, 64];
/** A table of samples has no more rows for each: those of a file's frames. */
const ROWS_PER_SAMPLE = 4;
/** Larger files are no tables of samples. */
const MAX_BYTES = 2 ** 26;
/** A column of more different texts, or whole numbers, is none of classes. */
const MAX_CLASSES = 32;

/** A column of a table. */
export type FoundColumn = Omit<FoundArray, "samples">;

/** A table, how a config names it, and what its columns hold. */
export interface FoundTable {
  readonly choice: TableChoice;
  readonly columns: readonly FoundColumn[];
}

/**
 * Finds the table of which a column names the samples.
 * @param files all files, of which the table is one
 * @param wanted those that may be samples
 */
export async function findTableAmong(
  source: DataSource,
  files: readonly string[],
  wanted: readonly string[],
): Promise<FoundTable | undefined> {
  for (const path of candidatesAmong(files)) {
    if ((await source.size(path)) > MAX_BYTES) continue;
    const samples = wanted.filter((file) => file !== path && sampleExtensions.includes(extensionOf(file)));
    const found = tableOf(await source.read(path), locate(source, path), samples);
    if (!found) continue;
    const { table, isFirst } = found;
    const columns = table.columns.flatMap((name, i) => {
      // Such as the rows' numbers that pandas writes: no config can name it.
      if (name === "") return [];
      const cells = [...table.rows.values()].map((row) => row[i]);
      return describe(name, cells) ?? [];
    });
    return { choice: { file: path, ...(!isFirst && { key: table.key }) }, columns };
  }
  return undefined;
}

/** Returns tables that may not be samples: those with likely names first, then those alone in their folder. */
function candidatesAmong(files: readonly string[]): string[] {
  const all = files.filter((path) => tables.includes(extensionOf(path)));
  const inFolder = new Map<string, number>();
  for (const path of all) inFolder.set(splitPath(path).folder, (inFolder.get(splitPath(path).folder) ?? 0) + 1);
  const isAlone = (path: string) => (inFolder.get(splitPath(path).folder) as number) <= 2;
  const depth = (path: string) => path.split("/").length;
  const rank = (path: string) => Number(!likelyNames.test(splitPath(path).name)) + 2 * Number(!isAlone(path));
  // Of hundreds of samples in one folder those at its end or beginning could be the table: its name has to tell.
  return all
    .filter((path) => rank(path) < 3)
    .sort((a, b) => depth(a) - depth(b) || rank(a) - rank(b))
    .slice(0, LOOKED_AT);
}

/** Reads a table by the column that names most of the samples, if that are half of them. */
function tableOf(bytes: Uint8Array, file: string, samples: readonly string[]) {
  try {
    const step = Math.max(1, Math.floor(samples.length / NAMED));
    const some = samples.filter((_, i) => i % step === 0);
    const columns = keysIn(bytes, file, ROWS_PER_SAMPLE * samples.length + NAMED).map(({ keys, ...column }) => {
      const named = new Set(some.map((path) => keyFor(keys, path)).filter((key) => key !== undefined));
      return { ...column, named: named.size, rows: keys.size };
    });
    const [best] = columns.sort((a, b) => b.named - a.named);
    // Several samples may share a row: the frames of one sequence.
    if (!best || best.named < 2 || best.named < Math.min(some.length, best.rows) / 2) return undefined;
    return { table: parseSideTable(bytes, file, best.name), isFirst: best.isFirst };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Returns the columns whose cells all differ, with these; none if there are more rows than `most`. */
function keysIn(bytes: Uint8Array, file: string, most: number) {
  const table = new TableRows(fromUtf16(bytes), file, false);
  const columns = (table.names ?? []).map((name, i) => ({ name, isFirst: i === 0, keys: new Set<string>() }));
  let rows = 0;
  for (let cells = table.next(); cells; cells = table.next()) {
    if (++rows > most) return [];
    for (const [column, cell] of cells.entries()) columns[column]?.keys.add(keyOf(decodeName(cell)));
  }
  return columns.filter(({ keys }) => keys.size === rows);
}

/** Returns what a column holds: numbers, or texts that are few. */
function describe(name: string, cells: readonly TableCell[]): FoundColumn | undefined {
  const shared = { name, of: "whole", components: 1 } as const;
  const numbers = cells.flatMap(({ number }) => (typeof number === "number" ? [number] : []));
  if (numbers.length < cells.length) {
    const labels = [...new Set(cells.map(({ text }) => text))].sort();
    const classes = labels.length - Number(labels.includes(""));
    if (classes < 2 || classes > MAX_CLASSES || classes === cells.length) return undefined;
    return { ...shared, least: 0, most: classes - 1, classes, labels };
  }
  const known = numbers.filter(Number.isFinite);
  if (known.length === 0) return undefined;
  const least = known.reduce((a, b) => Math.min(a, b));
  const most = known.reduce((a, b) => Math.max(a, b));
  const missing = 1 - known.length / numbers.length;
  const areClasses = labelNames.test(name) && known.every(Number.isInteger) && least >= 0 && most < MAX_CLASSES;
  return {
    ...shared,
    ...{ least, most },
    ...(missing > 0 && { missing }),
    ...(areClasses && most > 0 && { classes: most + 1 }),
  };
}
