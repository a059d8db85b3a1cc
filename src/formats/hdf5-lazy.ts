// HDF5 for programs that may never need it: the first call loads the library, which is a download of 1 MB.

type Hdf5 = typeof import("./hdf5.ts");

/** Reads the numeric data sets of an HDF5 file: see `loadHdf5` of hdf5.ts. */
export async function loadHdf5(...words: Parameters<Hdf5["loadHdf5"]>): ReturnType<Hdf5["loadHdf5"]> {
  return (await import("./hdf5.ts")).loadHdf5(...words);
}

/** Reads a file, and names what is left out: see `readHdf5` of hdf5.ts. */
export async function readHdf5(...words: Parameters<Hdf5["readHdf5"]>): ReturnType<Hdf5["readHdf5"]> {
  return (await import("./hdf5.ts")).readHdf5(...words);
}

/** Writes arrays into an HDF5 file: see `saveHdf5` of hdf5.ts. */
export async function saveHdf5(...words: Parameters<Hdf5["saveHdf5"]>): ReturnType<Hdf5["saveHdf5"]> {
  return (await import("./hdf5.ts")).saveHdf5(...words);
}
