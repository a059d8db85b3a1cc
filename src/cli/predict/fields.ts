// erwin predict for models of a folder's fields: each output is the input file with the predictions added.

import { existsSync } from "node:fs";
import { basename, dirname, extname } from "node:path";
import { cloudOf } from "../../experiments/folder/cloud.ts";
import { type FolderExperiment, folderExperimentOf } from "../../experiments/folder/experiment.ts";
import type { FieldModel } from "../../experiments/folder/model.ts";
import { readArrays, sampleExtensions } from "../../experiments/folder/read.ts";
import { readSample } from "../../experiments/folder/sample.ts";
import { predictionArrays } from "../../experiments/prediction.ts";
import { type InitialWeights, readModel } from "../../experiments/run.ts";
import { addArrays, addableExtensions, attributesOf } from "../../formats/add-arrays.ts";
import type { SafeTensorInput } from "../../formats/elements.ts";
import { pointDataOf } from "../../formats/mesh.ts";
import { type Attribute, writePointCloud } from "../../formats/pointcloud.ts";
import { saveVtp, saveVtu } from "../../formats/vtu-write.ts";
import { ErwinError, FormatError, toFloat32 } from "../../index.ts";
import { UsageError } from "../command.ts";
import { describeDevice, withDevice } from "../device.ts";
import { describeFailure } from "../failure.ts";
import { checkOutput, endsWriting, makeFolder, readBytes, writeWhole } from "../files.ts";
import type { DeviceChoice } from "../options.ts";
import { expectFinite } from "../output.ts";
import { printError, withProgress } from "../progress.ts";
import { formatCount } from "../text.ts";
import { expectAllDone, findTold } from "./found.ts";
import type { PredictionPaths } from "./inputs.ts";
import { type Shard, takeShard } from "./shard.ts";

export interface FieldsOptions {
  weights: InitialWeights;
  metadata: Readonly<Record<string, string>>;
  device: DeviceChoice;
}

const writable = addableExtensions.map((extension) => `.${extension}`);

/** @throws UsageError for an output in a format that cannot be written */
export function expectFieldOutput(output: string): void {
  if (writable.includes(extname(output).toLowerCase())) return;
  throw new UsageError(`--output is "${output}", expected a file that ends in ${writable.join(", ")}`);
}

/** Predicts the fields of one file. */
export async function predictFieldsOf(input: string, output: string, options: FieldsOptions): Promise<void> {
  expectFieldOutput(output);
  checkOutput(output, [input, options.weights.file]);
  await withFields(options, async (predict, device) => {
    const found = await withProgress("predicting", () => predict({ input, output }));
    console.log(`${output}: ${found.join(", ")} by ${device}`);
  });
}

export interface ManyFieldsOptions extends FieldsOptions {
  inputs: readonly string[];
  outputFolder: string;
  /** The extension of the outputs, with its dot; by default that of each input. */
  format?: string;
  shard: Shard;
  overwrite: boolean;
}

/**
 * Predicts the fields of many files. Existing outputs are skipped, unless they are to be overwritten.
 * @throws ErwinError at the end if a file could not be predicted
 */
export async function predictManyFields(options: ManyFieldsOptions): Promise<void> {
  const { inputs, outputFolder, format, shard, overwrite, weights } = options;
  const { files: all, unreadable } = findTold(inputs, outputFolder, {
    extension: format ?? null,
    keep: [weights.file],
    known: sampleExtensions.map((extension) => `.${extension}`),
  });
  const own = takeShard(all, shard);
  const files = overwrite ? own : own.filter(({ output }) => !existsSync(output));
  for (const { output } of files) expectFieldOutput(output);
  for (const folder of new Set(files.map(({ output }) => dirname(output)))) makeFolder(folder);
  let failed = 0;
  if (files.length > 0) {
    await withFields(options, (predict) =>
      withProgress("predicting", async (report) => {
        for (const [i, paths] of files.entries()) {
          try {
            await predict(paths);
          } catch (error) {
            if (!(error instanceof ErwinError) || endsWriting(error)) throw error;
            failed++;
            printError(describeFailure(paths.input, error));
          }
          report(i + 1, files.length);
        }
      }),
    );
  }
  const counts = [
    `${formatCount(files.length - failed)} predicted`,
    `${formatCount(own.length - files.length)} skipped`,
    `${formatCount(failed)} failed`,
  ];
  console.log(`${outputFolder}: ${counts.join(", ")}`);
  expectAllDone({ failed, files: own.length, unreadable });
}

/** Predicts a file and writes its output; returns the names of the arrays. */
type Predict = (paths: PredictionPaths) => Promise<string[]>;

async function withFields(
  { weights, metadata, device }: FieldsOptions,
  work: (predict: Predict, device: string) => Promise<void>,
): Promise<void> {
  const experiment = folderExperimentOf(metadata, weights.file);
  const options = Object.fromEntries(
    Object.entries(experiment.options).map(([name, option]) => [name, option.default]),
  );
  await withDevice(device, async (device) => {
    const name = metadata.experiment as string;
    const model = readModel(experiment as never, weights, { device, name, options: options as never }) as FieldModel;
    try {
      const predict: Predict = async ({ input, output }) => {
        const arrays = await predictFile(experiment, model, input);
        writeWhole(output, await encode(input, output, arrays));
        return [...arrays.keys()];
      };
      await work(predict, describeDevice(device));
    } finally {
      model.dispose();
    }
  });
}

async function predictFile(
  experiment: FolderExperiment,
  model: FieldModel,
  input: string,
): Promise<Map<string, SafeTensorInput>> {
  const sample = await readSample(readBytes(input), input, experiment.described, { truth: false });
  const fields = await experiment.predictFields(model, cloudOf({ sample }, experiment.layout));
  const arrays = pointDataOf(predictionArrays(fields));
  for (const [name, { shape, data }] of arrays) expectFinite(data as Float32Array, shape[1] ?? 1, `${input}: ${name}`);
  return arrays;
}

/** Encodes the input with the arrays added; an output of another format contains what that format supports. */
async function encode(
  input: string,
  output: string,
  arrays: ReadonlyMap<string, SafeTensorInput>,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = readBytes(input);
  const [from, to] = [input, output].map((path) => extname(path).toLowerCase());
  if (from === to) return addArrays(bytes, arrays, input);
  const { points, cells, pointData } = await readArrays(bytes, input);
  if (!points)
    throw new FormatError(`${input}: holds no points that ${basename(output)} could be made of.`, { file: input });
  const all = new Map<string, SafeTensorInput>([...pointData, ...arrays]);
  if (to === ".vtu" || to === ".vtp") {
    const [rows, width] = points.shape;
    const values = toFloat32(points);
    const data = Float32Array.from({ length: 3 * rows }, (_, i) =>
      i % 3 < width ? values[Math.floor(i / 3) * width + (i % 3)] : 0,
    );
    return (to === ".vtu" ? saveVtu : saveVtp)({ points: { shape: [rows, 3], data }, cells, pointData: all });
  }
  const attributes: Map<string, Attribute> = attributesOf(all);
  return writePointCloud({ positions: toFloat32(points), dimensionality: points.shape[1], attributes }, output);
}
