// Training checkpoints: one safetensors file from which a run continues as if it had never been interrupted. It has the model's
// tensors under their own names, so that `ErwinTransformer.load` can read it, too; the optimiser's are named `optimizer.*`, and the
// rest is JSON in the metadata under `training`.

import { expectParts } from "../../arguments/options.ts";
import { CheckpointError } from "../../errors.ts";
import { loadSafetensors, type SafeTensorInput, saveSafetensors } from "../../formats/safetensors/safetensors.ts";
import type { AdamW, OptimizerState } from "../optimizer/adamw.ts";
import type { LearningRates, Schedule } from "../optimizer/schedules.ts";
import type { AdamWOptions } from "../optimizer/settings.ts";
import type { Trainable } from "../task.ts";

/** The progress of a run. The seed and the number of batches are the complete random state. */
export interface TrainingProgress {
  /** The number of steps done. */
  step: number;
  /** The number of batches used: `step` times the batches of a step. */
  batches: number;
  seed: number;
  /** A function is not stored. */
  schedule: Schedule | LearningRates;
  /** The step after which it was validated last. */
  validated?: number;
  /** The best validation so far. */
  best?: { step: number; loss: number };
  /** The user's own description of the run. */
  config?: unknown;
}

const METADATA_KEY = "training";
const PREFIX = "optimizer.";

/** @returns a file that is byte for byte the same for runs with the same progress */
export async function saveTraining(
  model: Trainable,
  optimizer: AdamW,
  progress: TrainingProgress,
): Promise<Uint8Array<ArrayBuffer>> {
  expectParts("saveTraining", { model, optimizer }, "model.save", "optimizer.state");
  const [file, state] = await Promise.all([model.save(), optimizer.state()]);
  const { betas, eps, weightDecay, averageDecay } = optimizer;
  return encodeTraining({
    ...loadSafetensors(file),
    state,
    optimizer: { betas, eps, weightDecay, averageDecay },
    progress,
  });
}

/** The parts of a training checkpoint. */
export interface TrainingParts {
  /** The model's tensors, by its names. */
  tensors: ReadonlyMap<string, SafeTensorInput>;
  /** The model's metadata. */
  metadata: Readonly<Record<string, string>>;
  state: OptimizerState;
  optimizer: Pick<AdamWOptions, "betas" | "eps" | "weightDecay" | "averageDecay">;
  progress: TrainingProgress;
}

/** Makes the file of `saveTraining` from parts that may come from elsewhere. */
export function encodeTraining(parts: TrainingParts): Uint8Array<ArrayBuffer> {
  const { tensors, metadata, state, optimizer, progress } = parts;
  const all = new Map(tensors);
  for (const [name, tensor] of state) all.set(PREFIX + name, tensor);
  return saveSafetensors(all, { ...metadata, [METADATA_KEY]: JSON.stringify({ ...progress, optimizer }) });
}

/**
 * Restores the model and the optimiser as they were when the file was written.
 * @param file its name in error messages
 * @throws FormatError if the file is damaged; CheckpointError if it does not fit the model or optimiser, or is a model's
 *   checkpoint without training
 */
export function loadTraining(
  bytes: Uint8Array,
  model: Trainable,
  optimizer: AdamW,
  file = "checkpoint",
): TrainingProgress {
  expectParts("loadTraining", { model, optimizer }, "model.state", "optimizer.state");
  const { tensors, metadata } = loadSafetensors(bytes, { file });
  const progress = progressOf(metadata, file);
  const state = new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, tensor]) => [name.slice(PREFIX.length), tensor]),
  );
  model.restore(tensors, file);
  optimizer.load(state);
  return progress;
}

/**
 * The progress of a run, from the metadata of its checkpoint.
 * @param file its name in error messages
 * @throws CheckpointError for a model's checkpoint without training, or one whose progress is damaged
 */
export function progressOf(metadata: Readonly<Record<string, string>>, file: string): TrainingProgress {
  const text = metadata[METADATA_KEY];
  if (text === undefined) {
    throw new CheckpointError(`${file} contains a model but no training that can be continued`, { file });
  }
  try {
    const { optimizer: _, ...progress } = JSON.parse(text);
    const { step, batches, seed } = progress;
    if ([step, batches, seed].every(Number.isSafeInteger)) return progress;
  } catch {
    // It is not JSON.
  }
  throw new CheckpointError(`${file} has a damaged progress of training: ${text.slice(0, 80)}`, { file });
}
