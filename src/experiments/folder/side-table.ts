// A table beside the samples, such as params.csv: it has a row for each, and its columns are values of the whole sample.

import { FormatError } from "../../errors.ts";
import type { SafeTensor } from "../../formats/bytes/elements.ts";
import { decodeName } from "../../formats/bytes/text.ts";
import { fromUtf16 } from "../../formats/bytes/utf16.ts";
import { TableRows } from "../../formats/clouds/csv-table.ts";
import { type DataSource, locate, splitPath } from "../data-source.ts";
import type { LabelNumbers } from "./label-arrays.ts";
import { numberIn } from "./numbering.ts";
import type { SampleArrays } from "./sample-arrays.ts";
import type { TableChoice } from "./table-choice.ts";

/** A cell: its text, and the number that it is, or what is wrong with it as a number. An empty one, or NA, is NaN. */
export interface TableCell {
  readonly text: string;
  readonly number: number | FormatError;
}

export interface SideTable {
  /** The file's name in error messages. */
  readonly file: string;
  /** The column that names the samples. */
  readonly key: string;
  /** The other columns. */
  readonly columns: readonly string[];
  /** The cells of `columns` in each row, by what the row's key names. */
  readonly rows: ReadonlyMap<string, readonly TableCell[]>;
}

/**
 * Reads a table whose first line names its columns. Separators and numbers are as in tables of points.
 * @param key the column that names the samples; by default the first
 * @throws FormatError for a table without names, without that column, or with two rows of one name
 */
export function parseSideTable(bytes: Uint8Array, file: string, key?: string): SideTable {
  const table = new TableRows(fromUtf16(bytes), file, false);
  const { names } = table;
  if (!names) {
    const problem = "its first line does not name the columns, such as: case,speed,angle";
    throw new FormatError(`${file}: ${problem}.`, { file, row: 1 });
  }
  table.expectWithinLimit();
  const place = key === undefined ? 0 : names.indexOf(key);
  if (key !== undefined && place < 0) {
    const problem = `has no column "${key}"; there are ${quoted(names)}`;
    throw new FormatError(`${file}: ${problem}.`, { file, tensor: key, found: [...names] });
  }
  const others = [...names.keys()].filter((column) => column !== place);
  const rows = new Map<string, TableCell[]>();
  for (let cells = table.next(); cells; cells = table.next()) {
    const row = cells;
    const name = keyOf(decodeName(row[place]));
    if (rows.has(name)) {
      const problem = `two rows are of "${name}"; the column "${names[place]}" has to name each sample once`;
      const advice = `another is chosen by table: {file: ..., key: COLUMN}, of ${quoted(names)}`;
      throw new FormatError(`${file}: ${problem}: ${advice}.`, { file, tensor: names[place], found: name });
    }
    const values = others.map((column) => ({ text: decodeName(row[column]), number: numberOf(table, row, column) }));
    rows.set(name, values);
  }
  return { file, key: names[place], columns: others.map((column) => names[column]), rows };
}

const quoted = (names: Iterable<string>) => Array.from(names, (name) => `"${name}"`).join(", ");

/** A sample's name as keys of rows and paths have it. */
export const keyOf = (text: string) =>
  text
    .trim()
    .replaceAll("\\", "/")
    .replace(/^(\.\/)+/, "");

function numberOf(table: TableRows, row: readonly string[], column: number): number | FormatError {
  try {
    return table.numberIn(row, column, { isCoordinate: false, mayMiss: true });
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
}

/** Reads the table of a config. @throws FormatError if it is not there, or as `parseSideTable` does */
export async function readSideTable(source: DataSource, { file, key }: TableChoice): Promise<SideTable> {
  try {
    return parseSideTable(await source.read(file), locate(source, file), key);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(error.message, { ...error.details, field: "table" }, { cause: error });
  }
}

/** Reads the table of a config if it is among the files of a source. @throws FormatError as `parseSideTable` does */
export async function findSideTable(
  source: DataSource,
  choice: TableChoice | undefined,
): Promise<SideTable | undefined> {
  if (!choice) return undefined;
  try {
    await source.size(choice.file);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  return readSideTable(source, choice);
}

/**
 * Returns the key of a sample's row: its path, or the end of it, with the extension or without; then likewise that of the file that it
 * is a frame of, or the folder that it is in, or its name without the number that counts frames. Undefined if there is none.
 */
export function keyFor(keys: Pick<ReadonlySet<string>, "has">, path: string): string | undefined {
  for (const name of namesOf(keyOf(path))) if (keys.has(name)) return name;
  return undefined;
}

function* namesOf(path: string): Generator<string> {
  for (let part = path; part !== ""; part = splitPath(part).folder) {
    yield* endsOf(part);
    const start = numberIn(part)?.start.replace(/[-_. ]+$/, "");
    if (start) yield splitPath(start).name;
  }
}

/** Yields a path and the ends of it, with the extension and without. */
function* endsOf(path: string): Generator<string> {
  for (let end = path; ; end = end.slice(end.indexOf("/") + 1)) {
    yield end;
    yield end.replace(/\.\w+$/, "");
    if (!end.includes("/")) break;
  }
}

/** The part of a table that concerns one file, as JSON: a number that is missing is null, and a text that is none has no number. */
export interface TablePart {
  readonly file: string;
  readonly key: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly [name: string, cells: readonly { text: string; number?: number | null }[]])[];
}

/** Rows that a message names where a table has none of a sample, and one to tell that there are more. */
const NAMED_ROWS = 4;

/** Returns the row of a file, and those of its frames; if there is none, some others, which the message on it names. */
export function partOf({ rows, ...table }: SideTable, path: string): TablePart {
  const ofFile = keyFor(rows, path);
  const folders = new Set(endsOf(keyOf(path)));
  const own = [...rows].filter(([name]) => name === ofFile || folders.has(splitPath(name).folder));
  const kept = own.length > 0 ? own : [...rows].slice(0, NAMED_ROWS);
  const jsonOf = ({ text, number }: TableCell) =>
    typeof number === "number" ? { text, number: Number.isNaN(number) ? null : number } : { text };
  return { ...table, rows: kept.map(([name, cells]) => [name, cells.map(jsonOf)]) };
}

/** Returns the table of which there is a part. */
export function tableOfPart({ rows, ...part }: TablePart): SideTable {
  const noNumber = new FormatError(`${part.file}: the text is no number.`, { file: part.file });
  const cellOf = ({ text, number }: { text: string; number?: number | null }): TableCell => ({
    text,
    number: number === undefined ? noNumber : (number ?? Number.NaN),
  });
  return { ...part, rows: new Map(rows.map(([name, cells]) => [name, cells.map(cellOf)])) };
}

/** Returns a sample's arrays with the values that its row has, which go before arrays of the same names. */
export function withRow(
  arrays: SampleArrays,
  table: SideTable,
  path: string,
  { wanted, labels }: { wanted: readonly string[]; labels: LabelNumbers },
): SampleArrays {
  const { file, columns, key, rows } = table;
  const name = keyFor(rows, path);
  const row = name === undefined ? undefined : rows.get(name);
  if (!row) {
    const [some, more] = [[...rows.keys()].slice(0, 3), rows.size > 3 ? ", ..." : ""];
    const noRow = `${file} has no row of this sample: its column "${key}" names ${quoted(some)}${more}`;
    return { ...arrays, noRow: `${noRow}.` };
  }
  const found = columns.flatMap((column, i) =>
    wanted.includes(column)
      ? [[column, valueOf(row[i], column, { labels, file: table.file, sample: arrays.file })] as const]
      : [],
  );
  return {
    ...arrays,
    wholeData: new Map([...arrays.wholeData, ...found]),
    names: [...new Set([...arrays.names, ...columns])],
  };
}

function valueOf(
  { text, number }: TableCell,
  column: string,
  { labels, file, sample }: { labels: LabelNumbers; file: string; sample: string },
): SafeTensor {
  const numbers = labels.get(column);
  const value = numbers ? numbers.get(text) : number;
  if (typeof value === "number") return { dtype: "F64", shape: [1], data: Float64Array.of(value) };
  const problem = numbers
    ? `the column "${column}" has "${text}", which is none of the labels ${quoted([...numbers.keys()].map(String))}: name it among classes or in ignore`
    : `the column "${column}" has "${text}", which is no number; list such texts as labels: classes: [NAME, ...]`;
  throw new FormatError(`${sample}: in its row of ${file} ${problem}.`, {
    file: sample,
    tensor: column,
    found: text,
  });
}

const otherWays =
  "give it together with the file, or by erwin predict --table FILE, or give the values alone (values of predictFile and readFile, ?NAME=VALUE of erwin serve)";

/** Returns a sample's arrays where the config has a table, but there is none. */
export function withoutTable(arrays: SampleArrays, choice: TableChoice | undefined): SampleArrays {
  if (!choice) return arrays;
  const noRow = `The model knows such values from the table "${choice.file}", which is not beside this file: ${otherWays}.`;
  return { ...arrays, noRow };
}
