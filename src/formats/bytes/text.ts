// What the text formats share: reading words and lines of a file, and strict parsing and formatting of numbers.

import { limits } from "../../limits.ts";
import { expectRows, expectWithin } from "./bytes.ts";

const windowBytes = 65_536;

// The pattern matches digits in only one way, so that a line of nothing but digits takes linear time.
const decimal = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/;

/** Parses a decimal number; `NaN` for anything else ("", "0x1", "1,5"). */
export function parseDecimal(word: string): number {
  return decimal.test(word) ? Number(word) : Number.NaN;
}

/** Parses a decimal number; `NaN` for anything else and for numbers beyond float32's range. */
export function parseNumber(word: string): number {
  const value = parseDecimal(word);
  return Number.isFinite(Math.fround(value)) ? value : Number.NaN;
}

/** Parses a decimal number as float32; `NaN` for what `parseNumber` does not parse. */
export const parseFloat32 = (word: string): number => Math.fround(parseNumber(word));

/** Parses the words that files have for what is no finite number, such as "nan", "-inf" or "Infinity"; undefined for anything else. */
export function parseNonFinite(word: string): number | undefined {
  const [, sign, name] = /^([-+]?)(nan|inf)(?:inity)?(?:\([a-z\d]*\))?$/i.exec(word) ?? [];
  if (name === undefined) return undefined;
  return name.toLowerCase() === "nan" ? Number.NaN : sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Parses an integer; `NaN` for anything else and for integers that a float64 cannot represent exactly. */
export function parseInteger(word: string): number {
  if (!/^-?\d+$/.test(word)) return Number.NaN;
  const value = Number(word);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** Parses a non-negative integer; `NaN` for anything else, a missing word included. */
export function parseCount(word: string | undefined): number {
  const value = parseInteger(word ?? "");
  return value >= 0 ? value : Number.NaN;
}

/** Returns the shortest decimal number that is read back as the same float32; "nan", "inf" and "-inf" as NumPy and pandas read them. */
export function formatFloat32(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  // Nine digits distinguish all float32 values.
  for (let digits = 6; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(9)));
}

/** The byte of each character that is decoded from one. */
function bytesOfCharacters(): Map<string, number> {
  const characters = new TextDecoder("latin1").decode(Uint8Array.from({ length: 256 }, (_, byte) => byte));
  return new Map([...characters].map((character, byte) => [character, byte]));
}

/** Decodes text of any encoding, one character per byte; `toLatin1` gives the same bytes back. */
export function fromLatin1(bytes: Uint8Array): string {
  // A slice copies the bytes, because text decoders reject shared memory.
  return new TextDecoder("latin1").decode(bytes.slice());
}

/** Encodes what `fromLatin1` has decoded. */
export function toLatin1(text: string): Uint8Array<ArrayBuffer> {
  const byteOf = bytesOfCharacters();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    bytes[i] = code < 0x80 ? code : (byteOf.get(text[i]) as number);
  }
  return bytes;
}

/** Decodes a name as UTF-8, if it is: text is decoded here one character per byte. */
export function decodeName(text: string): string {
  if (!/[^\0-\x7f]/.test(text)) return text;
  const byteOf = bytesOfCharacters();
  return text.replace(/[^\0-\x7f]+/g, (run) => {
    const bytes = Array.from(run, (character) => byteOf.get(character));
    if (bytes.includes(undefined)) return run;
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes as number[]));
    } catch {
      return run;
    }
  });
}

/** Splits a line into words. */
export function splitWords(line: string): string[] {
  const trimmed = line.trim();
  return trimmed === "" ? [] : trimmed.split(/\s+/);
}

/** Returns the length of the byte order mark of UTF-8 at the beginning of a file: 0 if there is none. */
export function byteOrderMarkLength(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** Reads a file word by word or line by line, and keeps the offset, so that binary data may follow. */
export class TextReader {
  readonly #bytes: Uint8Array;
  readonly #file: string;
  /** The part of the file that is decoded, and its offset. */
  #window = "";
  #windowStart = 0;
  /** The offset in the file from which the next call reads. */
  offset: number;
  /** The number of lines that `line` has read, which is the number of the last one, counted from 1. */
  lineNumber = 0;

  /** The character that ends a line: LF, perhaps after a CR, or a CR alone in old files. The end of the first line decides. */
  readonly #lineEnd: number;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#file = file;
    this.offset = byteOrderMarkLength(bytes);
    const newline = bytes.indexOf(0x0a);
    const carriage = bytes.subarray(0, newline < 0 ? bytes.length : newline).indexOf(0x0d);
    this.#lineEnd = carriage >= 0 && carriage !== newline - 1 ? 0x0d : 0x0a;
  }

  /** Returns the next word, words being separated by white space; undefined at the end of the file. */
  word(): string | undefined {
    const bytes = this.#bytes;
    let start = this.offset;
    while (start < bytes.length && bytes[start] <= 0x20) start++;
    let end = start;
    while (end < bytes.length && bytes[end] > 0x20) end++;
    this.offset = end;
    return end > start ? this.#decode(start, end) : undefined;
  }

  /** Returns the rest of this line without its end; undefined at the end of the file. */
  line(): string | undefined {
    const bytes = this.#bytes;
    if (this.offset >= bytes.length) return undefined;
    const start = this.offset;
    const newline = bytes.indexOf(this.#lineEnd, start);
    const end = newline < 0 ? bytes.length : newline;
    this.offset = newline < 0 ? end : newline + 1;
    this.lineNumber++;
    return this.#decode(start, end > start && bytes[end - 1] === 0x0d ? end - 1 : end);
  }

  /** Returns the next line that is not blank. */
  filledLine(): string | undefined {
    for (let line = this.line(); line !== undefined; line = this.line()) {
      if (line.trim() !== "") return line;
    }
    return undefined;
  }

  /** Returns the number of lines left, without reading them. */
  countLines(): number {
    const bytes = this.#bytes;
    let count = 0;
    for (let at = this.offset; at < bytes.length; at++) if (bytes[at] === this.#lineEnd) count++;
    return count + (this.left > 0 && bytes[bytes.length - 1] !== this.#lineEnd ? 1 : 0);
  }

  /**
   * Refuses a further row if there are as many as the limit allows.
   * @param rows the number of rows before it
   * @param what the rows are: "vertices"
   * @throws FormatError
   */
  expectRoom(rows: number, what: string): void {
    if (rows < limits.rows) return;
    // Not all of the lines left have to be rows.
    expectRows(rows + 1 + this.countLines(), `${what} at most`, this.#file);
  }

  /** The number of bytes left. A file cannot hold more numbers than that, whatever its header claims. */
  get left(): number {
    return this.#bytes.length - this.offset;
  }

  /** Decodes a range of the file. A whole window is decoded at once, because most words and lines are only a few bytes long. */
  #decode(start: number, end: number): string {
    if (start < this.#windowStart || end > this.#windowStart + this.#window.length) {
      // No line of the formats read here is nearly as long.
      const problem = `not text: a line of ${end - start} bytes at byte ${start}`;
      expectWithin("lineBytes", end - start, this.#file, problem, { offset: start });
      // A slice copies the bytes, because text decoders reject shared memory.
      const bytes = this.#bytes.slice(start, Math.max(end, start + windowBytes));
      this.#window = new TextDecoder("latin1").decode(bytes);
      this.#windowStart = start;
    }
    return this.#window.slice(start - this.#windowStart, end - this.#windowStart);
  }
}
