// The metadata of a safetensors file, read and added without a look at the tensors.

import { type PartialFile, readPart } from "../sources/partial-file.ts";
import { readHeader, readHeaderEnd, type SafetensorsHeader, writeHeader } from "./header.ts";

/** The number of bytes that are read at first: most headers are smaller. */
const FIRST_PART = 16_384;

/** Reads only the header of a file. @throws FormatError for anything that the format forbids, and if the file has another size */
export async function readHeaderOf(source: PartialFile): Promise<SafetensorsHeader> {
  const { file, size } = source;
  const bytes = await readPart(source, 0, Math.min(FIRST_PART, size));
  const dataStart = readHeaderEnd(bytes, size, file);
  return readHeader(dataStart > bytes.length ? await readPart(source, 0, dataStart) : bytes, size, file);
}

/**
 * Returns a safetensors file with further metadata. The tensors' bytes are copied as they are.
 * @param file name used in error messages
 * @throws FormatError if the file's header is not valid
 */
export function addMetadata(
  bytes: Uint8Array,
  more: Readonly<Record<string, string>>,
  file: string,
): Uint8Array<ArrayBuffer> {
  const { entries, metadata, dataStart } = readHeader(bytes, bytes.length, file);
  const header = writeHeader(entries, { ...metadata, ...more });
  const result = new Uint8Array(header.length + bytes.length - dataStart);
  result.set(header);
  result.set(bytes.subarray(dataStart), header.length);
  return result;
}
