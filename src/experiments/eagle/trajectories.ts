// Reads flows from NumPy's files: windows of consecutive frames, of which only the requested frames are read.

import { FormatError } from "../../errors.ts";
import { uniqueEdges } from "../../formats/clouds/cells.ts";
import { type ArchiveReader, openNpyRows, openNpzRows, type RowReader } from "../../formats/numpy/npy-rows.ts";
import { allInOrder } from "../../serial.ts";
import { expectShape, floatsOf, integersOf } from "../arrays.ts";
import { type DataSource, hasFolder, joinPath, locate, partialFile, readLines } from "../data-source.ts";
import type { Split, SplitName } from "../experiment.ts";

/** The number of variables in a node's state: velocity along both axes, static and dynamic pressure. */
export const STATE = 4;
/** The standardisation of the published flows: what is subtracted from the variables of a state, and what they are divided by. */
export const STATE_MEAN = [-0.0015, 0.2211, -0.8322, 4.605];
export const STATE_DEVIATION = [1.797, 2.0258, 7.4013, 9.7232];
/** The types of nodes in the data. */
export const NODE_TYPES = { normal: 0, disabled: 2, inflow: 4, outflow: 5, wall: 6 };
/** The number of node types in the model; the data has five. */
export const NODE_KINDS = 9;

const DIMENSIONS = 2;
const TRAINING_FRAMES = 6;
const VALIDATION_FRAMES = 2;
/** The first frame of windows for validation and test. */
const FIRST_HELD_OUT = 100;
const LISTS: Record<SplitName, string> = { train: "train.txt", val: "valid.txt", test: "test.txt" };

/** A window of consecutive frames of a flow. */
export interface FlowWindow {
  nodes: number;
  frames: number;
  /** [frames, nodes, 2] */
  positions: Float32Array;
  /** [frames, nodes, 4] normalised states. */
  states: Float32Array;
  /** [frames, nodes] */
  kinds: Int32Array;
  /** [frames, triangles, 3] */
  triangles: Int32Array;
  /** Whether it is evaluated on its own, like the test's windows, and not as a part of its batch. */
  alone: boolean;
}

const STATES = ["VX", "VY", "PS", "PG"] as const;
const ARRAYS = ["pointcloud", "mask", ...STATES] as const;

/** A flow whose files are open. */
interface Trajectory {
  nodes: number;
  frames: number;
  arrays: ArchiveReader<(typeof ARRAYS)[number]>;
  triangles: RowReader;
  /** The names of the archive and of the file of triangles, for error messages. */
  files: { archive: string; triangles: string };
}

export interface FlowOptions {
  /** Whether windows for training begin at random frames; otherwise they advance by their own length from epoch to epoch. */
  shuffle: boolean;
  /** The number of steps from the first frame of the test's windows; fewer if the trajectory ends before. */
  rollout: number;
}

/**
 * Loads the trajectories that a split lists, with one window of each.
 * @param listed the split whose list is used
 * @param split how the windows are taken: validation may use the test's trajectories
 * @throws FormatError naming a file that is missing or damaged
 */
export async function loadFlows(
  source: DataSource,
  listed: SplitName,
  split: SplitName,
  { shuffle, rollout }: FlowOptions,
): Promise<Split<FlowWindow>> {
  const folder = (await hasFolder(source, "Splits")) ? "Splits" : "splits";
  const list = joinPath(folder, LISTS[listed]);
  const names = (await readLines(source, list)).map((line) => line.replace(/\/+$/, ""));
  if (names.length === 0) {
    const file = locate(source, list);
    throw new FormatError(`${file}: lists no trajectory.`, { file });
  }
  const opened = new Map<number, Promise<Trajectory>>();
  const open = (index: number) => {
    const found = opened.get(index) ?? openTrajectory(source, names[index]);
    opened.set(index, found);
    // A file that could not be opened is tried again the next time.
    found.catch(() => opened.delete(index));
    return found;
  };
  return {
    size: names.length,
    nameOf: (index) => names[index],
    async load(index, random, epoch = 0) {
      const trajectory = await open(index);
      const { frames } = trajectory;
      const least = split === "train" ? TRAINING_FRAMES : FIRST_HELD_OUT + VALIDATION_FRAMES;
      if (frames < least) {
        const file = trajectory.files.archive;
        const problem = `${file}: holds ${frames} frames, expected ${least} or more.`;
        throw new FormatError(problem, { file, expected: least, found: frames });
      }
      if (split === "val") return readWindow(trajectory, FIRST_HELD_OUT, VALIDATION_FRAMES, false);
      if (split === "test") {
        return readWindow(trajectory, FIRST_HELD_OUT, Math.min(rollout + 1, frames - FIRST_HELD_OUT), true);
      }
      const starts = frames - TRAINING_FRAMES + 1;
      const start = shuffle ? Math.floor(random.uniform() * starts) : (TRAINING_FRAMES * epoch) % starts;
      return readWindow(trajectory, start, TRAINING_FRAMES, false);
    },
  };
}

async function openTrajectory(source: DataSource, folder: string): Promise<Trajectory> {
  const [archive, triangles] = await allInOrder(
    ["sim.npz", "triangles.npy"].map((file) => partialFile(source, joinPath(folder, file))),
  );
  const trajectory = {
    arrays: await openNpzRows(archive, ARRAYS),
    triangles: await openNpyRows(triangles),
    files: { archive: archive.file, triangles: triangles.file },
  };
  const [frames = 0, nodes = 0] = trajectory.arrays.pointcloud.shape;
  return { frames, nodes, ...trajectory };
}

async function readWindow(
  { nodes, arrays, triangles, files }: Trajectory,
  start: number,
  frames: number,
  alone: boolean,
): Promise<FlowWindow> {
  const nameOf = (array: string) => `${files.archive}: ${array}`;
  const [corners, positions, mask, ...states] = await allInOrder([
    triangles.rows(start, frames),
    ...ARRAYS.map((array) => arrays[array].rows(start, frames)),
  ]);
  const columns = states.map((array, i) => floatsOf(array, [frames, nodes], nameOf(STATES[i])));
  // In some files the node types have an additional axis.
  const isColumn = mask.shape.length === 3;
  if (isColumn) expectShape(mask, [frames, nodes, 1], nameOf("mask"));
  const flatMask = isColumn ? { ...mask, shape: [frames, nodes] } : mask;
  const kinds = integersOf(flatMask, [frames, nodes], NODE_KINDS, nameOf("mask"));
  return {
    nodes,
    frames,
    positions: floatsOf(positions, [frames, nodes, DIMENSIONS], nameOf("pointcloud")),
    states: normalise(columns),
    kinds,
    triangles: integersOf(corners, [frames, -1, 3], nodes, files.triangles),
    alone,
  };
}

function normalise(columns: readonly Float32Array[]): Float32Array {
  const states = new Float32Array(STATE * columns[0].length);
  columns.forEach((values, column) => {
    for (let i = 0; i < values.length; i++) {
      states[STATE * i + column] = (values[i] - STATE_MEAN[column]) / STATE_DEVIATION[column];
    }
  });
  return states;
}

/**
 * Returns the sides of triangles as edges, each once in both directions: [2 M] sources, then targets.
 * @param triangles [triangles, 3]
 */
export function sidesOf(triangles: Int32Array, nodes: number): Int32Array {
  return uniqueEdges(nodes, (use) => {
    for (let i = 0; i < triangles.length; i++) {
      const [a, b] = [triangles[i], triangles[i % 3 === 2 ? i - 2 : i + 1]];
      use(Math.min(a, b), Math.max(a, b));
    }
  });
}
