// Decompression of deflated data to a known size and no further: a few kilobytes can be made to inflate to gigabytes.

import { Inflate, inflateSync } from "fflate";
import { toDataView } from "../bytes/bytes.ts";
import { adler32 } from "./checksums.ts";

/** The largest compression ratio of deflate. A size beyond it is false, and is rejected before memory is allocated. */
export const MAX_DEFLATED = 1032;
/** Bytes of input that are decompressed at a time; the output is at most `MAX_DEFLATED` times as large. */
const CHUNK = 32_768;

/**
 * Decompresses data whose decompressed size should be `size` bytes.
 * @throws Error for damaged data, and for data of any other size
 */
export function inflate(packed: Uint8Array, size: number): Uint8Array {
  // One byte more than expected, so that data that continues is noticed.
  const result =
    packed.length <= CHUNK ? inflateSync(packed, { out: new Uint8Array(size + 1) }) : inflateLong(packed, size);
  if (result.length !== size) {
    throw new Error(
      `it unpacks to ${result.length > size ? "more than" : "only"} ${Math.min(result.length, size)} bytes`,
    );
  }
  return result;
}

function inflateLong(packed: Uint8Array, size: number): Uint8Array {
  const inflater = new RangeInflater(0, size + 1);
  inflater.push(packed, true);
  return inflater.bytes.subarray(0, inflater.filled);
}

/**
 * Returns the bytes from `start` to `end` of the decompressed data; what follows them is not decompressed.
 * @throws Error for damaged data, and for data that ends before
 */
export function inflateRange(packed: Uint8Array, start: number, end: number): Uint8Array {
  const inflater = new RangeInflater(start, end);
  inflater.push(packed, true);
  if (!inflater.isDone) throw new Error(`it unpacks to only ${inflater.filled} bytes`);
  return inflater.bytes;
}

/** Decompresses a range of deflated data that may arrive in pieces, in bounded memory. It ignores what follows the range. */
export class RangeInflater {
  /** The range. */
  readonly bytes: Uint8Array;
  readonly #end: number;
  readonly #stream: Inflate;
  #unpacked = 0;

  constructor(start: number, end: number) {
    this.bytes = new Uint8Array(end - start);
    this.#end = end;
    this.#stream = new Inflate((part) => {
      const at = this.#unpacked;
      const from = Math.max(start - at, 0);
      if (!this.isDone && from < part.length) {
        this.bytes.set(part.subarray(from, Math.max(from, end - at)), at + from - start);
      }
      this.#unpacked += part.length;
    });
  }

  get isDone(): boolean {
    return this.#unpacked >= this.#end;
  }

  /** The number of bytes decompressed so far, up to the range's end. */
  get filled(): number {
    return Math.min(this.#unpacked, this.#end);
  }

  /**
   * @param packed the next piece
   * @param isLast whether it is the last piece
   * @throws Error for damaged data
   */
  push(packed: Uint8Array, isLast: boolean): void {
    for (let start = 0; !this.isDone && start < packed.length; start += CHUNK) {
      const end = start + CHUNK;
      this.#stream.push(packed.subarray(start, end), isLast && end >= packed.length);
    }
  }
}

/**
 * Decompresses zlib data, which is deflated data between a header and a checksum, and should give `size` bytes.
 * @throws Error for damaged data, and for data of any other size
 */
export function inflateZlib(packed: Uint8Array, size: number): Uint8Array {
  const [method, flags] = packed;
  if (packed.length < 6 || (method & 15) !== 8 || ((method << 8) | flags) % 31 !== 0 || flags & 32) {
    throw new Error("it does not begin as zlib's data does");
  }
  const end = packed.length - 4;
  const result = inflate(packed.subarray(2, end), size);
  if (adler32(result) !== toDataView(packed).getUint32(end, false)) throw new Error("its checksum is wrong");
  return result;
}
