// The extensions of HDF5 files, without dots. Those of netCDF-4 are such files.

const hdf5Extensions = ["h5", "hdf5", "nc"];

/** Returns a table with the same value for each of these extensions. */
export const forHdf5 = <Value>(value: Value): Record<string, Value> =>
  Object.fromEntries(hdf5Extensions.map((extension) => [extension, value]));
