// NumPy's archive of arrays: a ZIP file that holds NAME.npy for each array NAME.

import { type FileBytes, toBytes } from "./bytes.ts";
import type { SafeTensor } from "./elements.ts";
import { loadNpy } from "./npy.ts";
import { openZip } from "./zip.ts";

/**
 * Reads all arrays of an archive, compressed or not.
 * @param options.file name used in error messages (default "npz")
 * @param options.only read just these arrays: an archive may hold far more than is asked for
 * @throws FormatError for a damaged archive, or an entry that is no array of numbers.
 */
export function loadNpz(
  input: FileBytes,
  options: { file?: string; only?: readonly string[] } = {},
): Map<string, SafeTensor> {
  const file = options.file ?? "npz";
  const arrays = new Map<string, SafeTensor>();
  for (const entry of openZip(toBytes(input), file)) {
    const name = entry.name.replace(/\.npy$/, "");
    if (options.only && !options.only.includes(name)) continue;
    arrays.set(name, loadNpy(entry.read(), { file: `${file}:${entry.name}` }));
  }
  return arrays;
}
