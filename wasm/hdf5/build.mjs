// Writes the HDF5 library's module, as the package h5wasm has it, to wasm/out/hdf5.wasm.
import { renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { libraryModule } from "./library.mjs";

const output = join(dirname(fileURLToPath(import.meta.url)), "..", "out", "hdf5.wasm");

export function build() {
  writeFileSync(`${output}.part`, libraryModule());
  renameSync(`${output}.part`, output);
}
