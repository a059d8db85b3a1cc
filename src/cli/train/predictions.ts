// Writes predictions for a run's test split: for each sample a file with the prediction, the truth and the error at each point.

import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Experiment, ExperimentOptions, SamplePrediction, Split } from "../../experiments/experiment.ts";
import { predictionArrays } from "../../experiments/prediction.ts";
import { meshOf, pointDataOf } from "../../formats/clouds/mesh.ts";
import { savePvd } from "../../formats/vtk/pvd.ts";
import { saveVtu } from "../../formats/vtk/vtu-write.ts";
import { holdsArrays, writeFields } from "../../formats/write-arrays.ts";
import type { Module } from "../../nn/module.ts";
import { Random } from "../../random.ts";
import { makeFolder, writeWhole } from "../files/files.ts";
import { WHOLE_FILE, WholeTable } from "./whole-table.ts";

export const PREDICTIONS_FOLDER = "predictions";

export const predictionFormats = ["vtu", "vtp", "vtk", "npz", "safetensors", "csv", "ply"] as const;
export type PredictionFormat = (typeof predictionFormats)[number];

export interface PredictionsOptions {
  experiment: Experiment;
  model: Module;
  data: Split<unknown>;
  options: ExperimentOptions;
  /** The run's folder. */
  folder: string;
  format: PredictionFormat;
  /** The largest number of samples; of a larger split they are evenly spread. */
  most: number;
  signal: AbortSignal;
  onProgress(done: number, total: number): void;
}

/** What was written into the folder of predictions. */
export interface WrittenPredictions {
  /** The number of samples. */
  samples: number;
  /** Whether there is a table of the values of the whole. */
  hasTable: boolean;
}

/** Writes predictions, and of values of the whole a table. Files of an earlier call are deleted. */
export async function writePredictions(task: PredictionsOptions): Promise<WrittenPredictions> {
  const { experiment, model, data, options, format, most, signal, onProgress } = task;
  const folder = join(task.folder, PREDICTIONS_FOLDER);
  rmSync(folder, { recursive: true, force: true });
  const count = experiment.predict ? Math.min(most, data.size) : 0;
  if (count === 0) return { samples: 0, hasTable: false };
  makeFolder(folder);
  model.eval();
  const table = new WholeTable();
  let samples = 0;
  for (let i = 0; i < count && !signal.aborted; i++) {
    const index = Math.floor(((i + 0.5) * data.size) / count);
    const sample = await data.load(index, new Random(options.seed, `prediction, sample ${index}`));
    const frames = await experiment.predict!(model, sample, options);
    writeSample(folder, fileName(index, data), frames, format);
    if (frames.length === 1) table.add(data.nameOf(index), frames[0].fields);
    samples++;
    onProgress(samples, count);
  }
  const bytes = table.bytes();
  if (bytes) writeWhole(join(folder, WHOLE_FILE), bytes);
  return { samples, hasTable: bytes !== undefined };
}

/** The length to which names are cut; what is added to them still fits into the 255 bytes that file systems allow. */
const MAX_NAME_LENGTH = 200;

/**
 * Returns the sample's number in its split and its name, without its extension and characters that file systems do not allow. Of a
 * long one, which begins with its folders, the end is kept.
 */
export function fileName(index: number, { size, nameOf }: Pick<Split<unknown>, "size" | "nameOf">): string {
  const digits = String(size - 1).length;
  return `${String(index).padStart(digits, "0")}-${nameOf(index)
    .replace(/\.[A-Za-z]\w*$/, "")
    .replace(/[^A-Za-z0-9._-]+/g, "_")
    .slice(-MAX_NAME_LENGTH)}`;
}

/** Writes a sample. A sequence has a file for each frame, and if these are meshes a collection of them for ParaView. */
function writeSample(folder: string, name: string, frames: SamplePrediction[], format: PredictionFormat): void {
  if (frames.length === 1) {
    writeWhole(join(folder, `${name}.${format}`), encode(frames[0], format));
    return;
  }
  const entries = frames.map((frame, i) => {
    const file = `${name}.${String(i).padStart(String(frames.length - 1).length, "0")}.${format}`;
    writeWhole(join(folder, file), encode(frame, format));
    return { file, time: frame.time ?? i };
  });
  if (format === "vtu" || format === "vtp") writeWhole(join(folder, `${name}.pvd`), savePvd(entries));
}

function encode(sample: SamplePrediction, format: PredictionFormat): Uint8Array {
  const attributes = predictionArrays(sample.fields, { truth: true, wholeOnce: holdsArrays(format) });
  const { positions, dimensionality, cells, corners } = sample;
  if (format === "vtu" && corners) return saveVtu({ points: corners, cells, cellData: pointDataOf(attributes) });
  if (format === "vtu") return saveVtu({ ...meshOf({ positions, dimensionality, attributes }), cells });
  return writeFields(sample, pointDataOf(attributes), `sample.${format}`);
}
