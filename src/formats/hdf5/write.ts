// Writes HDF5 files.

import { InputError } from "../../errors.ts";
import { bytesOf } from "../bytes/bytes.ts";
import { type NamedTensors, type SafeTensorInput, tensorEntries, tensorType } from "../bytes/elements.ts";
import { FLOAT, floats, INTEGER } from "./elements.ts";
import type { H5Module } from "./h5wasm.ts";
import { allocate, PATH, withLibrary } from "./library.ts";

/** See lazy.ts. */
export async function saveHdf5(
  arrays: NamedTensors,
  options: { compress?: boolean } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const tensors = tensorEntries(arrays);
  return await withLibrary((library) => {
    const file = library.open(PATH, library.H5F_ACC_TRUNC, false, -1, -1);
    try {
      for (const [path, array] of tensors) writeDataset(library, file, path, array, options?.compress ?? false);
    } finally {
      library.close_file(file);
    }
    const bytes = library.FS.readFile(PATH).slice();
    library.FS.unlink(PATH);
    return bytes;
  });
}

/** The number of the deflate filter in HDF5, and the compression level. */
const DEFLATE = 1;
const DEFLATE_LEVEL = 4;

function writeDataset(library: H5Module, file: bigint, path: string, array: SafeTensorInput, compress: boolean): void {
  const dtype = tensorType(path, array);
  const { shape, data } = array;
  const type = Object.values(floats).includes(dtype) ? FLOAT : INTEGER;
  const written = dtype !== "F16" && dtype !== "BF16" && dtype !== "BOOL";
  if (!written || path.includes("/")) {
    const problem = written ? "a path in groups" : `elements of ${dtype}`;
    throw new InputError(`cannot write "${path}" into an HDF5 file: ${problem}.`, { tensor: path });
  }
  const bytes = bytesOf(data);
  const sizes = shape.map(BigInt);
  // Only chunked data sets can be compressed, and scalars and empty arrays cannot be chunked.
  const packed = compress && shape.length > 0 && data.length > 0;
  const pointer = allocate(library, Math.max(1, bytes.length));
  if (pointer === 0) {
    throw new InputError(`cannot write "${path}": the HDF5 library has no memory for its ${bytes.length} bytes.`, {
      tensor: path,
    });
  }
  try {
    library.HEAPU8.set(bytes, pointer);
    const status = library.create_dataset(file, `/${path}`, BigInt(pointer), {
      type,
      size: data.BYTES_PER_ELEMENT,
      signed: dtype.startsWith("I") || type === FLOAT,
      littleEndian: true,
      vlen: false,
      shape: sizes,
      maxshape: sizes,
      chunks: packed ? sizes : null,
      compression: packed ? DEFLATE : 0,
      compression_opts: packed ? [DEFLATE_LEVEL] : [],
      track_order: false,
    });
    if (status < 0) throw new InputError(`the HDF5 library cannot write "${path}".`, { tensor: path });
  } finally {
    library._free(pointer);
  }
}
