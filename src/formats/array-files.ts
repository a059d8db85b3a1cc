// Formats of many named arrays whose readers are loaded when the first file needs them: HDF5's, and those of others that may be HDF5.

import type { FileBytes } from "./bytes/bytes.ts";
import type { ArrayContents } from "./bytes/elements.ts";
import type { MeshLocation } from "./clouds/mesh.ts";
import { arraysOfMesh } from "./clouds/mesh-steps.ts";
import { forHdf5 } from "./hdf5/extensions.ts";
import { readHdf5 } from "./hdf5/lazy.ts";
import { readMatlab } from "./matlab/matlab.ts";
import { forMeshesInTime } from "./meshes-in-time.ts";

/**
 * @param options.texts which arrays of texts are read as well, by their names; MATLAB's and those of meshes are not
 * @param options.location whose fields are read of a mesh: its points', by default, or its cells'
 */
type ArrayFileReader = (
  bytes: FileBytes,
  options: { file: string; texts?: (name: string) => boolean; location?: MeshLocation | undefined },
) => Promise<ArrayContents>;

/** The readers by their extensions, without dots. */
export const arrayFileReaders: Readonly<Record<string, ArrayFileReader>> = {
  ...forHdf5(readHdf5),
  mat: readMatlab,
  ...forMeshesInTime(
    (load): ArrayFileReader =>
      async (bytes, { file, location }) =>
        arraysOfMesh(await load(bytes, { file }), location),
  ),
};

/** Returns a table of what is made of each reader, by the same extensions. */
export const forArrayFiles = <Value>(use: (read: ArrayFileReader) => Value): Record<string, Value> =>
  Object.fromEntries(Object.entries(arrayFileReaders).map(([extension, read]) => [extension, use(read)]));
