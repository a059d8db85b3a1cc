// HDF5 for those who may never meet it: the library, which is 1 MB to download, is loaded with the first call.

type Hdf5 = typeof import("./hdf5.ts");

/** Reads the data sets of numbers in an HDF5 file: see `loadHdf5` of hdf5.ts. */
export async function loadHdf5(...words: Parameters<Hdf5["loadHdf5"]>): ReturnType<Hdf5["loadHdf5"]> {
  return (await import("./hdf5.ts")).loadHdf5(...words);
}

/** Writes arrays into an HDF5 file: see `saveHdf5` of hdf5.ts. */
export async function saveHdf5(...words: Parameters<Hdf5["saveHdf5"]>): ReturnType<Hdf5["saveHdf5"]> {
  return (await import("./hdf5.ts")).saveHdf5(...words);
}
