// Tables of numbers as text. The readers accept commas, semicolons, tabs or spaces between the values, with or without a header
// line; the writer writes commas and a header line.

import { concatBytes, expectRows, type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import { FloatList } from "../bytes/float-list.ts";
import { decodeName, formatFloat32, parseFloat32, parseNonFinite, splitWords, TextReader } from "../bytes/text.ts";
import { fromUtf16 } from "../bytes/utf16.ts";
import { type Column, columnsOf } from "./columns.ts";
import {
  commentOf,
  goesOn,
  hasNumbers,
  mayHaveDecimalCommas,
  separatorOf,
  splitBy,
  withDecimalPoint,
} from "./csv-rows.ts";
import { checkReadOptions, missingAttribute, type PointCloud, type ReadOptions } from "./positions.ts";

/** Names of the coordinates' columns: plain ones, then those that ParaView, Fluent and common exporters write. */
const axisNames: readonly (readonly string[])[] = [
  ["x", "y", "z"],
  ["points:0", "points:1", "points:2"],
  ["points_0", "points_1", "points_2"],
  ...["pos_#", "coord_#", "#-coordinate", "#_coordinate"].map((name) =>
    ["x", "y", "z"].map((axis) => name.replace("#", axis)),
  ),
];

/** The extensions of tables that programs for point clouds write: their columns have no names, and coordinates are the first three. */
export const cloudTableExtensions: readonly string[] = ["xyz", "xyzn", "xyzrgb", "asc", "pts"];

/** The extensions of all tables, without dots. */
export const tableExtensions: readonly string[] = ["csv", "tsv", ...cloudTableExtensions];

/** The length of a text that is encoded at once. */
const LONG_TEXT = 2 ** 20;

/**
 * Finds the columns of the coordinates by their names: three axes of one kind, or of several, or two. Capitals do not matter, nor do
 * the units that programs of simulations write, as in "X (m)" and "X [ m ]", unless there are columns without.
 * @returns the columns of two or three axes; several for an axis if it is not clear which one is meant
 */
export function axesIn(names: readonly string[]): number[][] | undefined {
  const lowerCase = names.map((name) => name.toLowerCase());
  // Without its unit. Spaces are tried only from their first one on: many of them within a name took minutes.
  const bare = lowerCase.map((name) => name.replace(/(?<!\s)\s*(?:\([^()]*\)|\[[^[\]]*\])$/, ""));
  const mixed = [0, 1, 2].map((axis) => axisNames.map((kind) => kind[axis]));
  const kinds = [...axisNames.map((kind) => kind.map((name) => [name])), mixed];
  const ways = kinds.flatMap((kind) =>
    [names, lowerCase, bare].map((given) =>
      kind.map((wanted) => [...given.keys()].filter((column) => wanted.includes(given[column]))),
    ),
  );
  for (const dimensionality of [3, 2]) {
    const found = ways.find((axes) => axes.slice(0, dimensionality).every(({ length }) => length > 0));
    if (found) return found.slice(0, dimensionality);
  }
  return undefined;
}

/**
 * Reads points from a table in UTF-8 or UTF-16: with a header line the columns x, y and (if present) z, without one all columns,
 * which must be two or three. Where cells are separated by semicolons, numbers may have decimal commas. Blank lines, lines that
 * begin with #, % or //, and columns that are not asked for are skipped.
 * @param options.attributes names of columns to read as attributes of one channel each; "nan" and "inf", as NumPy writes them, are
 *   values of these, and no coordinates
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
  const bytes = fromUtf16(toBytes(input));
  expectText(bytes, file);
  const reader = new TextReader(bytes, file);
  let comment = "";
  const keepComment = (text: string) => {
    comment = text;
  };
  let begin = nextLine(reader, keepComment);
  const count = isCloudTable && /^\s*\d+\s*$/.test(begin ?? "") ? Number(begin) : undefined;
  if (count !== undefined) begin = nextLine(reader, keepComment);
  if (begin === undefined) throw formatError(file, "holds no rows.", { expected: 1, found: 0 });
  const separator = separatorOf(begin);
  const split = splitBy(separator);
  let row = reader.lineNumber;
  let line: string | undefined = wholeRow(begin, reader, separator, file);
  const nextRow = () => {
    const next = nextLine(reader);
    row = reader.lineNumber;
    return next === undefined ? undefined : wholeRow(next, reader, separator, file);
  };
  const first = split(decodeName(line));
  const numbers = new NumberCells(separator);
  const isNumbers = hasNumbers(first, (cell) => !Number.isNaN(numbers.parse(cell)));
  const names = isNumbers
    ? (namesInComment(decodeName(comment), split, first.length) ?? (isCloudTable ? numbered(first.length) : undefined))
    : first;
  const axes = chooseColumns(names, first.length, file);
  const columns = [...axes, ...findColumns(attributes ?? [], names ?? [], file)];
  // This line is the first row, if it holds numbers.
  expectRows(reader.countLines() + Number(isNumbers), "rows", file);
  if (!isNumbers) line = nextRow();

  const positions = new FloatList();
  const channels = (attributes ?? []).map(() => new FloatList());
  for (; line !== undefined; line = nextRow()) {
    const cells = split(line);
    if (cells.length !== first.length) {
      const hasOneMore = !isNumbers && cells.length === first.length + 1;
      // R's write.table gives the column of the rows' names no name.
      const hint = hasOneMore ? ": the first line does not name all columns (R: row.names = FALSE)" : "";
      throw formatError(file, `row ${row}: expected ${first.length} values, found ${cells.length}${hint}.`, {
        row,
        expected: first.length,
        found: cells.length,
      });
    }
    columns.forEach((column, i) => {
      const isCoordinate = i < axes.length;
      const number = numbers.parse(cells[column]);
      if (numbers.areMixed) {
        const problem = `row ${row}, column ${column + 1}: "${cells[column]}": points and commas before decimals are mixed`;
        throw formatError(file, `${problem}: write all numbers alike.`, { row, column });
      }
      // NumPy and `saveCsv` write "nan" where a point has no value; its coordinates are numbers.
      const value = Number.isNaN(number) && !isCoordinate ? parseNonFinite(cells[column]) : number;
      if (value === undefined || (isCoordinate && Number.isNaN(value))) {
        const hint = hintOf(cells[column], names?.[column], separator);
        throw formatError(file, `row ${row}, column ${column + 1}: "${cells[column]}" is not a number${hint}.`, {
          row,
          column,
        });
      }
      (isCoordinate ? positions : channels[i - axes.length]).push(value);
    });
  }
  const cloud: PointCloud = { positions: positions.toArray(), dimensionality: axes.length };
  const points = cloud.positions.length / axes.length;
  if (count !== undefined && count !== points) {
    const problem = `its first line promises ${count} points, it holds ${points}: it may be cut off.`;
    throw formatError(file, problem, { expected: count, found: points });
  }
  if (attributes) {
    cloud.attributes = new Map(attributes.map((name, i) => [name, { data: channels[i].toArray(), channels: 1 }]));
  }
  return cloud;
}

/** Parses the numbers of a table, whose decimals stand behind a point, or all behind a comma. */
class NumberCells {
  /** Whether numbers of both kinds were among those parsed: those of one kind may be thousands. */
  areMixed = false;
  readonly #mayHaveCommas: boolean;
  #hasCommas = false;
  #hasPoints = false;

  constructor(separator: string | undefined) {
    this.#mayHaveCommas = mayHaveDecimalCommas(separator);
  }

  /** Returns NaN for what is no number. */
  parse(cell: string): number {
    if (!this.#mayHaveCommas) return parseFloat32(cell);
    const withPoint = withDecimalPoint(cell);
    const number = parseFloat32(withPoint ?? cell);
    if (withPoint !== undefined) this.#hasCommas = true;
    else if (!Number.isNaN(number) && cell.includes(".")) this.#hasPoints = true;
    this.areMixed = this.#hasCommas && this.#hasPoints;
    return number;
  }
}

/** Returns the names of columns without names where more than the coordinates are there: x, y, z, column_4. */
const numbered = (columns: number): readonly string[] | undefined =>
  columns > 3 ? Array.from({ length: columns }, (_, i) => axisNames[0][i] ?? `column_${i + 1}`) : undefined;

/** Says what may be meant by a cell that is no number. */
function hintOf(cell: string, name: string | undefined, separator: string | undefined): string {
  if (/^[-+]?\d*,\d+(e[-+]?\d+)?$/i.test(cell))
    return `; expected a point before the decimals (pandas: read_csv(IN, sep=${JSON.stringify(separator ?? "\\s+")}, decimal=",").to_csv(OUT))`;
  if (/^(true|false)$/i.test(cell)) return "; expected 1 or 0 (pandas: astype(int), R: as.integer)";
  // pandas leaves a cell empty where a number is missing, R writes NA.
  if (!/^(|#?n\/?a|null|none)$/i.test(cell)) return "";
  const where = name === undefined ? "" : ` of "${name}"`;
  return `, one${where} is missing: fill the gap (pandas: fillna), or leave out such rows (dropna)`;
}

/**
 * Writes points and their attributes as a table: a header line, and the columns x, y, z, followed by a column for each channel.
 * An attribute of one channel gives its name to the column; the columns of others are numbered: out_0, out_1. Each number is the
 * shortest decimal that is read back as the same float32.
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
    if (point < points) text += `${columns.map((column) => cell(column, point)).join(",")}\n`;
  }
  return concatBytes(parts);
}

/** Formats one value as it is written into a table. */
export function cell({ data, stride, start, integer }: Column, point: number): string {
  const value = data[point * stride + start];
  return integer ? String(value) : formatFloat32(value);
}

/** Quotes a name that the table could not hold otherwise. */
export function quote(name: string): string {
  return /[",;\t\n\r]|^\s|\s$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

/** Finds columns by their names, of which there may be thousands. */
function findColumns(wanted: readonly string[], names: readonly string[], file: string): number[] {
  const places = new Map(names.map((name, column) => [name, column]));
  const repeated = new Set(names.filter((name, column) => places.get(name) !== column));
  return wanted.map((name) => {
    const column = places.get(name);
    if (column === undefined) throw missingAttribute(file, name, names);
    if (!repeated.has(name)) return column;
    throw formatError(file, `has several columns named "${name}": rename all but one.`, {
      tensor: name,
      found: [...names],
    });
  });
}

/** Refuses spreadsheets and archives. */
function expectText(bytes: Uint8Array, file: string): void {
  const at = bytes.subarray(0, 1024).findIndex((byte) => byte < 0x20 && !textControls.includes(byte));
  if (at < 0) return;
  const found = bytes[at];
  throw formatError(file, `byte ${at} is not text; expected a table of text in UTF-8: export it as CSV.`, {
    offset: at,
    found,
  });
}

/** Tab, the ends of lines and pages, and the mark with which old systems end a file. */
const textControls = [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1a];

/** Returns a row that begins with a line, with the further lines over which its quoted cells go. */
function wholeRow(line: string, reader: TextReader, separator: string | undefined, file: string): string {
  const row = reader.lineNumber;
  const lines = [line];
  for (let isOpen = goesOn(line, separator, false); isOpen; ) {
    const next = reader.line();
    if (next === undefined) throw formatError(file, `row ${row}: a quoted cell has no end.`, { row });
    lines.push(next);
    isOpen = goesOn(next, separator, true);
  }
  return lines.length === 1 ? line : lines.join("\n");
}

function nextLine(reader: TextReader, useComment?: (text: string) => void): string | undefined {
  for (;;) {
    const line = reader.filledLine();
    const comment = line && commentOf(line);
    if (comment === undefined) return line;
    useComment?.(comment);
  }
}

/** Returns the column names in the comment before the first row, as NumPy writes them: "# z,y,x". */
export function namesInComment(
  comment: string,
  split: (line: string) => string[],
  columns: number,
): readonly string[] | undefined {
  return [split(comment), splitWords(comment)].find((names) => names.length === columns && axesIn(names));
}

function chooseColumns(names: readonly string[] | undefined, count: number, file: string): number[] {
  if (names) {
    const axes = axesIn(names);
    const unclear = axes?.find(({ length }) => length > 1);
    if (unclear) {
      const found = unclear.map((column) => names[column]);
      const problem = `has several columns for one coordinate, ${found.map((name) => `"${name}"`).join(" and ")}`;
      throw formatError(file, `${problem}: rename all but one.`, { row: 1, found });
    }
    if (axes) return axes.flat();
  } else if (count === 2 || count === 3) {
    return Array.from({ length: count }, (_, column) => column);
  }
  const found = names
    ? `the columns ${names.map((name) => `"${name}"`).join(", ")}`
    : `${count} columns without names: name them in a first line, such as x,y,z,red`;
  throw formatError(file, `expected columns named x, y and z, or two or three columns without names; found ${found}.`, {
    row: 1,
    expected: ["x", "y", "z"],
    found: names ? [...names] : count,
  });
}
