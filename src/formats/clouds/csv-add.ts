// Adds columns to a table: each row stays as it is and is extended.

import { InputError } from "../../errors.ts";
import { concatBytes, formatError } from "../bytes/bytes.ts";
import { byteOrderMarkLength, decodeName, fromLatin1, parseFloat32, toLatin1 } from "../bytes/text.ts";
import { fromUtf16 } from "../bytes/utf16.ts";
import { attributeColumns, type Column, withoutSpaces } from "./columns.ts";
import { cell, namesInComment, quote } from "./csv.ts";
import { commentOf, goesOn, mayHaveDecimalCommas, separatorOf, splitBy, withDecimalPoint } from "./csv-rows.ts";
import type { Attribute } from "./positions.ts";

/** The length of the longest string in most hosts. */
const MAX_BYTES = 2 ** 29 - 24;
/** The number of lines that are encoded at once. */
const SOME_LINES = 10_000;

/**
 * Returns a table with additional columns at the end of each row. A table without a header line gets one. One in UTF-16 is returned in
 * UTF-8; numbers have decimal commas where those of the table have.
 * @throws FormatError where the number of rows is another; InputError for a column that already exists
 */
export function addCsvColumns(
  input: Uint8Array,
  attributes: ReadonlyMap<string, Attribute>,
  file: string,
): Uint8Array<ArrayBuffer> {
  const columns = attributeColumns(attributes);
  const bytes = fromUtf16(input);
  if (bytes.length > MAX_BYTES) {
    const problem = `has ${bytes.length} bytes; columns are added to tables of ${MAX_BYTES} at most: choose an output of another format.`;
    throw formatError(file, problem, { expected: MAX_BYTES, found: bytes.length });
  }
  // The rows stay as they are, whatever their encoding: there is a character for each byte.
  const mark = bytes.slice(0, byteOrderMarkLength(bytes));
  const found = fromLatin1(bytes.subarray(mark.length)).split(/(?<=\n|\r(?!\n))/);
  const first = found.findIndex(isRow);
  if (first < 0) throw formatError(file, "holds no rows.", { expected: 1, found: 0 });
  const separator = separatorOf(found[first]);
  const split = splitBy(separator);
  const lines = wholeRows(found, separator);
  const cells = split(endless(decodeName(lines[first])));
  const isNumber = (text: string) => !Number.isNaN(parseFloat32(text));
  const isComma = (text: string) => mayHaveDecimalCommas(separator) && withDecimalPoint(text) !== undefined;
  const isNumbers = cells.every((text) => isComma(text) || isNumber(text));
  // The first number with decimals tells what is before those of all.
  const hasDecimals = (text: string) => isComma(text) || (isNumber(text) && text.includes("."));
  const decimals = mayHaveDecimalCommas(separator)
    ? lines.find((line) => isRow(line) && split(endless(line)).some(hasDecimals))
    : undefined;
  const hasCommas = decimals !== undefined && isComma(split(endless(decimals)).find(hasDecimals) ?? "");
  const number = (text: string) => (hasCommas ? text.replace(".", ",") : text);
  const comment = isNumbers
    ? lines
        .slice(0, first)
        .map((line) => line.trim() !== "")
        .lastIndexOf(true)
    : -1;
  const commented = comment < 0 ? undefined : namesIn(decodeName(lines[comment]), split, cells.length);
  const names = isNumbers ? (commented ?? []) : cells;
  expectNew(columns, names, file);

  const encoder = new TextEncoder();
  // Not all programs read quotes between spaces.
  const written = (name: string) => (separator === undefined ? withoutSpaces(name) : quote(name));
  const header = columns.map(({ name }) => fromLatin1(encoder.encode(written(name))));
  let row = 0;
  const longer = lines.map((line, i) => {
    if (i === first && !isNumbers) return extended(line, header, separator);
    if (i === comment && commented) return extended(line, header, line.includes(",") ? "," : " ");
    if (i < first || !isRow(line)) return line;
    const values = columns.map((column) => (row < column.data.length / column.stride ? number(cell(column, row)) : ""));
    row++;
    return extended(line, values, separator);
  });
  const rows = columns[0] ? columns[0].data.length / columns[0].stride : row;
  if (row !== rows) {
    throw new InputError(`${file}: has ${row} rows, the arrays have ${rows}.`, { file, expected: row, found: rows });
  }
  const end = /\r?\n$|\r$/.exec(lines[first])?.[0] ?? "\n";
  const axes = ["x", "y", "z"].slice(0, cells.length);
  const named = isNumbers && !commented ? [extended(axes.join(separator ?? " "), header, separator) + end] : [];
  const all = [...longer.slice(0, first), ...named, ...longer.slice(first)];
  const parts: Uint8Array[] = [mark];
  for (let at = 0; at < all.length; at += SOME_LINES) parts.push(toLatin1(all.slice(at, at + SOME_LINES).join("")));
  return concatBytes(parts);
}

const isRow = (line: string) => line.trim() !== "" && commentOf(line) === undefined;

/** Joins the lines over which the quoted cells of a row go. */
function wholeRows(lines: readonly string[], separator: string | undefined): string[] {
  const rows: string[][] = [];
  let isOpen = false;
  for (const line of lines) {
    if (isOpen) rows.at(-1)!.push(line);
    else rows.push([line]);
    isOpen = (isOpen || isRow(line)) && goesOn(line, separator, isOpen);
  }
  return rows.map((parts) => parts.join(""));
}

const namesIn = (line: string, split: (line: string) => string[], columns: number) =>
  namesInComment(commentOf(endless(line)) ?? "", split, columns);

const endless = (line: string) => line.replace(/[\r\n]+$/, "");

function extended(line: string, values: readonly string[], separator = " "): string {
  const text = endless(line);
  return [text, ...values].join(separator) + line.slice(text.length);
}

function expectNew(columns: readonly Column[], names: readonly string[], file: string): void {
  const there = columns.find(({ name }) => names.includes(name));
  if (!there) return;
  throw new InputError(`${file}: has a column "${there.name}" already.`, { file, tensor: there.name });
}
