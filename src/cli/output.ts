// Copies a model's output to the host, and encodes it in the format of the file's extension.

import { expectFinite } from "../experiments/prediction.ts";
import type { SafeTensorInput } from "../formats/bytes/elements.ts";
import { dottedExtensionOf } from "../formats/extension.ts";
import { saveNpy } from "../formats/numpy/npy.ts";
import { type Attribute, addAttributes, writePointCloud } from "../formats/pointcloud.ts";
import { type ArrayFormat, arrayFormats, encodeArrays } from "../formats/write-arrays.ts";
import { InputError } from "../index.ts";
import type { OutputRows } from "../jobs/rows.ts";
import type { CloudFile } from "./clouds.ts";
import { UsageError } from "./command.ts";

/** The points of an input. */
export type Points = Pick<CloudFile, "path" | "bytes" | "positions" | "exact" | "dimensionality">;

/** Returns the output's tensors by their names in the file. If the rows are not the input's points, each row's cloud is included. */
export function outputTensors({ data, width, batchIdx }: OutputRows, decode: boolean) {
  const tensors = new Map<string, SafeTensorInput>();
  tensors.set("out", { shape: [batchIdx.length, width], data });
  if (!decode) tensors.set("out_batch_idx", { shape: [batchIdx.length], data: batchIdx });
  return tensors;
}

/** @throws UsageError for another extension */
export function arrayFormat(output: string): ArrayFormat {
  return chooseFormat(output, arrayFormats);
}

const meshFormats = [".vtu", ".vtp"] as const;
const pointFormats = [".csv", ".ply", ".vtk", ...meshFormats] as const;
/** The formats of predictions. */
export const predictionFormats = [".safetensors", ".npz", ".npy", ...pointFormats] as const;
export type PredictionFormat = (typeof predictionFormats)[number];

/** @throws UsageError for an extension that is not one of these formats */
export function predictionFormat(output: string): PredictionFormat {
  return chooseFormat(output, predictionFormats);
}

/** @throws InputError if the format stores points, and the output's rows are not the input's points */
export function checkPredictionFormat(format: PredictionFormat, decode: boolean): void {
  if (decode || !isPointFormat(format)) return;
  throw new InputError(
    `The model does not decode: its output is of its coarsest level, not of the points that a ${format} file holds. Write .safetensors, .npz or .npy.`,
    { found: format, expected: [".safetensors", ".npz", ".npy"] },
  );
}

/**
 * Encodes a prediction. Formats of points also store the points, and each point's cloud if there are several clouds. If the format
 * is a mesh format and the points are those of a mesh, the file contains the mesh with the prediction.
 * @throws NumericalError if the prediction is not finite
 */
export function encodePrediction(
  format: PredictionFormat,
  rows: OutputRows,
  points: Points,
  decode: boolean,
): Uint8Array {
  const { data, width, batchIdx } = rows;
  const { exact, dimensionality } = points;
  const positions = exact ? Float32Array.from(exact) : points.positions;
  expectFinite(data, width, `${points.path}: the prediction`);
  if (isPointFormat(format)) {
    const attributes = new Map<string, Attribute>([["out", { data, channels: width }]]);
    if (batchIdx.some((cloud) => cloud > 0)) attributes.set("batch_idx", { data: batchIdx, channels: 1 });
    const isOfMesh = meshFormats.some((mesh) => mesh === format) && dottedExtensionOf(points.path) === format;
    if (isOfMesh) return addAttributes(points.bytes, attributes, points.path);
    return writePointCloud({ positions, exact, dimensionality, attributes }, format);
  }
  const tensors = outputTensors(rows, decode);
  if (format === ".npy") return saveNpy(tensors.get("out")!);
  if (format === ".safetensors" || !decode) return encodeArrays(tensors, format);
  return encodeArrays(
    new Map<string, SafeTensorInput>([
      ["node_positions", { shape: [batchIdx.length, dimensionality], data: exact ?? positions }],
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
  const extension = dottedExtensionOf(output);
  const format = formats.find((candidate) => candidate === extension);
  if (format) return format;
  throw new UsageError(`--output is "${output}", expected a file that ends in ${formats.join(", ")}`);
}
