// erwin predict for models of a folder's fields: each output is the input file with the predictions added.

import { frameRule } from "../../experiments/folder/array-frames.ts";
import { cloudOf } from "../../experiments/folder/cloud.ts";
import type { FolderConfig } from "../../experiments/folder/config.ts";
import type { FolderExperiment } from "../../experiments/folder/experiment.ts";
import { arrayFramesIn, framesIn } from "../../experiments/folder/frames.ts";
import { valuesOfWhole } from "../../experiments/folder/given-fields.ts";
import { withAxes } from "../../experiments/folder/grid.ts";
import { areTexts } from "../../experiments/folder/labels.ts";
import {
  arraysOf,
  type Contents,
  contentsOf,
  copyExtension,
  encode,
  isAddable,
  labelsIn,
  noteOn,
  type PredictedFile,
  writeContents,
} from "../../experiments/folder/prediction-file.ts";
import { sampleExtensions } from "../../experiments/folder/read.ts";
import { readSample, type SampleOptions } from "../../experiments/folder/read-sample.ts";
import type { SideTable } from "../../experiments/folder/side-table.ts";
import { readTrained } from "../../experiments/folder/trained.ts";
import type { InitialWeights } from "../../experiments/run.ts";
import { toBytes } from "../../formats/bytes/bytes.ts";
import { arrayTypes, type SafeTensor, type SafeTensorInput, tensorType } from "../../formats/bytes/elements.ts";
import { dottedExtensionOf } from "../../formats/extension.ts";
import { writableExtensions } from "../../formats/pointcloud.ts";
import { holdsArrays } from "../../formats/write-arrays.ts";
import { type Device, ErwinError, FormatError } from "../../index.ts";
import { sha256 } from "../../jobs/job.ts";
import type { Claim } from "../../jobs/shared-work.ts";
import { UsageError } from "../command.ts";
import { describeDevice, withDevice } from "../device.ts";
import { checkTarget, readFile, writeFile } from "../files/remote-files.ts";
import type { DeviceChoice } from "../options/shared.ts";
import { withProgress } from "../process/progress.ts";
import { enqueueFiles } from "../queue/enqueue.ts";
import { findTold } from "./found.ts";
import { firstNote } from "./notes.ts";
import { type ManyFilesOptions, predictShared, WRITES } from "./shared.ts";
import { findTable } from "./table.ts";

export interface FieldsOptions {
  weights: InitialWeights;
  metadata: Readonly<Record<string, string>>;
  device: DeviceChoice;
  /** The path of the table beside the inputs; by default it is looked for where the config has it. */
  table?: string | undefined;
}

/** Formats to which a file's points and fields can be converted; arrays can be added to files of more formats. */
const writable = writableExtensions.filter(isAddable);

/** @throws UsageError for an output in a format that cannot be written */
export function expectFieldOutput(input: string, output: string): void {
  if (writable.includes(dottedExtensionOf(output)) || isCopy(input, output)) return;
  throw new UsageError(`--output is "${output}", expected a file that ends in ${writable.join(", ")}`);
}

/** Whether an output is the input's file with arrays added. */
export function isCopy(input: string, output: string): boolean {
  const [from, to] = [input, output].map(dottedExtensionOf);
  return from === to && isAddable(to);
}

/** Predicts the fields of one file. */
export async function predictFieldsOf(input: string, output: string, options: FieldsOptions): Promise<void> {
  expectFieldOutput(input, output);
  await checkTarget(output, [input, options.weights.file]);
  const found = await readFile(input);
  const { table } = (await findTable([input], options)) ?? {};
  await withFields(options, async (predict, device) => {
    const { bytes, names, note } = await withProgress("predicting", () => predict(found, input, output, { table }));
    firstNote()(input, note);
    await writeFile(output, bytes);
    console.log(`${output}: ${names.join(", ")} by ${device}`);
  });
}

export interface ManyFieldsOptions extends FieldsOptions, ManyFilesOptions {
  /** The extension of the outputs, with its dot; by default that of each input, or .npz if arrays cannot be added to it. */
  format?: string;
}

/**
 * Predicts the fields of many files. Existing outputs are skipped, unless they are to be overwritten.
 * @throws ErwinError at the end if a file could not be predicted
 */
export async function predictManyFields(options: ManyFieldsOptions): Promise<void> {
  const { inputs, outputFolder, format, weights, device } = options;
  const beside = await findTable(inputs, options);
  const table = beside?.table;
  const { files: all, unreadable } = await findTold(inputs, outputFolder, {
    extension: format ?? copyExtension,
    keep: [weights.file],
    known: sampleExtensions.map((extension) => `.${extension}`),
  });
  const files = all.filter(({ input }) => !beside?.isTable(input));
  for (const { input, output } of files) expectFieldOutput(input, output);
  const recipe = {
    model: await sha256(toBytes(weights.bytes)),
    options: { format, precision: device.precision ?? "float32", ...(beside && { table: beside.hash }) },
  };
  if (options.queue !== undefined)
    return enqueueFiles(options.queue, { ...options, files, recipe, modelPath: weights.file, table });
  const tell = firstNote();
  await predictShared({ ...options, files, unreadable, recipe }, async (work) => {
    await withFields(options, (predict) =>
      withProgress("predicting", async (report) => {
        for await (const claims of work.passes()) {
          const predictClaim = ({ input: bytes, job }: Claim) => predict(bytes, job.input, job.output, { table });
          await predictClaims(claims, predictClaim, tell, () => report(work.settled, work.total));
        }
      }),
    );
    return "";
  });
}

/** Predicts the files of one pass, and writes up to `WRITES` outputs meanwhile. */
async function predictClaims(
  claims: AsyncIterable<Claim>,
  predict: (claim: Claim) => ReturnType<Predict>,
  tell: ReturnType<typeof firstNote>,
  report: () => void,
): Promise<void> {
  const writing = new Set<Promise<unknown>>();
  const predictClaim = async (claim: Claim) => {
    try {
      const { bytes, note } = await predict(claim);
      tell(claim.job.input, note);
      const write = claim.finish(bytes).finally(() => writing.delete(write));
      writing.add(write);
      if (writing.size === WRITES) await Promise.race(writing);
    } catch (error) {
      await claim.fail(error);
      if (!(error instanceof ErwinError)) throw error;
    }
  };
  try {
    for await (const claim of claims) {
      await predictClaim(claim);
      report();
    }
  } finally {
    await Promise.all(writing);
    report();
  }
}

/** What is known of an input beside its bytes. */
export interface Beside {
  /** The table that names it, if the config has one. */
  table?: SideTable | undefined;
  /** Globals as texts, by their names: a number, several with commas between them, or a class's label. */
  values?: Readonly<Record<string, string>> | undefined;
}

/** Predicts the bytes of a file; returns the bytes of the output, the number of points, the names of the arrays, and a remark if any. */
type Predict = (
  bytes: Uint8Array,
  input: string,
  output: string,
  beside?: Beside,
) => Promise<{ bytes: Uint8Array<ArrayBuffer>; points: number; names: string[]; note: string | undefined }>;

/** A model of fields on a device. */
export interface OpenFields extends Disposable {
  predict: Predict;
  /** The names of the values of the whole sample that the model sees. */
  globals: readonly string[];
  /** The device's. */
  memory: Device["memory"];
}

async function withFields(
  { device, ...options }: FieldsOptions,
  work: (predict: Predict, device: string) => Promise<void>,
): Promise<void> {
  await withDevice(device, async (device) => {
    using fields = openFields(options, device);
    await work(fields.predict, describeDevice(device));
  });
}

export function openFields(
  { weights, metadata }: Pick<FieldsOptions, "weights" | "metadata">,
  device: Device,
): OpenFields {
  const { experiment, model } = readTrained(weights, metadata, device);
  const { described } = experiment;
  return {
    predict: async (bytes, input, output, { table, values: texts = {} } = {}) => {
      const predicted: PredictedFile[] = [];
      const options = { truth: false, table, values: valuesOfTexts(texts, experiment) };
      for (const frame of await readFrames(bytes, input, described, options)) {
        const { sample } = frame;
        const fields = await experiment.predictFields(model, cloudOf({ sample }, experiment.layout));
        const labels = labelsIn(sample, described);
        predicted.push({ ...frame, arrays: arraysOf(fields, sample, output), labels });
      }
      const [{ sample, arrays }] = predicted;
      const isSingle = sample.file === input;
      return {
        bytes: await (isSingle ? encode(predicted[0], output) : encodeFrames(predicted, output)),
        points: predicted.reduce((sum, { sample }) => sum + sample.points, 0),
        note: noteOn(sample),
        names: [...arrays.keys()].filter((name) => predicted.every(({ arrays }) => arrays.has(name))),
      };
    },
    globals: described.globals.map(({ name }) => name),
    memory: device.memory,
    [Symbol.dispose]: () => model.dispose(),
  };
}

/** @throws InputError naming what is none of the globals, or no number */
function valuesOfTexts(texts: Readonly<Record<string, string>>, experiment: FolderExperiment) {
  const { described } = experiment;
  const labelled = new Set(described.globals.filter(areTexts).map(({ name }) => name));
  const given = Object.entries(texts).map(([name, text]) => [name, labelled.has(name) ? text : numbersOrTexts(text)]);
  return valuesOfWhole(Object.fromEntries(given), experiment);
}

/** Returns the numbers between commas; what is none stays a text, which is refused. */
const numbersOrTexts = (text: string) =>
  text.split(",").map((part) => (part.trim() === "" || Number.isNaN(Number(part)) ? part : Number(part)));

/** Reads the frames in a file, or the file if it has no several ones. @throws FormatError */
async function readFrames(bytes: Uint8Array, input: string, described: FolderConfig, options: SampleOptions) {
  const read = async (frames: readonly { bytes: Uint8Array; file: string }[]) => {
    const samples: Pick<PredictedFile, "bytes" | "sample">[] = [];
    for (const { bytes, file } of frames) {
      samples.push({ bytes, sample: await readSample(bytes, file, described, options) });
    }
    return samples;
  };
  try {
    return await read(await framesIn(bytes, input));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    // Arrays of several frames are no sample.
    const frames = await arrayFramesIn(bytes, input, frameRule(described)).catch((other: unknown) => {
      if (!(other instanceof FormatError)) throw other;
    });
    if (!frames) throw error;
    return read(frames);
  }
}

/**
 * Encodes frames one after the other, with the arrays that all of them have, and `batch_idx`, the number of each point's frame. What is
 * of the whole has a row for each frame. Formats of named arrays have fields on a grid as the input has them, [frames, ...axes].
 */
export async function encodeFrames(
  predicted: readonly PredictedFile[],
  output: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const frames: Contents[] = [];
  for (const frame of predicted) frames.push(await contentsOf(frame));
  const joined = joinedOf(frames.map(({ arrays }) => arrays));
  const indices = predicted.map(({ sample: { points } }, i) => new Int32Array(points).fill(i));
  const points = oneAfterTheOther(frames.map(({ points }) => points));
  const wholes = joinedOf(frames.map(({ wholes }) => rowsOf(wholes)));
  const [{ grid, ...first }] = frames;
  if (grid && holdsArrays(output)) {
    for (const [name, axis] of [...first.wholes, ...withAxes(first.arrays, grid)]) {
      if (!grid.axes.includes(name)) continue;
      wholes.set(name, axis);
      joined.delete(name);
    }
    const ofFrames = { ...grid, sizes: [frames.length, ...grid.sizes] };
    return writeContents({ points, grid: ofFrames, arrays: joined, wholes }, output);
  }
  joined.set("batch_idx", oneAfterTheOther(indices.map((data) => ({ shape: [data.length], data }))));
  return writeContents({ points, arrays: joined, wholes }, output);
}

/** Returns the arrays that all frames have with rows of the same shape, those of one frame after those of the other. */
function joinedOf(frames: readonly ReadonlyMap<string, SafeTensorInput>[]): Map<string, SafeTensorInput> {
  const joined = new Map<string, SafeTensorInput>();
  for (const [name, { shape }] of frames[0]) {
    const parts = frames.flatMap((arrays) => arrays.get(name) ?? []);
    const isInAll =
      parts.length === frames.length && parts.every((part) => String(part.shape.slice(1)) === String(shape.slice(1)));
    if (isInAll) joined.set(name, oneAfterTheOther(parts));
  }
  return joined;
}

/** Returns numbers and vectors as a row each. */
const rowsOf = (wholes: ReadonlyMap<string, SafeTensorInput>): Map<string, SafeTensorInput> =>
  new Map(
    [...wholes]
      .filter(([, { shape }]) => shape.length <= 1)
      .map(([name, array]) => [name, { ...array, shape: array.data.length === 1 ? [1] : [1, array.data.length] }]),
  );

/** @param parts of one type, or numbers of text: float32, int32, or float64 where a frame's need it */
function oneAfterTheOther(parts: readonly SafeTensorInput[]): SafeTensor & SafeTensorInput {
  const length = parts.reduce((sum, { data }) => sum + data.length, 0);
  const rows = parts.reduce((sum, { shape }) => sum + shape[0], 0);
  const [{ labels }] = parts;
  const [type, ...others] = new Set(parts.map((part) => tensorType("", part)));
  const dtype = others.length === 0 ? type : parts.some(({ data }) => data instanceof Float64Array) ? "F64" : "F32";
  const data = new (arrayTypes[dtype] as Float32ArrayConstructor)(length);
  let at = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array, at);
    at += part.data.length;
  }
  return { dtype, shape: [rows, ...parts[0].shape.slice(1)], data, ...(labels && { labels }) };
}
