// Samples of moving polymers: windows of consecutive frames, ordered by trajectory and then by time.

import { FormatError } from "../../errors.ts";
import type { Random } from "../../random.ts";
import { type DataSource, joinPath, locate, readLines } from "../data-source.ts";
import type { OnBad, Split, SplitName } from "../experiment.ts";
import { RecentValues } from "../recent.ts";
import { DIMENSIONS } from "../space.ts";
import { readTrajectory, type Trajectory, WINDOW } from "./trajectories.ts";

/** The number of velocities that the model sees. */
export const VELOCITIES = WINDOW - 2;
/** The scales of the published trajectories, axis by axis: what is divided by. */
export const POSITION_SCALE = [21.4457, 31.7121, 25.5143];
export const VELOCITY_SCALE = [1.2809, 1.2735, 1.2792];
export const ACCELERATION_SCALE = [1.7428, 1.7295, 1.739];
/** The deviations of the noise: `count` values, logarithmically spaced from the first to the last. */
const NOISE = { count: 10, first: 0.1, last: 0.01 };

/** The list of a split's trajectories, their folder, and the number of frames that are used of each. */
const SPLITS: Record<SplitName, { list: string; folder: string; frames: number }> = {
  train: { list: "splits/train.txt", folder: "polymer_train", frames: 10000 },
  val: { list: "splits/val.txt", folder: "polymer_train", frames: 10000 },
  test: { list: "splits/test_class2.txt", folder: "polymer_test", frames: 1000 },
};

export interface ChainSample {
  beads: number;
  /** [beads, 45] frame by frame, divided by their scale. */
  velocities: Float32Array;
  /** [beads] */
  types: Int32Array;
  /** [beads, 3] at the last frame that the model sees, divided by their scale. */
  positions: Float32Array;
  /** [2 M] */
  edges: Int32Array;
  /** [beads, 3] divided by their scale. */
  acceleration: Float32Array;
}

/**
 * Loads the windows of a split. All its trajectories are read once, to find their lengths.
 * @param noise whether noise is added to the frames of a window in training
 * @param onBad receives trajectories that cannot be read, and are skipped; without it they are errors
 * @throws FormatError naming a file that is missing, damaged or does not fit the others
 */
export async function loadWindows(
  source: DataSource,
  split: SplitName,
  { noise = false, onBad }: { noise?: boolean; onBad?: OnBad } = {},
): Promise<Split<ChainSample>> {
  const { list, folder, frames } = SPLITS[split];
  const listed = await readLines(source, list);
  if (listed.length === 0) {
    const file = locate(source, list);
    throw new FormatError(`${file}: lists no trajectory.`, { file });
  }
  const trajectories = new RecentValues(
    (index) => readTrajectory(source, joinPath(folder, listed[index]), frames),
    ({ positions }) => positions.byteLength,
  );
  /** The trajectories that can be read, by their numbers in the list. */
  const sound: number[] = [];
  /** The first window of each trajectory, followed by the number of windows. */
  const firsts = [0];
  for (const [index, name] of listed.entries()) {
    try {
      firsts.push(firsts[sound.length] + (await trajectories.get(index)).frames - WINDOW + 1);
      sound.push(index);
    } catch (error) {
      if (!onBad || !(error instanceof FormatError)) throw error;
      onBad({ split, sample: name, problem: error.message });
    }
  }
  const find = (sample: number) => {
    const trajectory = firsts.findIndex((first) => first > sample) - 1;
    return { trajectory, window: sample - firsts[trajectory] };
  };
  return {
    size: firsts[sound.length],
    async load(sample, random, epoch) {
      const { trajectory, window } = find(sample);
      const trains = epoch !== undefined;
      return chainSample(await trajectories.get(sound[trajectory]), window, noise && trains ? random : undefined);
    },
    nameOf(sample) {
      const { trajectory, window } = find(sample);
      return `${listed[sound[trajectory]]}, frame ${window}`;
    },
  };
}

/** @param random the source of the noise; without it there is none */
function chainSample({ beads, positions, types, edges }: Trajectory, window: number, random?: Random): ChainSample {
  const row = DIMENSIONS * beads;
  const frames = positions.slice(window * row, (window + WINDOW) * row);
  if (random) addNoise(frames, random);
  const [last, next] = [VELOCITIES * row, (VELOCITIES + 1) * row];
  const velocities = new Float32Array(VELOCITIES * row);
  const scaled = new Float32Array(row);
  const acceleration = new Float32Array(row);
  for (let axis = 0; axis < DIMENSIONS; axis++) {
    const scale = VELOCITY_SCALE[axis];
    for (let t = 0; t < VELOCITIES; t++) {
      const [before, after] = [t * row + axis, (t + 1) * row + axis];
      for (let bead = 0; bead < beads; bead++) {
        const velocity = frames[after + bead * DIMENSIONS] - frames[before + bead * DIMENSIONS];
        velocities[(bead * VELOCITIES + t) * DIMENSIONS + axis] = velocity / scale;
      }
    }
  }
  for (let i = 0; i < row; i++) {
    const axis = i % DIMENSIONS;
    scaled[i] = frames[last + i] / POSITION_SCALE[axis];
    const change = frames[next + i] - frames[last + i] - (frames[last + i] - frames[last - row + i]);
    acceleration[i] = change / ACCELERATION_SCALE[axis];
  }
  return { beads, velocities, types, positions: scaled, edges, acceleration };
}

/** Adds noise with one deviation for the whole window. */
function addNoise(frames: Float32Array, random: Random): void {
  const step = Math.floor(random.uniform() * NOISE.count) / (NOISE.count - 1);
  const deviation = NOISE.first * (NOISE.last / NOISE.first) ** step;
  for (let i = 0; i < frames.length; i++) frames[i] += deviation * random.normal();
}

/** Returns the acceleration between the last two velocities that the model sees, in the target's scale: [beads, 3]. */
export function lastAcceleration({ beads, velocities }: ChainSample): Float32Array {
  return Float32Array.from({ length: beads * DIMENSIONS }, (_, i) => {
    const axis = i % DIMENSIONS;
    const at = ((i - axis) / DIMENSIONS) * VELOCITIES * DIMENSIONS + (VELOCITIES - 1) * DIMENSIONS + axis;
    return ((velocities[at] - velocities[at - DIMENSIONS]) * VELOCITY_SCALE[axis]) / ACCELERATION_SCALE[axis];
  });
}
