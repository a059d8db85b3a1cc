// The rows of a table that is read: its first row, which tells how cells are separated and what the columns are called, and the
// numbers of the others.

import { expectRows, formatError } from "../bytes/bytes.ts";
import { decodeName, parseNonFinite, parseNumber, TextReader } from "../bytes/text.ts";
import { namesInComment, numbered } from "./csv-names.ts";
import {
  commentOf,
  goesOn,
  hasNumbers,
  mayHaveDecimalCommas,
  separatorOf,
  splitBy,
  withDecimalPoint,
} from "./csv-rows.ts";

export class TableRows {
  /** The number of columns. */
  readonly width: number;
  /** Undefined if the columns have no names. */
  readonly names: readonly string[] | undefined;
  /** The number of points that the first line promises. */
  readonly promised: number | undefined;
  readonly #reader: TextReader;
  readonly #file: string;
  readonly #separator: string | undefined;
  readonly #split: (row: string) => string[];
  readonly #numbers: NumberCells;
  readonly #hasHeader: boolean;
  /** The first row, if it holds numbers, until it is returned. */
  #first: string | undefined;
  /** The line of the row that was read last. */
  #line: number;

  /**
   * Reads the first row.
   * @param isCloudTable whether columns without names are named, and the first line may be the number of points
   * @throws FormatError for what is no text, and for a table without rows
   */
  constructor(bytes: Uint8Array, file: string, isCloudTable: boolean) {
    expectText(bytes, file);
    const reader = new TextReader(bytes, file);
    this.#reader = reader;
    this.#file = file;
    let comment = "";
    const keepComment = (text: string) => {
      comment = text;
    };
    let begin = nextLine(reader, keepComment);
    this.promised = isCloudTable && /^\s*\d+\s*$/.test(begin ?? "") ? Number(begin) : undefined;
    if (this.promised !== undefined) begin = nextLine(reader, keepComment);
    if (begin === undefined) throw formatError(file, "holds no rows.", { expected: 1, found: 0 });
    this.#separator = separatorOf(begin);
    this.#split = splitBy(this.#separator);
    this.#numbers = new NumberCells(this.#separator);
    this.#line = reader.lineNumber;
    const row = this.#wholeRow(begin);
    const cells = this.#split(decodeName(row));
    this.width = cells.length;
    this.#hasHeader = !hasNumbers(cells, (cell) => !Number.isNaN(this.#numbers.parse(cell)));
    if (this.#hasHeader) this.names = cells;
    else {
      this.names = namesInComment(decodeName(comment), this.#split, this.width);
      if (isCloudTable) this.names ??= numbered(this.width);
      this.#first = row;
    }
  }

  /** @throws FormatError for more lines than the limit `rows` */
  expectWithinLimit(): void {
    expectRows(this.#reader.countLines() + Number(!this.#hasHeader), "rows", this.#file);
  }

  /** Returns the cells of the next row of numbers. @throws FormatError for a row of more or fewer cells than the first */
  next(): string[] | undefined {
    const row = this.#first ?? this.#nextRow();
    this.#first = undefined;
    if (row === undefined) return undefined;
    const cells = this.#split(row);
    if (cells.length === this.width) return cells;
    const hasOneMore = this.#hasHeader && cells.length === this.width + 1;
    // R's write.table gives the column of the rows' names no name.
    const hint = hasOneMore ? ": the first line does not name all columns (R: row.names = FALSE)" : "";
    throw formatError(this.#file, `row ${this.#line}: expected ${this.width} values, found ${cells.length}${hint}.`, {
      row: this.#line,
      expected: this.width,
      found: cells.length,
    });
  }

  /**
   * Returns the number in a cell of the row that was read last.
   * @param options.isCoordinate whether "nan" and "inf" are no numbers: NumPy and `saveCsv` write them where a point has no value
   * @param options.labels the numbers of texts
   * @param options.mayMiss whether a number may be missing, which is NaN then
   * @throws FormatError for another text, and where points and commas before decimals are mixed
   */
  numberIn(cells: readonly string[], column: number, { isCoordinate, labels, mayMiss }: CellOptions): number {
    const [cell, row] = [labels ? decodeName(cells[column]) : cells[column], this.#line];
    const label = labels?.get(cell);
    if (label !== undefined) return label;
    const number = this.#numbers.parse(cell);
    if (this.#numbers.areMixed) {
      const problem = `row ${row}, column ${column + 1}: "${cell}": points and commas before decimals are mixed`;
      throw formatError(this.#file, `${problem}: write all numbers alike.`, { row, column });
    }
    if (!Number.isNaN(number)) return number;
    const value = isCoordinate ? undefined : parseNonFinite(cell);
    if (value !== undefined) return value;
    if (mayMiss && isGap(cell)) return Number.NaN;
    if (labels) {
      const known = [...labels.keys()].map((text) => `"${text}"`).join(", ");
      const problem = `row ${row}, column ${column + 1}: "${cell}" is none of the labels ${known}`;
      throw formatError(this.#file, `${problem}: name it among classes or in ignore.`, { row, column, found: cell });
    }
    const hint = hintOf(cell, this.names?.[column], this.#separator);
    throw formatError(this.#file, `row ${row}, column ${column + 1}: "${decodeName(cell)}" is not a number${hint}.`, {
      row,
      column,
    });
  }

  #nextRow(): string | undefined {
    const begin = nextLine(this.#reader);
    this.#line = this.#reader.lineNumber;
    return begin === undefined ? undefined : this.#wholeRow(begin);
  }

  /** Returns a row that begins with a line, with the further lines over which its quoted cells go. */
  #wholeRow(begin: string): string {
    const row = this.#line;
    const lines = [begin];
    for (let isOpen = goesOn(begin, this.#separator, false); isOpen; ) {
      const line = this.#reader.line();
      if (line === undefined) throw formatError(this.#file, `row ${row}: a quoted cell has no end.`, { row });
      lines.push(line);
      isOpen = goesOn(line, this.#separator, true);
    }
    return lines.length === 1 ? begin : lines.join("\n");
  }
}

/** How a cell is read. */
export interface CellOptions {
  isCoordinate: boolean;
  mayMiss?: boolean | undefined;
  labels?: ReadonlyMap<string | number, number> | undefined;
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
    if (!this.#mayHaveCommas) return parseNumber(cell);
    const withPoint = withDecimalPoint(cell);
    const number = parseNumber(withPoint ?? cell);
    if (withPoint !== undefined) this.#hasCommas = true;
    else if (!Number.isNaN(number) && cell.includes(".")) this.#hasPoints = true;
    this.areMixed = this.#hasCommas && this.#hasPoints;
    return number;
  }
}

/** Whether a cell stands for a number that is missing: pandas leaves it empty, R writes NA. */
const isGap = (cell: string) => /^(|#?n\/?a|null|none)$/i.test(cell);

/** Says what may be meant by a cell that is no number. */
function hintOf(cell: string, name: string | undefined, separator: string | undefined): string {
  if (/^[-+]?\d*,\d+(e[-+]?\d+)?$/i.test(cell))
    return `; expected a point before the decimals (pandas: read_csv(IN, sep=${JSON.stringify(separator ?? "\\s+")}, decimal=",").to_csv(OUT))`;
  if (/^[-+]?\d{1,3}(([.' ]\d{3})+(,\d+)?|([,' ]\d{3})+(\.\d+)?)$/.test(cell))
    return "; expected no separators of thousands";
  if (/^(true|false)$/i.test(cell)) return "; expected 1 or 0 (pandas: astype(int), R: as.integer)";
  if (!isGap(cell)) return "";
  const where = name === undefined ? "" : ` of "${name}"`;
  return `, one${where} is missing: fill the gap (pandas: fillna), or leave out such rows (dropna)`;
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

/** Returns the next line that is neither blank nor a comment. */
function nextLine(reader: TextReader, useComment?: (text: string) => void): string | undefined {
  for (;;) {
    const line = reader.filledLine();
    const comment = line && commentOf(line);
    if (comment === undefined) return line;
    useComment?.(comment);
  }
}
