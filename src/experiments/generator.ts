// The interface of a data set's generator: it makes a few small, seeded samples of true physics, as files in the published layout.

export interface GeneratedFile {
  /** The path below the data set's folder, with slashes. */
  path: string;
  bytes: Uint8Array;
}

export interface GeneratorOptions {
  /** The number of samples in all splits together; of trajectories if a sample is a trajectory. */
  samples: number;
  /** The same seed gives the same bytes. */
  seed: number;
  /** The approximate number of points in a sample, if the generator can choose it. */
  points: number;
  /** The number of frames in a trajectory; ignored by other generators. */
  frames: number;
}

/** The contents of a sample's picture: the model's inputs, and the targets. */
export interface SamplePicture {
  title: string;
  /** An explanation of one line. */
  explanation: string;
  panels: readonly SamplePanel[];
}

/** Points, or the triangles between them, coloured by a value. */
export interface SamplePanel {
  title: string;
  /** [points, 2] coordinates to the right and up. */
  points: Float32Array;
  /** [points] the values that are coloured. */
  values: Float32Array;
  /** The values of the first and the last colour, and the name of the quantity with its unit. */
  scale: { least: number; most: number; what: string };
  /** [points, 2] an arrow from each point, in the units of the points. */
  arrows?: Float32Array;
  /** [lines, 2] pairs of points that are joined by a line. */
  lines?: Int32Array;
  /** [triangles, 3] drawn in place of the points. */
  triangles?: Int32Array;
}

export interface DataGenerator {
  /** A summary of one line. */
  summary: string;
  /** The defaults of the options. `frames` is absent if a sample has no frames. */
  defaults: { samples: number; points: number; frames?: number };
  /**
   * Flags of `erwin train` with which a small model learns from this amount of data in minutes; absent if a config contains them, as
   * the one that `erwin init` proposes.
   */
  training?: string;
  /** The least options: with fewer samples, points or frames, a split is empty or a sample too small to be used. */
  least: { samples: number; points: number; frames?: number };
  /**
   * Yields the files one by one, so that only a few are in memory.
   * @param onSample called after each sample
   */
  files(options: GeneratorOptions, onSample: () => void): AsyncIterable<GeneratedFile>;
  /** Returns a picture of the first sample. */
  picture(options: GeneratorOptions): SamplePicture;
}

/** Returns the number of samples in each split: a tenth for validation and a tenth for the test, but at least one. */
export function splitSizes(samples: number): { train: number; validation: number; test: number } {
  const held = Math.max(1, Math.round(samples / 10));
  return { train: samples - 2 * held, validation: held, test: held };
}

/** Makes a file with one entry on each line, as splits are listed. */
export function listFile(path: string, lines: readonly string[]): GeneratedFile {
  return { path, bytes: new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")) };
}
