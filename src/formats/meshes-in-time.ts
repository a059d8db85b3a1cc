// The formats of meshes with fields at several steps in time, on HDF5 or netCDF.

import type { FileBytes } from "./bytes/bytes.ts";
import type { MeshInTime } from "./clouds/mesh-steps.ts";
import { loadExodus } from "./exodus/exodus.ts";
import { forExodus } from "./exodus/extensions.ts";
import { loadVtkHdf } from "./vtk/vtkhdf.ts";

type MeshReader = (bytes: FileBytes, options: { file: string }) => Promise<MeshInTime>;

const meshReaders: Readonly<Record<string, MeshReader>> = { ...forExodus(loadExodus), vtkhdf: loadVtkHdf };

/** Returns a table of what is made of each reader, by the extensions without dots. */
export const forMeshesInTime = <Value>(use: (load: MeshReader) => Value): Record<string, Value> =>
  Object.fromEntries(Object.entries(meshReaders).map(([extension, load]) => [extension, use(load)]));
