// The extensions of HDF5 files, without dots. Those of netCDF-4 and of MATLAB (v7.3) are such files.

export const hdf5Extensions: readonly string[] = ["h5", "hdf5", "nc", "mat"];

/** Returns a table with the same value for each of these extensions. */
export const forHdf5 = <Value>(value: Value): Record<string, Value> =>
  Object.fromEntries(hdf5Extensions.map((extension) => [extension, value]));
