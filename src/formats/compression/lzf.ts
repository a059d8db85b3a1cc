// Decompression of LZF, Marc Lehmann's LibLZF, by which PCL compresses.

import { LzOutput } from "./lz.ts";

/**
 * Decompresses data whose decompressed size should be `size` bytes. Each step begins with a byte: below 32, as many bytes and one
 * more follow as they are; else its upper bits, and the next byte if they are all set, are a length, and its lower bits with a further
 * byte the distance from which so many bytes are repeated.
 * @throws Error for damaged data, and for data of any other size
 */
export function decompressLzf(packed: Uint8Array, size: number): Uint8Array {
  const output = new LzOutput(size);
  let at = 0;
  while (at < packed.length) {
    const control = packed[at++];
    if (control < 32) {
      output.append(packed, at, control + 1);
      at += control + 1;
      continue;
    }
    const more = control >> 5 === 7 ? packed[at++] : 0;
    const length = (control >> 5) + 2 + more;
    output.repeat(((control & 31) << 8) + packed[at++] + 1, length);
  }
  return output.whole();
}
