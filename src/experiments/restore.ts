// Models of experiments from the files of their weights, of this library's own format alone: what reads PyTorch's is not needed for it.

import type { Device } from "../backends/device.ts";
import { CheckpointError } from "../errors.ts";
import { loadSafetensors, type SafeTensor } from "../formats/safetensors/safetensors.ts";
import type { Module } from "../nn/module.ts";
import type { Experiment } from "./experiment.ts";
import type { InitialWeights, RunOptions } from "./run.ts";

/**
 * Returns a model with the weights of a safetensors file, as `readModel` does.
 * @throws FormatError; CheckpointError
 */
export function restoreModel(
  experiment: Experiment,
  { bytes, file, partial }: InitialWeights,
  { device, name, options, onNote }: Pick<RunOptions, "device" | "options" | "onNote"> & { name: string },
): Module {
  const { tensors, metadata } = loadSafetensors(bytes, { file });
  const found = metadata.experiment;
  if (found !== undefined && found !== name && !partial) {
    throw new CheckpointError(`${file} holds a model of the experiment ${found}, not of ${name}`, {
      file,
      expected: name,
      found,
    });
  }
  const model = experiment.build(
    metadata.config === undefined ? experiment.config(options) : parseConfig(metadata.config, file),
  );
  if (partial) restoreFitting(model, tensors, { file, device, seed: options.seed, onNote });
  else model.restore(tensors, file, device);
  return model;
}

/** Initializes the model and gives it the tensors that fit by name and shape; `onNote` hears which have none. */
function restoreFitting(
  model: Module,
  tensors: ReadonlyMap<string, SafeTensor>,
  { file, device, seed, onNote }: { file: string; device: Device; seed: number } & Pick<RunOptions, "onNote">,
): void {
  model.initialize({ device, seed });
  const state = model.state();
  const shapeOf = (name: string, { shape }: SafeTensor) => state.get(name)?.shape ?? shape;
  const fitting = [...tensors].filter(([name, tensor]) => String(shapeOf(name, tensor)) === String(tensor.shape));
  try {
    const { missing } = model.restore(new Map(fitting), file, device, { strict: false });
    if (missing.length > 0)
      onNote?.(`${file} has no fitting values, so that initial ones are taken, for ${missing.join(", ")}`);
  } catch (error) {
    model.dispose();
    throw error;
  }
}

function parseConfig(text: string, file: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new CheckpointError(
      `${file} carries a config that is no JSON: ${(cause as Error).message}`,
      { file },
      { cause },
    );
  }
}
