// A trained model of a folder's fields for programs: arrays go in by the names of the config, and predictions come out.

import { type AbortOptions, checkAbortable, checkSignal, untilAborted } from "../../abort.ts";
import { expectKind } from "../../arguments/kinds.ts";
import { checkOptions, expectParts } from "../../arguments/options.ts";
import type { Device } from "../../backends/device.ts";
import { Resource } from "../../disposable.ts";
import { CheckpointError, InputError } from "../../errors.ts";
import { toBytes } from "../../formats/bytes/bytes.ts";
import { loadSafetensors } from "../../formats/safetensors/safetensors.ts";
import { type BytesOrAddress, readSource } from "../../formats/sources/source.ts";
import { inspect, lineOf } from "../../inspect.ts";
import { checkSource, type DataSource } from "../data-source.ts";
import type { PredictedField } from "../experiment.ts";
import { cloudOf } from "./cloud.ts";
import { FOLDER, type FolderExperiment } from "./experiment.ts";
import type { FilePrediction, FoundSample, SamplePredictionOptions } from "./found-samples.ts";
import {
  type FieldValues,
  type FileInput,
  inputOfSample,
  type SurrogateInput,
  sampleOfInput,
  valuesOfWhole,
} from "./given-fields.ts";
import { readers } from "./lazy.ts";
import type { FieldModel } from "./model.ts";
import { inputsOf, type SurrogateField, targetsOf } from "./model-fields.ts";
import type { FieldSample } from "./sample.ts";
import type { Pair } from "./statistics.ts";
import { readTrained } from "./trained.ts";

export type {
  FieldValues,
  FileInput,
  FilePrediction,
  FoundSample,
  SamplePredictionOptions,
  SurrogateField,
  SurrogateInput,
};

/** What `predict` of a surrogate takes beside its input. */
export interface SurrogateOptions extends AbortOptions {
  /** For a model of sequences with a history: the frames before the input, each a step before the next, from the latest on. */
  earlier?: readonly SurrogateInput[];
}

/** What is read beside a file. */
export interface SurrogateFileOptions extends AbortOptions {
  /** Globals by their names, such as those of a table beside the samples: they go before what the file has. */
  values?: Readonly<Record<string, FieldValues>>;
}

/**
 * A model that `erwin train` trained on fields of one's own files, on a device: a page, a worker or a script gives it arrays, and gets
 * predictions in the files' units.
 *
 * ```ts
 * using surrogate = await Surrogate.load("runs/first/model.safetensors", { device });
 * const { pressure } = await surrogate.predict({ positions, normals, speed: 30 });
 * pressure.prediction; // [N]
 * ```
 */
export class Surrogate extends Resource {
  readonly #experiment: FolderExperiment;
  readonly #model: FieldModel;

  private constructor(experiment: FolderExperiment, model: FieldModel) {
    super();
    this.#experiment = experiment;
    this.#model = model;
  }

  /**
   * @param source the run's model.safetensors: a URL, a path in Node, Deno and Bun, a Blob or File, or its bytes
   * @throws FormatError if the file is damaged or cannot be read; CheckpointError if it holds another model; ConfigError without a
   *   device; OutOfMemoryError; the signal's reason, once it is aborted
   */
  static async load(source: BytesOrAddress, options: AbortOptions & { device: Device }): Promise<Surrogate> {
    checkOptions("Surrogate.load", options, { device: true, signal: true });
    const { device, signal } = options;
    expectParts("Surrogate.load", options, "device.allocate");
    const { bytes, file } = await readSource(source, signal);
    const { metadata } = loadSafetensors(bytes, { file });
    if (metadata.experiment !== FOLDER) {
      const found = metadata.experiment ? `a model of the experiment ${metadata.experiment}` : "no model of fields";
      throw new CheckpointError(`${file} holds ${found}: expected one that erwin train made on files of your own`, {
        file,
        expected: FOLDER,
        found: metadata.experiment,
      });
    }
    const { experiment, model } = readTrained({ bytes, file }, metadata, device);
    return new Surrogate(experiment, model);
  }

  /** What `predict` needs: positions, inputs, globals, and in a sequence the targets of the frame. */
  get inputs(): SurrogateField[] {
    return inputsOf(this.#experiment);
  }

  /** What it predicts. */
  get targets(): SurrogateField[] {
    return targetsOf(this.#experiment);
  }

  /** Whether its graph is the mesh, so that `predict` needs `edgeIndex` or `triangles`. */
  get needsMesh(): boolean {
    return this.#experiment.described.graph.kind === "mesh";
  }

  /** Whether it is of sequences: `predict` gives the next frame, and samples in files can be predicted any number of steps. */
  get isSequence(): boolean {
    return this.#experiment.described.sequence !== undefined;
  }

  /** How many earlier frames `predict` needs. */
  get history(): number {
    return this.#experiment.described.sequence?.history ?? 0;
  }

  /**
   * Predicts one sample; of a sequence the next frame, whose fields can be given again with what else it needs.
   * @returns the targets by their names; what is of the whole has one row
   * @throws InputError naming the field that is missing, unknown, misshapen or not finite, and for another number of earlier frames than
   *   `history`; DisposedError after `dispose`, also while it computes; OutOfMemoryError; the signal's reason, once it is aborted
   */
  async predict(input: SurrogateInput, options: SurrogateOptions = {}): Promise<Record<string, PredictedField>> {
    checkAbortable("predict", options, { earlier: true });
    const sampleOf = (frame: SurrogateInput) => sampleOfInput(frame, this.inputs, this.#experiment.described);
    const sample = sampleOf(input);
    return this.#predict({ sample, earlier: earlierSamples(options.earlier, this.history, sample, sampleOf) }, options);
  }

  /**
   * Predicts the sample in a file. The first call of this or `readFile` loads what reads files, a script of its own.
   * @param source the file's location, or the File itself: its name's extension tells the format
   * @returns as `predict` does; each target that the file has is its `truth`
   * @throws FormatError naming what is wrong in the file, or if it holds several frames; InputError naming what is wrong in `values`;
   *   WorkerError if what reads files cannot be loaded; OutOfMemoryError; the signal's reason, once it is aborted
   */
  async predictFile(
    source: File | string | URL,
    options: SurrogateFileOptions = {},
  ): Promise<Record<string, PredictedField>> {
    checkOptions("predictFile", options, { signal: true, values: true });
    return this.#predict({ sample: await this.#read(source, options) }, options);
  }

  /**
   * Reads the sample in a file as `predict` takes it: to draw its points, or to predict it again with another value of a field.
   * @param source as `predictFile` takes it
   * @returns positions and the fields that the model sees by their names, row by row, in the file's units; with a graph of the mesh its
   *   edges
   * @throws as `predictFile` does
   */
  async readFile(source: File | string | URL, options: SurrogateFileOptions = {}): Promise<FileInput> {
    checkOptions("readFile", options, { signal: true, values: true });
    return inputOfSample(await this.#read(source, options), this.#experiment.described);
  }

  async #read(source: File | string | URL, { values = {}, signal }: SurrogateFileOptions): Promise<FieldSample> {
    const { described } = this.#experiment;
    const given = valuesOfWhole(values, this.#experiment);
    const { bytes, file } = await readSource(source, signal);
    const { readOnlySample } = await untilAborted(readers(), signal);
    const sample = await readOnlySample(toBytes(bytes), file, described, given);
    checkSignal(signal);
    return sample;
  }

  /**
   * Finds what it can predict in files: samples, each a file or one of a file's frames, or the sequences of a model of such. Where there
   * is no sequence, that takes each file as a frame, and predicts the next one, or with `steps` as many as are asked for.
   *
   * ```ts
   * for (const sample of await surrogate.find(await FileSource.fromDrop(event.dataTransfer.items))) {
   *   for await (const { positions, fields, time } of sample.predict()) draw(positions, fields, time);
   * }
   * ```
   * @param files which of them are samples the config tells, or if it fits none, which can be read
   * @throws FormatError if there is nothing to predict; WorkerError if what reads files cannot be loaded; the signal's reason, once it is
   *   aborted
   */
  async find(files: DataSource, options: AbortOptions = {}): Promise<FoundSample[]> {
    checkSource(files);
    checkAbortable("find", options, {});
    const { signal } = options;
    const { findSamples } = await untilAborted(readers(), signal);
    const trained = { experiment: this.#experiment, model: this.#model };
    return untilAborted(findSamples(trained, files, { singleFrames: true, signal }), signal);
  }

  async #predict(pair: Pair, { signal }: AbortOptions): Promise<Record<string, PredictedField>> {
    checkSignal(signal);
    const cloud = cloudOf(pair, this.#experiment.layout);
    const fields = await this.#experiment.predictFields(this.#model, cloud, { signal });
    const oneRow = (field: PredictedField): PredictedField =>
      field.isWhole ? { ...field, prediction: field.prediction.slice(0, field.channels) } : field;
    return Object.fromEntries(fields.map((field) => [field.name, oneRow(field)]));
  }

  /** Frees its memory on the device, which stays the caller's; what predicts then fails. Calling it again does nothing. */
  dispose(): void {
    this.#model.dispose();
  }

  [inspect](): string {
    const listed = (fields: SurrogateField[]) => fields.map(({ name }) => name).join(", ");
    return lineOf(this, `from ${listed(this.inputs)} to ${listed(this.targets)}`);
  }
}

/** @throws InputError that says which of the frames is wrong */
function earlierSamples(
  given: readonly SurrogateInput[] | undefined,
  history: number,
  { points }: FieldSample,
  sampleOf: (frame: SurrogateInput) => FieldSample,
): FieldSample[] {
  const frames = given ?? [];
  expectKind("earlier", frames, "a list of inputs", Array.isArray(frames));
  if (frames.length !== history) {
    const problem = `earlier has ${frames.length} frames, but the model sees ${history} before the input, the latest first`;
    throw new InputError(problem, { tensor: "earlier", expected: history, found: frames.length });
  }
  return frames.map((frame, i) => {
    try {
      const sample = sampleOf(frame);
      if (sample.points === points) return sample;
      throw new InputError(`has ${sample.points} points, expected ${points}`, {
        expected: points,
        found: sample.points,
      });
    } catch (cause) {
      if (!(cause instanceof InputError)) throw cause;
      throw new InputError(`earlier[${i}]: ${cause.message}`, cause.details, { cause });
    }
  });
}
