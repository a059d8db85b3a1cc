// Reads the files of a polymer's trajectory.

import { FormatError } from "../../errors.ts";
import type { SafeTensor } from "../../formats/bytes/elements.ts";
import { loadHdf5 } from "../../formats/hdf5/lazy.ts";
import { allInOrder } from "../../serial.ts";
import { expectFinite, expectShape, integersOf } from "../arrays.ts";
import { type DataSource, joinPath, locate } from "../data-source.ts";
import { DIMENSIONS } from "../space.ts";

/** The number of bead types, which differ in size. */
export const BEAD_TYPES = 4;
/** The number of frames in a window: the model sees all but the last, which gives the target. */
export const WINDOW = 17;

export interface Trajectory {
  /** The number of frames that are used; the file may have more. */
  frames: number;
  beads: number;
  /** [frames, beads, 3] relative to the mean over all stored frames and beads. */
  positions: Float32Array;
  /** [beads] */
  types: Int32Array;
  /** [2 M] each bond in both directions: sources, then targets. */
  edges: Int32Array;
}

/**
 * @param folder the folder of position.h5, ptype.h5 and bond.h5
 * @param most the largest number of frames to use
 * @throws FormatError naming a file that is missing, damaged or does not fit the others
 */
export async function readTrajectory(source: DataSource, folder: string, most: number): Promise<Trajectory> {
  const read = (file: string, name: string) => readDataset(source, joinPath(folder, file), name);
  const [position, type, bond] = await allInOrder([
    read("position.h5", "position"),
    read("ptype.h5", "particle_type"),
    read("bond.h5", "bond_indices"),
  ]);
  expectShape(position.array, [-1, -1, DIMENSIONS], position.file);
  const [stored, beads] = position.array.shape;
  if (stored < WINDOW || beads === 0) {
    throw new FormatError(
      `${position.file}: holds ${stored} frames of ${beads} beads, expected ${WINDOW} or more of some.`,
      {
        file: position.file,
        expected: WINDOW,
        found: stored,
      },
    );
  }
  const types = integersOf(type.array, [beads], BEAD_TYPES, type.file);
  const bonds = integersOf(bond.array, [-1, 2], beads, bond.file);
  const frames = Math.min(most, stored);
  return {
    frames,
    beads,
    positions: centred(position.array, frames * beads * DIMENSIONS, position.file),
    types,
    edges: bothDirections(bonds),
  };
}

async function readDataset(
  source: DataSource,
  path: string,
  name: string,
): Promise<{ array: SafeTensor; file: string }> {
  const file = locate(source, path);
  const content = await (source.blob?.(path) ?? source.read(path));
  const array = (await loadHdf5(content, { file, only: [name] })).get(name) as SafeTensor;
  return { array, file };
}

/** Returns the first `count` numbers minus the mean of each axis over all frames. */
function centred({ dtype, data }: SafeTensor, count: number, file: string): Float32Array {
  if (dtype !== "F32" && dtype !== "F64") {
    throw new FormatError(`${file}: holds elements of ${dtype}, expected F32 or F64.`, { file, found: dtype });
  }
  const values = data as Float32Array | Float64Array;
  expectFinite(values, file);
  const means = [0, 0, 0];
  for (let i = 0; i < values.length; i++) means[i % DIMENSIONS] += values[i];
  for (let axis = 0; axis < DIMENSIONS; axis++) means[axis] /= values.length / DIMENSIONS;
  return Float32Array.from({ length: count }, (_, i) => values[i] - means[i % DIMENSIONS]);
}

function bothDirections(bonds: Int32Array): Int32Array {
  const count = bonds.length / 2;
  const edges = new Int32Array(4 * count);
  for (let bond = 0; bond < count; bond++) {
    const [a, b] = [bonds[2 * bond], bonds[2 * bond + 1]];
    edges[bond] = edges[3 * count + bond] = a;
    edges[count + bond] = edges[2 * count + bond] = b;
  }
  return edges;
}
