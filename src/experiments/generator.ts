// What a generator of a data set is: a few small, seeded samples of true physics, as files in the published layout.

export interface GeneratedFile {
  /** Below the data set's folder, with slashes. */
  path: string;
  bytes: Uint8Array;
}

export interface GeneratorOptions {
  /** Samples of all splits together; trajectories where samples are such. */
  samples: number;
  /** The same seed gives the same bytes. */
  seed: number;
  /** Points of a sample, where the generator is free to choose about so many. */
  points: number;
  /** Frames of a trajectory; of no use to the others. */
  frames: number;
}

/** What a picture of a sample shows: what a model gets, and what it has to say of it. */
export interface SamplePicture {
  title: string;
  /** One line. */
  explanation: string;
  panels: readonly SamplePanel[];
}

/** Points, or the triangles between them, in the colours of a number of theirs. */
export interface SamplePanel {
  title: string;
  /** [points, 2] to the right and up. */
  points: Float32Array;
  /** [points] */
  values: Float32Array;
  /** The numbers that the first and the last colour stand for, and what they are, with their unit. */
  scale: { least: number; most: number; what: string };
  /** [points, 2] an arrow from each point, in the units of the points. */
  arrows?: Float32Array;
  /** [lines, 2] points that are joined. */
  lines?: Int32Array;
  /** [triangles, 3] drawn in place of the points. */
  triangles?: Int32Array;
}

export interface DataGenerator {
  /** One line. */
  summary: string;
  /** Used unless the user says otherwise. Without `frames` where a sample is a single picture. */
  defaults: { samples: number; points: number; frames?: number };
  /**
   * Settings by which a small model learns from so much data in minutes, as flags of `erwin train`; absent where a config says them,
   * which `erwin init` proposes.
   */
  training?: string;
  /** With fewer samples, points or frames a split is empty or a sample too small to be used. */
  least: { samples: number; points: number; frames?: number };
  /**
   * The files, one by one, so that no more than a few are in memory.
   * @param onSample called after each sample
   */
  files(options: GeneratorOptions, onSample: () => void): AsyncIterable<GeneratedFile>;
  /** The first sample, as a picture. */
  picture(options: GeneratorOptions): SamplePicture;
}

/** How many samples each split has: a tenth for validation and for the test, one at least. */
export function splitSizes(samples: number): { train: number; validation: number; test: number } {
  const held = Math.max(1, Math.round(samples / 10));
  return { train: samples - 2 * held, validation: held, test: held };
}

/** A file of one line for each entry, as splits are listed. */
export function listFile(path: string, lines: readonly string[]): GeneratedFile {
  return { path, bytes: new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")) };
}
