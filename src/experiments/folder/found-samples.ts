// What a trained model can predict in a folder of files: samples, or sequences, which it predicts frame by frame.

import type { AbortOptions } from "../../abort.ts";
import { type DataSource, locate } from "../data-source.ts";
import type { SamplePrediction } from "../experiment.ts";
import { frameRule } from "./array-frames.ts";
import { noSamples, unitsIn } from "./files.ts";
import { FramesSource } from "./frames.ts";
import { SampleInFiles } from "./sample-in-files.ts";
import { findSideTable, type SideTable } from "./side-table.ts";
import type { TrainedFields } from "./trained.ts";

/**
 * The prediction for a sample in a file, or for a frame of a sequence. A frame past the last one has no truth; its points, mesh and copy
 * are those of the last frame, but for points that the model moves.
 */
export interface FilePrediction extends SamplePrediction {
  /** The path of the sample's file in its source; past the last frame of a sequence that frame's. */
  readonly file: string;
  /** A remark for the user: that the truth in the file cannot be used, or that coordinates are rounded. */
  readonly note?: string;
  /**
   * The path of the copy: that of the file, with .npz in place of an extension of files to which no arrays can be added. Past the last
   * frame the number in it goes on.
   */
  readonly copyName: string;
  /**
   * Returns the file with the arrays `prediction` and, where it has the truth, `error`, as `erwin predict` writes it. Past the last frame
   * it is that frame's without the arrays of the targets (in .csv, .ply and .vtk files these stay); where the points move, those of
   * .vtu and .vtp files are at their predicted places.
   * @param format another one, such as "vtu": .vtu, .vtp, .vtk, .npz, .safetensors, .csv or .ply; by default that of `copyName`
   * @throws NumericalError for predictions that are not finite; FormatError for a format that cannot be written
   */
  copy(format?: string): Promise<Uint8Array<ArrayBuffer>>;
}

/** What to predict of a sample. */
export interface SamplePredictionOptions extends AbortOptions {
  /**
   * Of a model of sequences: the number of steps from the first frame on (with a history, from the frame after those that the model sees
   * before), from 1 to 1,000,000, also past the last frame and of a single one; by default a sequence is predicted as far as it has
   * frames, and of a single frame the next one alone. Past the last frame, what the model sees and does not predict (inputs, globals,
   * points, mesh) stays as it is, and so must not change before; frames that have it for later steps need no targets.
   */
  steps?: number;
}

/** A sample that was found in files, or a sequence of frames. */
export interface FoundSample {
  /** The path of its file, or the name of the sequence. */
  readonly name: string;
  /** The paths of its files: of a sequence those of its frames, in the order of time. */
  readonly files: readonly string[];
  /**
   * The number of predictions without `steps`: of a sequence one for each frame that the model's stride leads to, from the first frame
   * on; else 1. With `steps` there are as many more than the frames that a rollout begins with, which are one and the model's history.
   */
  readonly frames: number;
  /**
   * Predicts it: a sequence step by step from its first frame, each frame from the prediction before it. Memory does not grow with the
   * number of steps.
   * @throws ConfigError for `steps` that are none, or of a model that makes none; FormatError for a file that is damaged or does not fit
   *   the model, for fewer frames than `steps` can begin with, and for an input that changes where they lead past the last frame;
   *   OutOfMemoryError; the signal's reason, once it is aborted
   */
  predict(options?: SamplePredictionOptions): AsyncGenerator<FilePrediction>;
}

export interface FindSamplesOptions extends AbortOptions {
  /** Which files are samples: a pattern with * and **; by default the config's or, if that fits none, all that can be read. */
  files?: string;
  /** Whether a model of sequences takes files that are in no sequence, if there are no others: it goes on from each. */
  singleFrames: boolean;
  /** The table of the config, where it is read already; by default it is looked for in the files. */
  table?: SideTable | undefined;
}

/**
 * Finds what a model can predict in files: samples, or the sequences of one that is of sequences.
 * @throws FormatError if there is nothing; the signal's reason, once it is aborted
 */
export async function findSamples(
  trained: TrainedFields,
  files: DataSource,
  { files: pattern, singleFrames, table: given, signal }: FindSamplesOptions,
): Promise<FoundSample[]> {
  const { described } = trained.experiment;
  const source = new FramesSource(files, frameRule(described), { signal });
  const sequence = described.sequence !== undefined;
  const table = given ?? (await findSideTable(files, described.table));
  const first = { files: pattern ?? described.files, sequence };
  const ways = [first];
  // Files that a person has may have other names than those of the training.
  if (pattern === undefined) ways.push({ files: undefined, sequence });
  if (sequence && singleFrames) ways.push({ files: pattern, sequence: false });
  let seen: string[] = [];
  for (const way of ways) {
    const { units, found } = await unitsIn(source, { ...way, table: described.table?.file });
    const options = { isSequence: way.sequence, table };
    if (units.length > 0) return units.map((unit) => new SampleInFiles(trained, source, unit, options));
    seen = seen.concat(found);
  }
  throw noSamples(locate(files, ""), { ...first, found: seen });
}
