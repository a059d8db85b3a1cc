// Positions from any file a user may have: the reader is chosen by the file name's extension.

import { type FileBytes, formatError } from "./bytes.ts";
import { loadCsv } from "./csv.ts";
import type { SafeTensor } from "./elements.ts";
import { loadNpy } from "./npy.ts";
import { loadNpz } from "./npz.ts";
import { loadObj } from "./obj.ts";
import { loadPly } from "./ply.ts";
import { type PointCloud, toPointCloud } from "./positions.ts";
import { loadSafetensors } from "./safetensors.ts";
import { loadVtk } from "./vtk.ts";

export type { PointCloud } from "./positions.ts";

/** What an array of positions is called in files that hold several. */
const positionNames = ["node_positions", "positions", "position", "pos", "points", "pointcloud"];

const readers: Record<string, (bytes: FileBytes, file: string) => PointCloud> = {
  safetensors: (bytes, file) => choosePositions(loadSafetensors(bytes, { file }).tensors, file),
  npy: (bytes, file) => toPointCloud(loadNpy(bytes, { file }), file),
  npz: (bytes, file) => {
    // What else is in the archive may be no numbers.
    const named = loadNpz(bytes, { file, only: positionNames });
    return choosePositions(named.size > 0 ? named : loadNpz(bytes, { file }), file);
  },
  ply: (bytes, file) => loadPly(bytes, { file }),
  obj: (bytes, file) => loadObj(bytes, { file }),
  vtk: (bytes, file) => loadVtk(bytes, { file }),
  csv: (bytes, file) => loadCsv(bytes, { file }),
};

/** The extensions that `readPointCloud` knows, with their dots. */
export const pointCloudExtensions: readonly string[] = Object.keys(readers).map((extension) => `.${extension}`);

/**
 * Reads the positions of one point cloud.
 * @param fileName chooses the reader by its extension, and names the file in error messages
 * @throws FormatError for an unknown extension, a file without points, or one that its format's reader refuses.
 */
export function readPointCloud(bytes: FileBytes, fileName: string): PointCloud {
  const extension = /\.(\w+)$/.exec(fileName)?.[1]?.toLowerCase() ?? "";
  if (!Object.hasOwn(readers, extension)) {
    throw formatError(
      fileName,
      `cannot tell the format by the extension "${extension}"; known are ${pointCloudExtensions.join(", ")}.`,
      { expected: [...pointCloudExtensions], found: extension },
    );
  }
  const { positions, dimensionality } = readers[extension](bytes, fileName);
  if (positions.length === 0) throw formatError(fileName, "holds no points.", { expected: 1, found: 0 });
  return { positions, dimensionality };
}

/** The array that is named as positions are, or the only one there is. */
function choosePositions(arrays: ReadonlyMap<string, SafeTensor>, file: string): PointCloud {
  const names = [...arrays.keys()];
  const name = positionNames.find((candidate) => arrays.has(candidate)) ?? (names.length === 1 ? names[0] : undefined);
  const array = name === undefined ? undefined : arrays.get(name);
  if (!array) {
    throw formatError(file, `holds no array named ${positionNames.join(", ")}, but ${names.join(", ") || "none"}.`, {
      expected: positionNames,
      found: names,
    });
  }
  return toPointCloud(array, `${file}:${name}`);
}
