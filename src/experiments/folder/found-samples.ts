// What a trained model can predict in a folder of files: samples, or sequences, which it predicts frame by frame.

import { type AbortOptions, checkSignal } from "../../abort.ts";
import { checkOptions } from "../../arguments/options.ts";
import { type DataSource, locate } from "../data-source.ts";
import type { PredictedField, SamplePrediction } from "../experiment.ts";
import { frameRule } from "./array-frames.ts";
import { cloudOf } from "./cloud.ts";
import { isPositions } from "./config.ts";
import { noSamples, unitsIn } from "./files.ts";
import { FramesSource } from "./frames.ts";
import { arraysOf, copyExtension, encode, labelsIn, noteOn } from "./prediction-file.ts";
import { readSample } from "./read-sample.ts";
import type { FieldSample } from "./sample.ts";
import type { Unit } from "./splits.ts";
import type { TrainedFields } from "./trained.ts";

/** The prediction for a sample in a file, or for a frame of a sequence. */
export interface FilePrediction extends SamplePrediction {
  /** The path of the sample's file in its source. */
  readonly file: string;
  /** A remark for the user: that the truth in the file cannot be used, or that coordinates are rounded. */
  readonly note?: string;
  /** The path of the copy: that of the file, with .npz in place of an extension of files to which no arrays can be added. */
  readonly copyName: string;
  /**
   * Returns the file with the arrays `prediction` and, where it has the truth, `error`, as `erwin predict` writes it.
   * @throws NumericalError for predictions that are not finite
   */
  copy(): Promise<Uint8Array<ArrayBuffer>>;
}

/** What to predict of a sample. */
export interface SamplePredictionOptions extends AbortOptions {
  /** Of a sequence: the largest number of steps; by default all that it has frames for. */
  steps?: number;
}

/** A sample that was found in files, or a sequence of frames. */
export interface FoundSample {
  /** The path of its file, or the name of the sequence. */
  readonly name: string;
  /** The paths of its files: of a sequence those of its frames, in the order of time. */
  readonly files: readonly string[];
  /** The number of predictions: of a sequence one for each frame that the model's stride leads to, from the first frame on; else 1. */
  readonly frames: number;
  /**
   * Predicts it: a sequence step by step from its first frame, each frame from the prediction before it.
   * @throws FormatError for a file that is damaged or does not fit the model; OutOfMemoryError; the signal's reason, once it is aborted
   */
  predict(options?: SamplePredictionOptions): AsyncGenerator<FilePrediction>;
}

export interface FindSamplesOptions {
  /** Which files are samples: a pattern with * and **; by default the config's or, if that fits none, all that can be read. */
  files?: string;
  /** Whether a model of sequences takes files that are in no sequence, if there are no others: it predicts the next frame of each. */
  singleFrames: boolean;
}

/**
 * Finds what a model can predict in files: samples, or the sequences of one that is of sequences.
 * @throws FormatError if there is nothing
 */
export async function findSamples(
  trained: TrainedFields,
  files: DataSource,
  { files: pattern, singleFrames }: FindSamplesOptions,
): Promise<FoundSample[]> {
  const { described } = trained.experiment;
  const source = new FramesSource(files, frameRule(described));
  const sequence = described.sequence !== undefined;
  const first = { files: pattern ?? described.files, sequence };
  const ways = [first];
  // Files that a person has may have other names than those of the training.
  if (pattern === undefined) ways.push({ files: undefined, sequence });
  if (sequence && singleFrames) ways.push({ files: pattern, sequence: false });
  const seen: string[] = [];
  for (const way of ways) {
    const { units, found } = await unitsIn(source, way);
    if (units.length > 0) return units.map((unit) => new SampleInFiles(trained, source, unit, way.sequence));
    seen.push(...found);
  }
  throw noSamples(locate(files, ""), { ...first, found: seen });
}

class SampleInFiles implements FoundSample {
  readonly name: string;
  readonly files: readonly string[];
  readonly #trained: TrainedFields;
  readonly #source: DataSource;
  readonly #times: readonly number[] | undefined;
  readonly #isSequence: boolean;

  constructor(trained: TrainedFields, source: DataSource, { name, files, times }: Unit, isSequence: boolean) {
    this.name = name;
    this.files = files;
    this.#trained = trained;
    this.#source = source;
    this.#times = times;
    this.#isSequence = isSequence;
  }

  get frames(): number {
    return Math.ceil(this.files.length / this.#stride);
  }

  /** The number of files from a frame of the model to the next. */
  get #stride(): number {
    return (this.#isSequence && this.#trained.experiment.described.sequence?.stride) || 1;
  }

  async *predict(options: SamplePredictionOptions = {}): AsyncGenerator<FilePrediction> {
    checkOptions("predict", options, { signal: true, steps: true });
    const { signal, steps = Number.POSITIVE_INFINITY } = options;
    checkSignal(signal);
    const { experiment, model } = this.#trained;
    const { history = 0 } = experiment.described.sequence ?? {};
    const stride = this.#stride;
    let read: { path: string; bytes: Uint8Array; sample: FieldSample };
    const readFrame = async (path: string) => {
      checkSignal(signal);
      const bytes = await this.#source.read(path);
      const sample = await readSample(bytes, locate(this.#source, path), experiment.described, { truth: false });
      read = { path, bytes, sample };
      return sample;
    };
    if (!this.#isSequence) {
      const sample = await readFrame(this.files[0]);
      yield this.#predicted(read!, await experiment.predictFields(model, cloudOf({ sample }, experiment.layout)));
      return;
    }
    const wanted = this.files.filter((_, i) => i % stride === 0 && i / stride <= steps + history);
    async function* samples(): AsyncGenerator<FieldSample> {
      for (const path of wanted) yield await readFrame(path);
    }
    let frame = 0;
    for await (const fields of experiment.rollOut(model, samples())) {
      checkSignal(signal);
      const place = stride * frame++;
      yield this.#predicted(read!, fields, this.#times?.[place] ?? place);
    }
  }

  #predicted(
    { path, bytes, sample }: { path: string; bytes: Uint8Array; sample: FieldSample },
    fields: readonly PredictedField[],
    time?: number,
  ): FilePrediction {
    const { described, layout } = this.#trained.experiment;
    const moved = layout.targets.findIndex(({ target }) => isPositions(target));
    const extension = copyExtension(path);
    const note = noteOn(sample);
    return {
      positions: Float32Array.from(moved < 0 ? sample.positions : fields[moved].prediction),
      dimensionality: sample.dimensions,
      cells: sample.cells,
      fields,
      file: path,
      copyName: path.endsWith(extension) ? path : path.replace(/(\.\w+)?$/, extension),
      copy: () =>
        encode(bytes, extension, sample, arraysOf(fields, sample.file, extension), labelsIn(sample, described)),
      ...(time !== undefined && { time }),
      ...(note !== undefined && { note }),
    };
  }
}
