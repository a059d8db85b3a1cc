// Adds columns to a table: each row stays as it is and is extended.

import { InputError } from "../../errors.ts";
import { expectWithin, formatError } from "../bytes/bytes.ts";
import { byteOrderMarkLength, decodeName, fromLatin1, parseFloat32, toLatin1 } from "../bytes/text.ts";
import { fromUtf16 } from "../bytes/utf16.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { attributeColumns, type Column, withoutSpaces } from "./columns.ts";
import { cell, quote } from "./csv.ts";
import { linesOf } from "./csv-lines.ts";
import { namesInComment } from "./csv-names.ts";
import {
  commentOf,
  goesOn,
  hasNumbers,
  mayHaveDecimalCommas,
  separatorOf,
  splitBy,
  withDecimalPoint,
} from "./csv-rows.ts";
import type { Attribute } from "./positions.ts";

const encoder = new TextEncoder();

/** The characters that are encoded at once. */
const SOME_TEXT = 2 ** 18;

/**
 * Returns a table with additional columns at the end of each row. A table without a header line gets one. One in UTF-16 is returned in
 * UTF-8; numbers have decimal commas where those of the table have.
 * @throws FormatError for what is no table, or has longer lines than the limit allows; InputError where the number of rows is another,
 *   and for a column that already exists
 */
export function addCsvColumns(
  input: Uint8Array,
  attributes: ReadonlyMap<string, Attribute>,
  file: string,
): Uint8Array<ArrayBuffer> {
  const columns = attributeColumns(attributes);
  const bytes = fromUtf16(input);
  // The rows stay as they are, whatever their encoding: there is a character for each byte.
  const mark = bytes.slice(0, byteOrderMarkLength(bytes));
  const content = bytes.subarray(mark.length);
  const table = surveyTable(content, file);
  expectNew(columns, table.names, file);
  const extension = new Extension(table, columns);
  // Of each number a separator and nine digits, as many as there are at most but for signs and exponents.
  const writer = new ByteWriter(bytes.length + columns.reduce((sum, column) => sum + 10 * rowsOf(column), 0));
  writer.push(mark);
  let some = "";
  for (const line of wholeRows(linesOf(content, file), table.separator, file)) {
    some += extension.next(line);
    if (some.length < SOME_TEXT) continue;
    writer.push(toLatin1(some));
    some = "";
  }
  writer.push(toLatin1(some));
  const { row } = extension;
  const rows = columns[0] ? rowsOf(columns[0]) : row;
  if (row !== rows) {
    throw new InputError(`${file}: has ${row} rows, the arrays have ${rows}.`, { file, expected: row, found: rows });
  }
  return writer.bytes;
}

/** A table that is to be extended; its lines are counted from 0, and a row over several lines as one. */
interface Table {
  separator: string | undefined;
  /** The line of the first row. */
  first: number;
  /** The line that names the columns, if one does: the first row, or a comment before it. */
  naming: number | undefined;
  names: readonly string[];
  /** The number of columns. */
  width: number;
  hasDecimalCommas: boolean;
  /** Whether its texts are in the encoding of Windows and not in UTF-8: the first that is not ASCII tells. */
  isOfWindows(): boolean;
  /** What ends a line. */
  lineEnd: string;
}

function surveyTable(content: Uint8Array, file: string): Table {
  const before: string[] = [];
  let begin: string | undefined;
  for (const line of linesOf(content, file)) {
    if (isRow(line)) begin = line;
    if (begin !== undefined) break;
    before.push(line);
  }
  if (begin === undefined) throw formatError(file, "holds no rows.", { expected: 1, found: 0 });
  const first = before.length;
  const separator = separatorOf(begin);
  const split = splitBy(separator);
  const lines = () => wholeRows(linesOf(content, file), separator, file);
  const firstRow = firstOf(lines(), (_, i) => i === first) as string;
  const cells = split(endless(decodeName(firstRow)));
  const isComma = isCommaIn(separator);
  const lineEnd = /\r?\n$|\r$/.exec(firstRow)?.[0] ?? "\n";
  const isOfWindows = () => {
    const row = firstOf(lines(), (line) => !isAscii(line));
    return row !== undefined && decodeName(row) === row;
  };
  const hasDecimalCommas = hasCommas(lines, separator);
  const shared = { separator, first, width: cells.length, hasDecimalCommas, isOfWindows, lineEnd };
  if (!hasNumbers(cells, (text) => isComma(text) || isNumber(text))) return { ...shared, names: cells, naming: first };
  const comment = before.map((line) => line.trim() !== "").lastIndexOf(true);
  const names = comment < 0 ? undefined : namesIn(decodeName(before[comment]), split, cells.length);
  return { ...shared, names: names ?? [], naming: names && comment };
}

const isAscii = (text: string) => /^[\0-\x7f]*$/.test(text);

const isNumber = (text: string) => !Number.isNaN(parseFloat32(text));

/** Returns whether a cell is a number with a decimal comma. */
const isCommaIn = (separator: string | undefined) => (text: string) =>
  mayHaveDecimalCommas(separator) && withDecimalPoint(text) !== undefined;

/** Whether numbers have decimal commas: the first one with decimals tells what is before those of all. */
function hasCommas(lines: () => Iterable<string>, separator: string | undefined): boolean {
  if (!mayHaveDecimalCommas(separator)) return false;
  const split = splitBy(separator);
  const isComma = isCommaIn(separator);
  const hasDecimals = (text: string) => isComma(text) || (isNumber(text) && text.includes("."));
  const row = firstOf(lines(), (line) => isRow(line) && split(endless(line)).some(hasDecimals));
  return row !== undefined && isComma(split(endless(row)).find(hasDecimals) ?? "");
}

/** Extends the lines of a table, one after the other. */
class Extension {
  /** The number of rows of numbers so far. */
  row = 0;
  readonly #table: Table;
  readonly #columns: readonly Column[];
  /** The columns' names, in the bytes of the table. */
  readonly #names: readonly string[];
  #line = 0;
  #isOfWindows: boolean | undefined;

  constructor(table: Table, columns: readonly Column[]) {
    this.#table = table;
    this.#columns = columns;
    this.#names = columns.map(({ name }) => this.#written(name));
  }

  /** Returns a text in the bytes of the table. */
  #written(text: string): string {
    // Not all programs read quotes between spaces.
    const cell = this.#table.separator === undefined ? withoutSpaces(text) : quote(text);
    return fromLatin1(encoder.encode(cell));
  }

  /** Returns a label as the table has it in other columns. */
  #label(text: string): string {
    const written = this.#written(text);
    if (isAscii(text)) return written;
    this.#isOfWindows ??= this.#table.isOfWindows();
    const ofWindows = decodeName(written);
    return this.#isOfWindows && fromLatin1(toLatin1(ofWindows)) === ofWindows ? ofWindows : written;
  }

  /** Returns the next line with what is added to it, and before the first row a header line if the table has none. */
  next(line: string): string {
    const { first, naming, separator } = this.#table;
    const at = this.#line++;
    if (at === naming) return extended(line, this.#names, at === first ? separator : line.includes(",") ? "," : " ");
    if (at < first || !isRow(line)) return line;
    const row = this.row++;
    const values = this.#columns.map((column) => (row < rowsOf(column) ? this.#value(column, row) : ""));
    const header = at === first && naming === undefined ? this.#header() : "";
    return header + extended(line, values, separator);
  }

  #value(column: Column, row: number): string {
    const number = cell(column, row);
    if (column.labels) return this.#label(number);
    return this.#table.hasDecimalCommas ? number.replace(".", ",") : number;
  }

  #header(): string {
    const { separator, width, lineEnd } = this.#table;
    const axes = ["x", "y", "z"].slice(0, width);
    return extended(axes.join(separator ?? " "), this.#names, separator) + lineEnd;
  }
}

const rowsOf = ({ data, stride }: Column) => data.length / stride;

const isRow = (line: string) => line.trim() !== "" && commentOf(line) === undefined;

/** Joins the lines over which the quoted cells of a row go. */
function* wholeRows(lines: Iterable<string>, separator: string | undefined, file: string): Generator<string> {
  let open: string[] = [];
  let length = 0;
  for (const line of lines) {
    const isOpen = open.length > 0;
    open.push(line);
    length = isOpen ? length + line.length : line.length;
    if (isOpen) expectWithin("lineBytes", length, file, `a row goes over ${open.length} lines of ${length} bytes`);
    if ((isOpen || isRow(line)) && goesOn(line, separator, isOpen)) continue;
    yield open.length === 1 ? line : open.join("");
    open = [];
  }
  if (open.length > 0) yield open.join("");
}

/** Returns the first value for which a condition holds. */
function firstOf(values: Iterable<string>, holds: (value: string, index: number) => boolean): string | undefined {
  let index = 0;
  for (const value of values) if (holds(value, index++)) return value;
  return undefined;
}

const namesIn = (line: string, split: (line: string) => string[], columns: number) =>
  namesInComment(commentOf(endless(line)) ?? "", split, columns);

/** Returns a row without the ends of lines after it. */
function endless(row: string): string {
  let end = row.length;
  while (row[end - 1] === "\n" || row[end - 1] === "\r") end--;
  return row.slice(0, end);
}

function extended(line: string, values: readonly string[], separator = " "): string {
  const text = endless(line);
  return [text, ...values].join(separator) + line.slice(text.length);
}

function expectNew(columns: readonly Column[], names: readonly string[], file: string): void {
  const there = columns.find(({ name }) => names.includes(name));
  if (!there) return;
  throw new InputError(`${file}: has a column "${there.name}" already.`, { file, tensor: there.name });
}
