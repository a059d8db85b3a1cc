// The bytes of a pickle, read one after the other: numbers, texts and lines, as the arguments of its opcodes.

import type { FormatError } from "../../errors.ts";
import { toDataView } from "../bytes/bytes.ts";

export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #error: (problem: string, offset: number) => FormatError;
  readonly #text = new TextDecoder("utf-8", { fatal: true });
  #offset = 0;

  /** @param error makes the error to throw, from the problem and its offset in bytes */
  constructor(bytes: Uint8Array, error: (problem: string, offset: number) => FormatError) {
    this.#bytes = bytes;
    this.#view = toDataView(bytes);
    this.#error = error;
  }

  /** The number of bytes that have been read. */
  get offset(): number {
    return this.#offset;
  }

  /** Makes an error about the place that has been reached. */
  wrong(problem: string): FormatError {
    return this.#error(problem, this.#offset);
  }

  /** Passes over bytes; returns where they begin. @throws FormatError if there are not so many */
  skip(count: number): number {
    if (count > this.#bytes.length - this.#offset) throw this.wrong(`is cut short: ${count} bytes more were expected`);
    this.#offset += count;
    return this.#offset - count;
  }

  uint8(): number {
    return this.#view.getUint8(this.skip(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.skip(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.skip(4), true);
  }

  int32(): number {
    return this.#view.getInt32(this.skip(4), true);
  }

  float64(): number {
    return this.#view.getFloat64(this.skip(8), false);
  }

  /** A length of 64 bits; infinite if it exceeds the file. */
  longLength(): number {
    const length = this.#view.getBigUint64(this.skip(8), true);
    return length > BigInt(this.#bytes.length) ? Number.POSITIVE_INFINITY : Number(length);
  }

  /** A signed integer of this many bytes; a bigint where a number would lose digits. */
  integer(length: number): number | bigint {
    const start = this.skip(length);
    let value = 0n;
    for (let at = start + length - 1; at >= start; at--) value = (value << 8n) | BigInt(this.#bytes[at]);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  slice(length: number): Uint8Array {
    const start = this.skip(length);
    return this.#bytes.slice(start, start + length);
  }

  text(length: number): string {
    const start = this.skip(length);
    return this.#decode(start, start + length);
  }

  /** A text up to the end of its line. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#offset);
    if (end < 0) throw this.wrong("is cut short: a line has no end");
    return this.#decode(this.skip(end + 1 - this.#offset), end);
  }

  #decode(start: number, end: number): string {
    try {
      return this.#text.decode(this.#bytes.slice(start, end));
    } catch {
      throw this.wrong("holds a text that is not UTF-8");
    }
  }
}
