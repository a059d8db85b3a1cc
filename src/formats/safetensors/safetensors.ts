// The safetensors format: 8 bytes with the header's length, a JSON header, then the tensors' bytes without gaps.
// https://github.com/huggingface/safetensors#format

import { InputError } from "../../errors.ts";
import { bytesOf, elementCount, type FileBytes, readArray, toBytes } from "../bytes/bytes.ts";
import { arrayTypes, type SafeTensor, type SafeTensorInput, tensorEntries, tensorType } from "../bytes/elements.ts";
import { compareText, type HeaderEntry, METADATA, readHeader, writeHeader } from "./header.ts";

export { type SafeTensor, type SafeTensorInput, type SafeTensorType, toFloat32, toInt32 } from "../bytes/elements.ts";
export { isTorchFile } from "./header.ts";

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** Tensors by name, in the order of their bytes in the file. */
  tensors: Map<string, SafeTensor>;
  /** The header's `__metadata__`; empty if there is none. */
  metadata: Record<string, string>;
}

/**
 * Reads a safetensors file.
 * @param options.file name used in error messages (default "safetensors")
 * @throws FormatError for anything that the format forbids: truncated, overlapping or unused bytes, a number of bytes that does
 * not fit the shape, a bad header, duplicate names, an unknown dtype. The message gives tensor, offset, expected and found values.
 */
export function loadSafetensors(input: FileBytes, options: { file?: string } = {}): SafetensorsFile {
  const file = options?.file ?? "safetensors";
  const bytes = toBytes(input);
  const { entries, metadata, dataStart } = readHeader(bytes, bytes.length, file);
  const tensors = new Map<string, SafeTensor>();
  for (const { name, dtype, shape, begin } of entries) {
    tensors.set(name, {
      dtype,
      shape,
      data: readArray(bytes, dataStart + begin, elementCount(shape), arrayTypes[dtype]),
    });
  }
  return { tensors, metadata };
}

/**
 * Writes a safetensors file. The same tensors give the same bytes, in whatever order they are passed: they are sorted by element
 * size, the largest first (so that every tensor is aligned), then by name.
 * @throws InputError for a tensor whose data does not fit its shape or dtype.
 */
export function saveSafetensors(
  tensors: ReadonlyMap<string, SafeTensorInput> | Readonly<Record<string, SafeTensorInput>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  if (typeof metadata !== "object" || metadata === null) {
    throw new InputError("metadata is not an object of strings by name.", { found: typeof metadata });
  }
  const arrays = tensorEntries(tensors).map(([name, tensor]) => {
    if (name === METADATA) {
      throw new InputError(`Cannot save tensor "${name}": the name is reserved.`, { tensor: name });
    }
    const dtype = tensorType(name, tensor);
    return { name, dtype, shape: [...tensor.shape], bytes: bytesOf(tensor.data), width: tensor.data.BYTES_PER_ELEMENT };
  });
  arrays.sort((a, b) => b.width - a.width || compareText(a.name, b.name));

  let end = 0;
  const entries = arrays.map(({ name, dtype, shape, bytes }): HeaderEntry => {
    const begin = end;
    end += bytes.length;
    return { name, dtype, shape, begin, end };
  });
  const header = writeHeader(entries, metadata);
  const result = new Uint8Array(header.length + end);
  result.set(header);
  for (const [i, { bytes }] of arrays.entries()) result.set(bytes, header.length + entries[i].begin);
  return result;
}
