// Reads numbers and words of a legacy VTK file, in text or binary.

import type { ErrorDetails, FormatError } from "../../errors.ts";
import { expectRows, formatError, toDataView } from "../bytes/bytes.ts";
import { type NumberType, numberTypes } from "../bytes/numbers.ts";
import { parseCount, parseInteger, parseNumber, TextReader } from "../bytes/text.ts";
import { missingAttribute } from "../clouds/positions.ts";
import { Unpacking } from "../compression/unpacking.ts";

const types: Record<string, NumberType> = {
  char: numberTypes.i1,
  unsigned_char: numberTypes.u1,
  short: numberTypes.i2,
  unsigned_short: numberTypes.u2,
  int: numberTypes.i4,
  unsigned_int: numberTypes.u4,
  long: numberTypes.i8,
  unsigned_long: numberTypes.u8,
  signed_char: numberTypes.i1,
  // VTK writes its indices as int, whatever their type in memory is.
  vtkidtype: numberTypes.i4,
  vtktypeint32: numberTypes.i4,
  vtktypeint64: numberTypes.i8,
  vtktypeuint64: numberTypes.u8,
  float: numberTypes.f4,
  double: numberTypes.f8,
};

/** The type of an array: of numbers, or what can only be skipped. */
export type ArrayType = NumberType | "bit" | "string";

/** Reads a file from its beginning to its end. Errors name the file and the current offset or line. */
export class VtkReader {
  readonly text: TextReader;
  /** Whether numbers are binary, which the file's third line says. */
  binary = false;
  readonly #bytes: Uint8Array;
  readonly #file: string;

  constructor(bytes: Uint8Array, file: string) {
    this.text = new TextReader(bytes, file);
    this.#bytes = bytes;
    this.#file = file;
  }

  /** Returns the next word; undefined at the end of the file. */
  word(): string | undefined {
    return this.text.word();
  }

  /** Returns the `length` numbers that follow the current line. */
  numbers(length: number, type: NumberType, section: string): Float64Array {
    const reader = this.text;
    reader.line();
    const least = this.binary ? length * type.width : length * 2 - 1;
    if (least > reader.left) {
      throw this.error(`${section}: truncated, ${length} numbers take at least ${least} bytes, found ${reader.left}.`, {
        expected: least,
        found: reader.left,
      });
    }
    const result = new Float64Array(length);
    if (this.binary) {
      const view = toDataView(this.#bytes);
      for (let i = 0; i < length; i++) result[i] = type.read(view, reader.offset + i * type.width, false);
      reader.offset += length * type.width;
      return result;
    }
    const parse = type.integer ? parseInteger : parseNumber;
    for (let i = 0; i < length; i++) {
      const word = this.word() ?? "";
      result[i] = parse(word);
      if (Number.isNaN(result[i])) {
        throw this.error(`${section}: number ${i} of ${length} is "${word.slice(0, 40)}".`, { row: i });
      }
    }
    return result;
  }

  /** Skips `length` values that follow the current line. They are not parsed, so they may be anything: "nan", say. */
  skip(length: number, type: ArrayType, section: string): void {
    if (type === "string") this.#skipStrings(length, section);
    else if (!this.binary) this.#skipWords(length, section);
    else if (type !== "bit") this.numbers(length, type, section);
    // Eight of them are a byte.
    else this.numbers(Math.ceil(length / 8), numberTypes.u1, section);
  }

  #skipWords(length: number, section: string): void {
    for (let i = 0; i < length; i++) {
      if (this.word() === undefined) throw this.error(`${section}: truncated at value ${i} of ${length}.`);
    }
  }

  /** Strings stand on a line each; in binary, their lengths stand before them, in 1, 2, 4 or 8 bytes, as the first two bits say. */
  #skipStrings(length: number, section: string): void {
    const reader = this.text;
    reader.line();
    for (let i = 0; i < length; i++) {
      const truncated = () => this.error(`${section}: truncated at value ${i} of ${length}.`);
      if (!this.binary) {
        if (reader.line() === undefined) throw truncated();
        continue;
      }
      if (reader.left === 0) throw truncated();
      const width = [8, 4, 2, 1][this.#bytes[reader.offset] >> 6];
      if (reader.left < width) throw truncated();
      let size = this.#bytes[reader.offset] & 0x3f;
      for (let byte = 1; byte < width; byte++) size = size * 256 + this.#bytes[reader.offset + byte];
      if (reader.left < width + size) throw truncated();
      reader.offset += width + size;
    }
  }

  integers(length: number, type: NumberType, section: string): Int32Array {
    const numbers = this.numbers(length, type, section);
    const result = Int32Array.from(numbers);
    const wrong = numbers.findIndex((value, i) => value !== result[i]);
    if (wrong >= 0)
      throw this.error(`${section}: number ${wrong} is ${numbers[wrong]}, no 32-bit integer.`, { row: wrong });
    return result;
  }

  count(section: string): number {
    const word = this.word();
    const count = parseCount(word);
    if (Number.isNaN(count)) throw this.error(`${section}: expected a count, found "${word?.slice(0, 40) ?? ""}".`);
    return count;
  }

  /** Reads the number of points or cells. */
  rows(section: string): number {
    const count = this.count(section);
    // More than there are bytes is false, and refused where the numbers are read.
    if (count <= this.text.left) expectRows(count, section, this.#file);
    return count;
  }

  /** Counts points that the file does not list. @throws FormatError for more than are accepted of a file of its size */
  takePoints(count: number): void {
    expectRows(count, "points", this.#file);
    const bytes = 3 * count * Float64Array.BYTES_PER_ELEMENT;
    new Unpacking(this.#bytes.length).take(bytes, this.#file, { tensor: "POINTS" });
  }

  arrayType(section: string): ArrayType {
    const word = this.word()?.toLowerCase() ?? "";
    if (word === "utf8_string") return "string";
    return word === "bit" || word === "string" ? word : this.type(section, word);
  }

  type(section: string, word = this.word()?.toLowerCase() ?? ""): NumberType {
    if (!Object.hasOwn(types, word)) {
      throw this.error(`${section}: "${word.slice(0, 40)}" is not a known type of numbers.`, {
        expected: Object.keys(types),
      });
    }
    return types[word];
  }

  /** Skips a section that describes the previous array, up to the blank line that ends it. */
  skipMetadata(): void {
    // The first line is the rest of the section's own line.
    this.text.line();
    for (let line = this.text.line(); line !== undefined && line.trim() !== ""; line = this.text.line());
  }

  missing(name: string, found: readonly string[]): FormatError {
    return missingAttribute(this.#file, name, found);
  }

  error(problem: string, details: ErrorDetails = {}): FormatError {
    return formatError(this.#file, problem, { offset: this.text.offset, ...details });
  }
}
