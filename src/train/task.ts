// What is trained, on what: the few things the fit loop has to know of an experiment.

import { expectParts } from "../arguments.ts";
import type { Device } from "../backends/device.ts";
import type { ErwinInput, PreparedInput } from "../erwin/input.ts";
import type { ErwinTransformer } from "../erwin/model.ts";
import type { SafeTensor } from "../formats/safetensors.ts";
import type { Random } from "../random.ts";
import { scope, Tensor } from "../tensor/tensor.ts";

/** A model the fit loop can train: an ErwinTransformer, or a wrapper around one. */
export interface Trainable {
  readonly device: Device;
  parameters(): Map<string, Tensor>;
  train(): unknown;
  eval(): unknown;
  /** A safetensors file of all its tensors. */
  save(): Promise<Uint8Array<ArrayBuffer>>;
  /** Takes over the tensors of such a file; those named `optimizer.*` or `training.*` are not its own. */
  restore(tensors: ReadonlyMap<string, SafeTensor>, file?: string): void;
}

/** Samples by number. */
export interface DataSet<Sample> {
  readonly size: number;
  /** @param random numbers that depend on the run's seed, the epoch and the sample alone: for augmentation */
  load(index: number, random: Random): Sample | Promise<Sample>;
}

/** An experiment's part in training. A `Batch` is what it makes of samples, all on the host. */
export interface Task<Sample, Batch> {
  /** Joins samples and builds their trees and graph (`model.prepare`): runs ahead, while the device works on other batches. */
  prepare(samples: Sample[]): Promise<Batch>;
  /** The batch's mean loss: one number, on the tape. What it is computed from must be disposed. */
  loss(batch: Batch): Promise<Tensor>;
  /** What validation and test report, one number each, `loss` among them. Default: the loss. */
  metrics?(batch: Batch): Promise<Record<string, Tensor>>;
}

/** A batch of `supervised`. */
export interface SupervisedBatch {
  input: PreparedInput;
  target: Float32Array;
}

/** Compares the model's output with a target of as many rows; gives one number. */
export type Measure = (output: Tensor, target: Tensor) => Tensor;

/** The common task: one forward pass, compared with a target. */
export function supervised<Sample>(options: {
  model: ErwinTransformer;
  /** Clouds one after the other, and what the output should be: as many rows as the output has, of any width. */
  collate(samples: Sample[]): { input: ErwinInput; target: Float32Array };
  /** The batch's mean loss. Tensors made inside are freed. */
  loss: Measure;
  /** More numbers for validation and test. */
  metrics?: Record<string, Measure>;
}): Task<Sample, SupervisedBatch> {
  expectParts("supervised", options, { model: "forward" });
  const { model, collate, loss, metrics } = options;
  const measure = async ({ input, target }: SupervisedBatch, measures: Record<string, Measure>) => {
    using output = await model.forward(input);
    const rows = output.shape[0]!;
    using wanted = Tensor.from(model.device, target, [rows, target.length / rows]);
    const found: Record<string, Tensor> = {};
    for (const [name, measure] of Object.entries(measures)) found[name] = scope(() => measure(output, wanted));
    return found;
  };
  return {
    async prepare(samples) {
      const { input, target } = collate(samples);
      return { input: await model.prepare(input), target };
    },
    loss: async (batch) => (await measure(batch, { loss })).loss!,
    metrics: (batch) => measure(batch, { loss, ...metrics }),
  };
}
