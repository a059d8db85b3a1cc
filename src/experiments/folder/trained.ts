// A trained model of a folder's fields, with what its file tells of them.

import type { Device } from "../../backends/device.ts";
import { resolveOptions } from "../options.ts";
import { restoreModel } from "../restore.ts";
import type { InitialWeights } from "../run.ts";
import { FOLDER, type FolderExperiment, folderExperimentOf } from "./experiment.ts";
import type { FieldModel } from "./model.ts";

export interface TrainedFields {
  readonly experiment: FolderExperiment;
  /** In evaluation mode; the caller has to dispose of it. */
  readonly model: FieldModel;
}

/**
 * @param weights a safetensors file
 * @param metadata its metadata
 * @throws FormatError if the file is damaged; CheckpointError if it holds another model, or does not describe its fields
 */
export function readTrained(
  weights: InitialWeights,
  metadata: Readonly<Record<string, string>>,
  device: Device,
): TrainedFields {
  const experiment = folderExperimentOf(metadata, weights.file);
  const options = resolveOptions(experiment.options);
  return { experiment, model: restoreModel(experiment, weights, { device, name: FOLDER, options }) as FieldModel };
}
