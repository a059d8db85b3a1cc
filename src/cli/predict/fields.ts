// erwin predict for models of a folder's fields: each output is the input file with the predictions added.

import { extname } from "node:path";
import type { ExperimentOptions, PredictedField } from "../../experiments/experiment.ts";
import { cloudOf } from "../../experiments/folder/cloud.ts";
import { FOLDER, type FolderExperiment, folderExperimentOf } from "../../experiments/folder/experiment.ts";
import type { FieldModel } from "../../experiments/folder/model.ts";
import { readArrays, sampleExtensions, withPoints } from "../../experiments/folder/read.ts";
import { type FieldSample, readSample } from "../../experiments/folder/sample.ts";
import { resolveOptions } from "../../experiments/options.ts";
import { predictionArrays } from "../../experiments/prediction.ts";
import { type InitialWeights, readModel } from "../../experiments/run.ts";
import { addArrays, addableExtensions } from "../../formats/add-arrays.ts";
import { toBytes } from "../../formats/bytes.ts";
import type { SafeTensorInput } from "../../formats/elements.ts";
import { dottedExtensionOf } from "../../formats/extension.ts";
import { inSpace, pointDataOf } from "../../formats/mesh.ts";
import { writableExtensions } from "../../formats/pointcloud.ts";
import { saveVtp, saveVtu } from "../../formats/vtu-write.ts";
import { type Device, ErwinError, toFloat32 } from "../../index.ts";
import { sha256 } from "../../jobs/job.ts";
import { UsageError } from "../command.ts";
import { describeDevice, withDevice } from "../device.ts";
import type { DeviceChoice } from "../options.ts";
import { expectFinite, holdsArrays, writeFields } from "../output.ts";
import { withProgress } from "../progress.ts";
import { enqueueFiles } from "../queue/enqueue.ts";
import { checkTarget, readFile, writeFile } from "../remote-files.ts";
import { findTold } from "./found.ts";
import type { Shard } from "./shard.ts";
import { predictShared, WRITES } from "./shared.ts";

export interface FieldsOptions {
  weights: InitialWeights;
  metadata: Readonly<Record<string, string>>;
  device: DeviceChoice;
}

/** Formats to which a file's points and fields can be converted; arrays can be added to files of more formats. */
const writable = writableExtensions.filter((extension) => addable(extension));

/** @throws UsageError for an output in a format that cannot be written */
export function expectFieldOutput(input: string, output: string): void {
  if (writable.includes(dottedExtensionOf(output)) || isCopy(input, output)) return;
  throw new UsageError(`--output is "${output}", expected a file that ends in ${writable.join(", ")}`);
}

/** Whether an output is the input's file with arrays added. */
export function isCopy(input: string, output: string): boolean {
  const [from, to] = [input, output].map(dottedExtensionOf);
  return from === to && addable(to);
}

/** Returns the extension of an input's copy with predictions: its own, or .npz if arrays cannot be added to its format. */
export function copyExtension(input: string): string {
  const own = extname(input);
  return addable(own.toLowerCase()) ? own : ".npz";
}

function addable(extension: string): boolean {
  return addableExtensions.includes(extension.slice(1));
}

/** Predicts the fields of one file. */
export async function predictFieldsOf(input: string, output: string, options: FieldsOptions): Promise<void> {
  expectFieldOutput(input, output);
  await checkTarget(output, [input, options.weights.file]);
  const found = await readFile(input);
  await withFields(options, async (predict, device) => {
    const { bytes, names } = await withProgress("predicting", () => predict(found, input, output));
    await writeFile(output, bytes);
    console.log(`${output}: ${names.join(", ")} by ${device}`);
  });
}

export interface ManyFieldsOptions extends FieldsOptions {
  inputs: readonly string[];
  outputFolder: string;
  /** The extension of the outputs, with its dot; by default that of each input, or .npz if arrays cannot be added to it. */
  format?: string;
  shard: Shard;
  overwrite: boolean;
  /** The seconds without a renewal after which another call's work is taken over. */
  lease: number;
  /** The address of a queue to which the files are added, instead of being predicted here. */
  queue?: string;
}

/**
 * Predicts the fields of many files. Existing outputs are skipped, unless they are to be overwritten.
 * @throws ErwinError at the end if a file could not be predicted
 */
export async function predictManyFields(options: ManyFieldsOptions): Promise<void> {
  const { inputs, outputFolder, format, weights, device } = options;
  const { files, unreadable } = await findTold(inputs, outputFolder, {
    extension: format ?? copyExtension,
    keep: [weights.file],
    known: sampleExtensions.map((extension) => `.${extension}`),
  });
  for (const { input, output } of files) expectFieldOutput(input, output);
  const recipe = {
    model: await sha256(toBytes(weights.bytes)),
    options: { format, precision: device.precision ?? "float32" },
  };
  if (options.queue !== undefined) {
    return enqueueFiles(options.queue, { ...options, files, recipe, modelPath: weights.file });
  }
  await predictShared({ ...options, files, unreadable, recipe }, async (work) => {
    await withFields(options, (predict) =>
      withProgress("predicting", async (report) => {
        for await (const claims of work.passes()) {
          const writing = new Set<Promise<unknown>>();
          try {
            for await (const claim of claims) {
              const { input, output } = claim.job;
              try {
                const { bytes } = await predict(claim.input, input, output);
                const write = claim.finish(bytes).finally(() => writing.delete(write));
                writing.add(write);
                if (writing.size === WRITES) await Promise.race(writing);
              } catch (error) {
                await claim.fail(error);
                if (!(error instanceof ErwinError)) throw error;
              }
              report(work.settled, work.total);
            }
          } finally {
            await Promise.all(writing);
            report(work.settled, work.total);
          }
        }
      }),
    );
    return "";
  });
}

/** Predicts the bytes of a file; returns the bytes of the output, the number of points, and the names of the arrays. */
type Predict = (
  bytes: Uint8Array,
  input: string,
  output: string,
) => Promise<{ bytes: Uint8Array<ArrayBuffer>; points: number; names: string[] }>;

/** A model of fields on a device. */
export interface OpenFields extends Disposable {
  predict: Predict;
  /** The device's. */
  memory: Device["memory"];
}

async function withFields(
  { weights, metadata, device }: FieldsOptions,
  work: (predict: Predict, device: string) => Promise<void>,
): Promise<void> {
  await withDevice(device, async (device) => {
    using fields = openFields({ weights, metadata }, device);
    await work(fields.predict, describeDevice(device));
  });
}

export function openFields(weights: Omit<FieldsOptions, "device">, device: Device): OpenFields {
  const { experiment, model } = readFieldModel(weights, device);
  return {
    predict: async (bytes, input, output) => {
      const sample = await readSample(bytes, input, experiment.described, { truth: false });
      const fields = await experiment.predictFields(model, cloudOf({ sample }, experiment.layout));
      const arrays = arraysOf(fields, input, output);
      return { bytes: await encode(bytes, output, sample, arrays), points: sample.points, names: [...arrays.keys()] };
    },
    memory: device.memory,
    [Symbol.dispose]: () => model.dispose(),
  };
}

/** Returns the experiment of a model's file, and the model, which the caller has to dispose of. */
export function readFieldModel(
  { weights, metadata }: Omit<FieldsOptions, "device">,
  device: Device,
): { experiment: FolderExperiment; model: FieldModel } {
  const experiment = folderExperimentOf(metadata, weights.file);
  const options = resolveOptions(experiment.options) as ExperimentOptions;
  const model = readModel(experiment, weights, { device, name: FOLDER, options }) as FieldModel;
  return { experiment, model };
}

/**
 * Returns the predictions for a file as arrays of its points, those of the whole as one row where the output's format can hold it.
 * @throws NumericalError for numbers that are not finite
 */
export function arraysOf(
  fields: readonly PredictedField[],
  input: string,
  output: string,
): Map<string, SafeTensorInput> {
  const arrays = pointDataOf(predictionArrays(fields, { wholeOnce: holdsArrays(output) }));
  for (const [name, { shape, data }] of arrays) expectFinite(data as Float32Array, shape[1] ?? 1, `${input}: ${name}`);
  return arrays;
}

/**
 * Encodes an input with arrays added; an output of another format contains what that format supports.
 * @param sample the input, whose coordinates are the points if its format does not tell which array they are
 */
export async function encode(
  bytes: Uint8Array,
  output: string,
  { file: input, points: rows, dimensions, positions }: FieldSample,
  arrays: ReadonlyMap<string, SafeTensorInput>,
): Promise<Uint8Array<ArrayBuffer>> {
  const [from, to] = [input, output].map(dottedExtensionOf);
  if (from === to) return addArrays(bytes, arrays, input);
  const found = await readArrays(bytes, input);
  const points = found.points ?? { dtype: "F64", shape: [rows, dimensions], data: Float64Array.from(positions) };
  const { cells, pointData } = found.points ? found : withPoints(found, points);
  const columns = [...pointData].filter(([, { shape }]) => shape.length <= 2);
  const all = new Map<string, SafeTensorInput>([...columns, ...arrays]);
  const values = toFloat32(points);
  const [, width] = points.shape;
  if (to === ".vtu" || to === ".vtp") {
    const inMesh = { shape: [rows, 3], data: inSpace(values, width) };
    return (to === ".vtu" ? saveVtu : saveVtp)({ points: inMesh, cells, pointData: all });
  }
  return writeFields({ positions: values, dimensionality: width }, all, output);
}
