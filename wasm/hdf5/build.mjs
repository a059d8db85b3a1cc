// Writes the HDF5 library's module, as the package h5wasm has it, to wasm/out/hdf5.wasm, and further filters to hdf5-filters.wasm.
import { renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { filtersModule, libraryModule } from "./library.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "out");

export function build() {
  write("hdf5.wasm", libraryModule());
  write("hdf5-filters.wasm", filtersModule());
}

function write(/** @type {string} */ name, /** @type {Buffer} */ bytes) {
  const output = join(folder, name);
  writeFileSync(`${output}.part`, bytes);
  renameSync(`${output}.part`, output);
}
