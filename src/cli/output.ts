// A model's output on the host, and as it is written to a file, in the format that the file's name says.

import { extname } from "node:path";
import type { SafeTensorInput } from "../formats/elements.ts";
import { saveNpy } from "../formats/npy.ts";
import { saveNpz } from "../formats/npz.ts";
import { type Attribute, addAttributes, writePointCloud } from "../formats/pointcloud.ts";
import { saveSafetensors } from "../formats/safetensors.ts";
import { InputError, type Tensor } from "../index.ts";
import { UsageError } from "./command.ts";
import { readBytes } from "./files.ts";

export interface OutputRows {
  /** [rows, width] */
  data: Float32Array;
  width: number;
  /** [rows] cloud of each row. */
  batchIdx: Int32Array;
}

/** The points of an input. */
export interface Points {
  /** Of the file that they are from. */
  path: string;
  /** [n, dimensionality] */
  positions: Float32Array;
  dimensionality: number;
}

/** Copies what a pass gave from the device. */
export async function readOutput(out: Tensor): Promise<OutputRows> {
  return { data: await out.data(), width: out.shape[1], batchIdx: out.batchIdx! };
}

/** The output of a batch, divided: of so many clouds each, which are counted from 0 again. */
export function splitOutput({ data, width, batchIdx }: OutputRows, clouds: readonly number[]): OutputRows[] {
  let [cloud, row] = [0, 0];
  return clouds.map((count) => {
    const [firstCloud, firstRow] = [cloud, row];
    cloud += count;
    while (row < batchIdx.length && batchIdx[row] < cloud) row++;
    return {
      data: data.subarray(firstRow * width, row * width),
      width,
      batchIdx: batchIdx.subarray(firstRow, row).map((index) => index - firstCloud),
    };
  });
}

/** Its tensors by the file's names. The cloud of each row is written where the rows are not the input's points. */
export function outputTensors({ data, width, batchIdx }: OutputRows, decode: boolean) {
  const tensors = new Map<string, SafeTensorInput>();
  tensors.set("out", { shape: [batchIdx.length, width], data });
  if (!decode) tensors.set("out_batch_idx", { shape: [batchIdx.length], data: batchIdx });
  return tensors;
}

/** How files of named arrays are written, by their extensions. */
const arrayWriters = { ".safetensors": saveSafetensors, ".npz": saveNpz } as const;
export type ArrayFormat = keyof typeof arrayWriters;

/** @throws UsageError for an extension of no such file */
export function arrayFormat(output: string): ArrayFormat {
  return chooseFormat(output, Object.keys(arrayWriters) as ArrayFormat[]);
}

export function encodeArrays(tensors: ReadonlyMap<string, SafeTensorInput>, format: ArrayFormat): Uint8Array {
  return arrayWriters[format](tensors);
}

const meshFormats = [".vtu", ".vtp"] as const;
const pointFormats = [".csv", ".ply", ".vtk", ...meshFormats] as const;
/** What predictions can be written as. */
export const predictionFormats = [".safetensors", ".npz", ".npy", ...pointFormats] as const;
export type PredictionFormat = (typeof predictionFormats)[number];

/** @throws UsageError for an extension that predictions cannot be written as */
export function predictionFormat(output: string): PredictionFormat {
  return chooseFormat(output, predictionFormats);
}

/** @throws InputError where the format is of points, and the model's output is not of its input's points */
export function checkPredictionFormat(format: PredictionFormat, decode: boolean): void {
  if (decode || !isPointFormat(format)) return;
  throw new InputError(
    `The model does not decode: its output is of its coarsest level, not of the points that a ${format} file holds. Write .safetensors, .npz or .npy.`,
    { found: format, expected: [".safetensors", ".npz", ".npy"] },
  );
}

/**
 * A prediction's file. Formats that hold points get them too, and the cloud of each where there are several. A mesh's file for a
 * prediction of its points is that file, with the prediction in it.
 */
export function encodePrediction(
  format: PredictionFormat,
  rows: OutputRows,
  points: Points,
  decode: boolean,
): Uint8Array {
  const { data, width, batchIdx } = rows;
  if (isPointFormat(format)) {
    const attributes = new Map<string, Attribute>([["out", { data, channels: width }]]);
    if (batchIdx.some((cloud) => cloud > 0)) attributes.set("batch_idx", { data: batchIdx, channels: 1 });
    const isOfMesh = meshFormats.some((mesh) => mesh === format) && extname(points.path).toLowerCase() === format;
    if (isOfMesh) return addAttributes(readBytes(points.path), attributes, points.path);
    return writePointCloud({ positions: points.positions, dimensionality: points.dimensionality, attributes }, format);
  }
  const tensors = outputTensors(rows, decode);
  if (format === ".npy") return saveNpy(tensors.get("out")!);
  if (format === ".safetensors" || !decode) return encodeArrays(tensors, format);
  const { positions, dimensionality } = points;
  return encodeArrays(
    new Map<string, SafeTensorInput>([
      ["node_positions", { shape: [batchIdx.length, dimensionality], data: positions }],
      ["batch_idx", { shape: [batchIdx.length], data: batchIdx }],
      ...tensors,
    ]),
    format,
  );
}

function isPointFormat(format: PredictionFormat): format is (typeof pointFormats)[number] {
  return pointFormats.some((candidate) => candidate === format);
}

function chooseFormat<Format extends string>(output: string, formats: readonly Format[]): Format {
  const extension = extname(output).toLowerCase();
  const format = formats.find((candidate) => candidate === extension);
  if (format) return format;
  throw new UsageError(`--output is "${output}", expected a file that ends in ${formats.join(", ")}`);
}
