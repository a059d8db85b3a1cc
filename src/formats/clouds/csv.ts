// Tables of numbers as text. The readers accept commas, semicolons, tabs or spaces between the values, with or without a header
// line; the writer writes commas and a header line.

import { concatBytes, type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import { FloatList } from "../bytes/float-list.ts";
import { decodeName, formatFloat32 } from "../bytes/text.ts";
import { fromUtf16 } from "../bytes/utf16.ts";
import { roundedNumbers } from "../rounding.ts";
import { type Column, columnsOf } from "./columns.ts";
import { coordinateColumns, findColumns } from "./csv-names.ts";
import { type CellOptions, TableRows } from "./csv-table.ts";
import { checkReadOptions, type PointCloud, type ReadOptions } from "./positions.ts";

/** The extensions of tables that programs for point clouds write: their columns have no names, and coordinates are the first three. */
export const cloudTableExtensions: readonly string[] = ["xyz", "xyzn", "xyzrgb", "asc", "pts"];

/** The extensions of all tables, without dots. */
export const tableExtensions: readonly string[] = ["csv", "tsv", ...cloudTableExtensions];

/** The length of a text that is encoded at once. */
const LONG_TEXT = 2 ** 20;

/**
 * Reads points from a table in UTF-8 or UTF-16: with a header line the columns x, y and (if present) z, without one all columns,
 * which must be two or three. Where cells are separated by semicolons, numbers may have decimal commas. Blank lines, lines that
 * begin with #, % or //, and columns that are not asked for are skipped.
 * @param options.attributes names of columns to read as attributes of one channel each; "nan" and "inf", as NumPy writes them, are
 *   values of these, and no coordinates
 * @param options.labels the numbers of the texts that columns hold
 * @param options.missing names of columns in which empty cells, and such as "NA", are NaN
 * @throws FormatError that names the row (its line in the file) and the column, or the columns that exist; and for more lines than
 * the limit `rows`
 */
export function loadCsv(input: FileBytes, options: ReadOptions = {}): PointCloud {
  return readTable(input, options, false);
}

/**
 * Reads a table that a program for point clouds wrote, as `loadCsv` does. Of more than three columns without names, the first are the
 * coordinates and the others are "column_4" and so on. The first line may be the number of points.
 */
export function loadCloudTable(input: FileBytes, options: ReadOptions): PointCloud {
  return readTable(input, options, true);
}

function readTable(input: FileBytes, options: ReadOptions, isCloudTable: boolean): PointCloud {
  const { file, attributes } = checkReadOptions(options, "csv");
  const table = new TableRows(fromUtf16(toBytes(input)), file, isCloudTable);
  const { names, width, promised } = table;
  const axes = coordinateColumns(names, width, file);
  const columns = [...axes, ...findColumns(attributes ?? [], names ?? [], file)];
  table.expectWithinLimit();

  const positions = new FloatList();
  const channels = (attributes ?? []).map(() => new FloatList());
  const cellOptions: CellOptions[] = [
    ...axes.map(() => ({ isCoordinate: true })),
    ...(attributes ?? []).map((name) => ({
      isCoordinate: false,
      labels: options.labels?.get(name),
      mayMiss: options.missing?.includes(name),
    })),
  ];
  for (let cells = table.next(); cells; cells = table.next()) {
    const row = cells;
    columns.forEach((column, i) => {
      const number = table.numberIn(row, column, cellOptions[i]);
      (i < axes.length ? positions : channels[i - axes.length]).push(number);
    });
  }
  const { data, exact } = roundedNumbers(positions.toDoubles(), axes.length);
  const cloud: PointCloud = { positions: data, dimensionality: axes.length, ...(exact && { exact }) };
  const points = cloud.positions.length / axes.length;
  if (promised !== undefined && promised !== points) {
    const problem = `its first line promises ${promised} points, it holds ${points}: it may be cut off.`;
    throw formatError(file, problem, { expected: promised, found: points });
  }
  if (attributes) {
    cloud.attributes = new Map(
      attributes.map((name, i) => [name, { ...roundedNumbers(channels[i].toDoubles(), 1), channels: 1 }]),
    );
  }
  return cloud;
}

/** Returns the texts in columns of a table, each once. @throws FormatError as `loadCsv` does */
export function textsIn(input: FileBytes, file: string, names: readonly string[]): Map<string, Set<string>> {
  const table = new TableRows(fromUtf16(toBytes(input)), file, true);
  const columns = findColumns(names, table.names ?? [], file);
  const found = names.map((name) => [name, new Set<string>()] as const);
  for (let cells = table.next(); cells; cells = table.next()) {
    for (const [i, [, texts]] of found.entries()) texts.add(decodeName(cells[columns[i]]));
  }
  return new Map(found);
}

/**
 * Writes points and their attributes as a table: a header line, and the columns x, y, z, followed by a column for each channel.
 * An attribute of one channel gives its name to the column; the columns of others are numbered: out_0, out_1. Each number is the
 * shortest decimal that is read back as the same float32, or float64 where the cloud has exact ones.
 * @throws InputError for arrays that do not fit each other, and for two columns of the same name
 */
export function saveCsv(cloud: PointCloud): Uint8Array<ArrayBuffer> {
  const columns = columnsOf(cloud);
  const points = cloud.positions.length / cloud.dimensionality;
  const parts: Uint8Array[] = [];
  let text = `${columns.map(({ name }) => quote(name)).join(",")}\n`;
  for (let point = 0; point <= points; point++) {
    // No string can hold a table of 512 MB.
    if (text.length > LONG_TEXT || point === points) {
      parts.push(new TextEncoder().encode(text));
      text = "";
    }
    if (point < points)
      text += `${columns.map((column) => (column.labels ? quote(cell(column, point)) : cell(column, point))).join(",")}\n`;
  }
  return concatBytes(parts);
}

/** Formats one value as it is written into a table, but for quotes around texts. */
export function cell({ data, stride, start, integer, labels }: Column, point: number): string {
  const value = data[point * stride + start];
  // A label that does not count may be of no text.
  if (labels) return String(labels.get(value) ?? "");
  return integer || data instanceof Float64Array ? String(value) : formatFloat32(value);
}

/** Quotes a name that the table could not hold otherwise. */
export function quote(name: string): string {
  return /[",;\t\n\r]|^\s|\s$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
