// Decompression of LZF, Marc Lehmann's LibLZF, by which PCL compresses.

/**
 * Decompresses data whose decompressed size should be `size` bytes. Each step begins with a byte: below 32, as many bytes and one
 * more follow as they are; else its upper bits, and the next byte if they are all set, are a length, and its lower bits with a further
 * byte the distance from which so many bytes are repeated.
 * @throws Error for damaged data, and for data of any other size
 */
export function decompressLzf(packed: Uint8Array, size: number): Uint8Array {
  const result = new Uint8Array(size);
  let filled = 0;
  let at = 0;
  while (at < packed.length) {
    const control = packed[at++];
    if (control < 32) {
      const plain = packed.subarray(at, at + control + 1);
      if (plain.length <= control || filled + plain.length > size) throw new Error("it is cut off, or too long");
      result.set(plain, filled);
      at += plain.length;
      filled += plain.length;
      continue;
    }
    const more = control >> 5 === 7 ? packed[at++] : 0;
    const length = (control >> 5) + 2 + more;
    const start = filled - ((control & 31) << 8) - packed[at++] - 1;
    // Written so that undefined bytes, beyond the end, are refused, too.
    if (!(start >= 0 && filled + length <= size)) throw new Error("it repeats what is not there, or too much");
    // What is repeated may begin with what is being written.
    for (let i = 0; i < length; i++) result[filled + i] = result[start + i];
    filled += length;
  }
  if (filled !== size) throw new Error(`it unpacks to only ${filled} bytes`);
  return result;
}
