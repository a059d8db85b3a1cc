// The memory that the arrays of a compressed file may take: a few kilobytes can be made to unpack to gigabytes.

import type { ErrorDetails } from "../../errors.ts";
import { expectWithin } from "../bytes/bytes.ts";

/** A file may always take this many bytes, however small it is. */
const SMALL = 2 ** 20;

/** Adds up the bytes of a file's arrays, and refuses more than the limits allow before the memory for them is allocated. */
export class Unpacking {
  readonly #fileBytes: number;
  #taken = 0;

  /** @param fileBytes the size of the file */
  constructor(fileBytes: number) {
    this.#fileBytes = fileBytes;
  }

  /**
   * @param bytes of a further array
   * @param file the file's name in error messages, with the array's
   * @throws FormatError
   */
  take(bytes: number, file: string, details: ErrorDetails = {}): void {
    this.#taken += bytes;
    const problem = `with it, a file of ${this.#fileBytes} bytes unpacks to ${this.#taken}`;
    if (this.#taken > SMALL) {
      expectWithin("expansion", Math.ceil(this.#taken / this.#fileBytes), file, problem, details);
    }
    expectWithin("unpackedBytes", this.#taken, file, problem, details);
  }
}
