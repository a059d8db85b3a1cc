// What the text formats share: the words and lines of a file, and strict numbers.

import { formatError } from "./bytes.ts";

/** No line of the formats read here is near this long: what is, is no text file. */
const maximumLineLength = 1_000_000;
const windowBytes = 65_536;
/** One character a byte. */
export const latin1 = new TextDecoder("latin1");

// Digits can be taken in one way only, so that a line of nothing else takes linear time.
const decimal = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/;

/** A decimal number as float32; `NaN` for anything else ("", "0x1", "1,5") and for what float32 cannot hold. */
export function parseFloat32(word: string): number {
  if (!decimal.test(word)) return Number.NaN;
  const value = Math.fround(Number(word));
  return Number.isFinite(value) ? value : Number.NaN;
}

/** A whole number; `NaN` for anything else and for what cannot be held exactly. */
export function parseInteger(word: string): number {
  if (!/^-?\d+$/.test(word)) return Number.NaN;
  const value = Number(word);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** A whole number that is not negative; `NaN` for anything else, a missing word included. */
export function parseCount(word: string | undefined): number {
  const value = parseInteger(word ?? "");
  return value >= 0 ? value : Number.NaN;
}

/** The shortest decimal number that is read as the same float32; "nan", "inf" and "-inf" as NumPy and pandas read them. */
export function formatFloat32(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  // Nine digits tell every float32 from all others.
  for (let digits = 6; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(9)));
}

const byteOfCharacter = new Map(
  [...latin1.decode(Uint8Array.from({ length: 256 }, (_, byte) => byte))].map((character, byte) => [character, byte]),
);

/** A name as its writer meant it: text is decoded here one character a byte, while names may be UTF-8. */
export function decodeName(text: string): string {
  return text.replace(/[^\0-\x7f]+/g, (run) => {
    const bytes = Array.from(run, (character) => byteOfCharacter.get(character));
    if (bytes.includes(undefined)) return run;
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes as number[]));
    } catch {
      return run;
    }
  });
}

/** The words of a line. */
export function splitWords(line: string): string[] {
  const trimmed = line.trim();
  return trimmed === "" ? [] : trimmed.split(/\s+/);
}

/** Reads a file word by word or line by line, and knows how far it is, so that binary data may follow. */
export class TextReader {
  readonly #bytes: Uint8Array;
  readonly #file: string;
  /** The part of the file that has been decoded, and where it begins. */
  #window = "";
  #windowStart = 0;
  /** Offset in the file of what is read next. */
  offset = 0;
  /** Lines read so far by `line`: the number of the last one, counted from 1. */
  lineNumber = 0;

  /** What ends a line: LF, which CR may stand before, or CR alone as old programs write it. The first line's end says which. */
  readonly #lineEnd: number;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#file = file;
    // A byte order mark.
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.offset = 3;
    const newline = bytes.indexOf(0x0a);
    const carriage = bytes.subarray(0, newline < 0 ? bytes.length : newline).indexOf(0x0d);
    this.#lineEnd = carriage >= 0 && carriage !== newline - 1 ? 0x0d : 0x0a;
  }

  /** The next word, words being separated by white space; undefined at the end. */
  word(): string | undefined {
    const bytes = this.#bytes;
    let start = this.offset;
    while (start < bytes.length && bytes[start] <= 0x20) start++;
    let end = start;
    while (end < bytes.length && bytes[end] > 0x20) end++;
    this.offset = end;
    return end > start ? this.#decode(start, end) : undefined;
  }

  /** The rest of this line without its end; undefined at the end. */
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

  /** The next line that is not blank. */
  filledLine(): string | undefined {
    for (let line = this.line(); line !== undefined; line = this.line()) {
      if (line.trim() !== "") return line;
    }
    return undefined;
  }

  /** Bytes left: no file holds more numbers than that, whatever its header claims. */
  get left(): number {
    return this.#bytes.length - this.offset;
  }

  /** Latin-1: one character a byte. Decoded by the window, since most words and lines are a few bytes long. */
  #decode(start: number, end: number): string {
    if (start < this.#windowStart || end > this.#windowStart + this.#window.length) {
      if (end - start > maximumLineLength) {
        throw formatError(this.#file, `no text: a line of more than ${maximumLineLength} bytes at byte ${start}.`, {
          offset: start,
          expected: maximumLineLength,
        });
      }
      // slice, not subarray: text decoders refuse shared memory.
      const bytes = this.#bytes.slice(start, Math.max(end, start + windowBytes));
      this.#window = latin1.decode(bytes);
      this.#windowStart = start;
    }
    return this.#window.slice(start - this.#windowStart, end - this.#windowStart);
  }
}
