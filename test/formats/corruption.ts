// Damages files: a reader must either return a consistent result or throw a FormatError, whatever its input is.

import { FormatError } from "../../src/errors.ts";

/**
 * Calls a reader; returns undefined if it throws a FormatError that names the file. Any other error fails the test. It is checked
 * without `expect`, which takes longer than most readers, for thousands of files.
 */
export function readOrRefuse<T>(read: (bytes: Uint8Array) => T, bytes: Uint8Array): T | undefined {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof FormatError && typeof error.details.file === "string") return undefined;
    throw error;
  }
}

/** Calls a reader, which must throw a FormatError that names the file: a file that it takes fails the test. */
export function mustRefuse(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  const found = readOrRefuse((file) => ({ result: read(file) }), bytes);
  if (found) throw new Error(`a damaged file of ${bytes.length} bytes was read as one`);
}

/** Yields the file truncated after each of its bytes. */
export function* truncations(bytes: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length++) yield bytes.slice(0, length);
}

/** Yields the file with one byte changed: every byte of the first `end` in turn, by each of the given exclusive-or masks. */
export function* flips(
  bytes: Uint8Array,
  end = bytes.length,
  masks = [0x01, 0x04, 0x10, 0x80, 0xff],
): Generator<Uint8Array> {
  for (let at = 0; at < end; at++) {
    for (const mask of masks) {
      const copy = bytes.slice();
      copy[at] ^= mask;
      yield copy;
    }
  }
}

/** Returns the bytes of text lines. */
export function text(...lines: string[]): Uint8Array {
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/** Concatenates texts and numbers, as binary formats mix them. */
export function concat(...parts: (Uint8Array | ArrayBuffer | string)[]): Uint8Array {
  const chunks = parts.map((part) =>
    typeof part === "string"
      ? new TextEncoder().encode(part)
      : part instanceof Uint8Array
        ? part
        : new Uint8Array(part),
  );
  const result = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}

/** Returns the bytes of numbers, which a method of DataView writes in either byte order. */
export function numbers(
  type: "Float32" | "Float64" | "Int32" | "Int16" | "Uint8",
  values: readonly number[],
  littleEndian = true,
): Uint8Array {
  const width = { Float32: 4, Float64: 8, Int32: 4, Int16: 2, Uint8: 1 }[type];
  const view = new DataView(new ArrayBuffer(values.length * width));
  values.forEach((value, i) => {
    view[`set${type}`](i * width, value, littleEndian);
  });
  return new Uint8Array(view.buffer);
}
