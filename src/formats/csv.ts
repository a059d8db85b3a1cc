// Tables of numbers as text: comma, semicolon, tab or spaces between the values, with or without a line of names.

import { type FileBytes, formatError, toBytes } from "./bytes.ts";
import type { PointCloud } from "./positions.ts";
import { parseFloat32, splitWords, TextReader } from "./text.ts";

/** Names of the coordinates' columns: plain, and as ParaView and common exporters write them. */
const axisNames = [
  ["x", "pos_x", "points:0", "points_0"],
  ["y", "pos_y", "points:1", "points_1"],
  ["z", "pos_z", "points:2", "points_2"],
];

/**
 * Reads points from a table. With a header, the columns x, y and (if there) z; else all columns, which must be two or
 * three. Blank lines and lines that begin with # are passed over.
 * @param options.file name used in error messages (default "csv")
 * @throws FormatError that names the row (its line in the file) and the column.
 */
export function loadCsv(input: FileBytes, options: { file?: string } = {}): PointCloud {
  const file = options.file ?? "csv";
  const reader = new TextReader(withoutByteOrderMark(toBytes(input)), file);
  let line = nextLine(reader);
  if (line === undefined) throw formatError(file, "holds no rows.", { expected: 1, found: 0 });
  const split = chooseSplit(line);
  const first = split(line);
  const names = first.every((cell) => !Number.isNaN(parseFloat32(cell))) ? undefined : first;
  const columns = chooseColumns(names, first.length, file);
  if (names) line = nextLine(reader);

  const coordinates: number[] = [];
  for (; line !== undefined; line = nextLine(reader)) {
    const row = reader.lineNumber;
    const cells = split(line);
    if (cells.length !== first.length) {
      throw formatError(file, `row ${row}: expected ${first.length} values, found ${cells.length}.`, {
        row,
        expected: first.length,
        found: cells.length,
      });
    }
    for (const column of columns) {
      const value = parseFloat32(cells[column]);
      if (Number.isNaN(value)) {
        throw formatError(file, `row ${row}, column ${column + 1}: "${cells[column]}" is no number.`, { row, column });
      }
      coordinates.push(value);
    }
  }
  return { positions: Float32Array.from(coordinates), dimensionality: columns.length };
}

function nextLine(reader: TextReader): string | undefined {
  let line = reader.filledLine();
  while (line?.trimStart().startsWith("#")) line = reader.filledLine();
  return line;
}

function chooseSplit(line: string): (line: string) => string[] {
  const separator = [";", ",", "\t"].find((candidate) => line.includes(candidate));
  if (separator === undefined) return splitWords;
  return (row) => row.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
}

function chooseColumns(names: readonly string[] | undefined, count: number, file: string): number[] {
  if (names) {
    const lowerCase = names.map((name) => name.toLowerCase());
    const columns = axisNames.map((aliases) => lowerCase.findIndex((name) => aliases.includes(name)));
    if (columns[2] === -1) columns.pop();
    if (!columns.includes(-1)) return columns;
  } else if (count === 2 || count === 3) {
    return Array.from({ length: count }, (_, column) => column);
  }
  const found = names ? `the columns ${names.map((name) => `"${name}"`).join(", ")}` : `${count} columns without names`;
  throw formatError(file, `expected columns named x, y and z, or two or three columns without names; found ${found}.`, {
    row: 1,
    expected: ["x", "y", "z"],
    found: names ? [...names] : count,
  });
}

function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
