// The instance of the HDF5 library that calls share, its memory and the place of files in its file system.
//
// A damaged file leaves the library in an unknown state: it may keep the file open and return it when the next one is opened, or
// have been interrupted half-way. So an instance that has met an error is not used again.

import { createModule, type H5Module, loadFilters } from "./h5wasm.ts";

/** The path of the file that is read or written. */
export const PATH = "/file.h5";

let instance: Promise<H5Module> | undefined;

/** Calls `use` with an instance of the library, and discards the instance if the call fails. */
export async function withLibrary<T>(use: (library: H5Module) => T): Promise<T> {
  const chosen = (instance ??= createModule());
  try {
    const library = await chosen;
    // Another call that waited for this instance may have met an error meanwhile.
    return chosen === instance ? use(library) : await withLibrary(use);
  } catch (error) {
    if (chosen === instance) instance = undefined;
    throw error;
  }
}

/** Lets calls from now on have an instance with all filters. @throws WorkerError if their file is missing or damaged */
export async function addFilters(): Promise<void> {
  await loadFilters();
  instance = undefined;
}

/** Returns the address of memory in the library, whose addresses have 32 bits: it would take more bytes for the few of their remainder. */
export const allocate = (library: H5Module, bytes: number): number => (bytes < 2 ** 32 ? library._malloc(bytes) : 0);
