// What is trained, on what: the few things the fit loop has to know of an experiment.

import { expectParts } from "../arguments.ts";
import type { Device } from "../backends/device.ts";
import { ConfigError } from "../errors.ts";
import type { ErwinInput, PreparedInput } from "../erwin/input.ts";
import type { SafeTensor } from "../formats/safetensors.ts";
import type { Random } from "../random.ts";
import { slice } from "../tensor/operators/sections.ts";
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
  /**
   * @param random numbers that depend on the run's seed, the epoch and the sample alone: for augmentation
   * @param epoch times that all samples have been seen before, in training
   */
  load(index: number, random: Random, epoch?: number): Sample | Promise<Sample>;
}

/** An experiment's part in training. A `Batch` is what it makes of samples, all on the host. */
export interface Task<Sample, Batch> {
  /** Joins samples and builds their trees and graph (`model.prepare`): runs ahead, while the device works on other batches. */
  prepare(samples: Sample[]): Promise<Batch>;
  /** The batch's mean loss: one number, on the tape. What it is computed from must be disposed. */
  loss(batch: Batch): Promise<Tensor>;
  /** Points of a batch, all clouds (and steps in time) together: for the points per second of a run's log. */
  points?(batch: Batch): number;
  /** What validation and test report, one number each, `loss` among them. Default: the loss. */
  metrics?(batch: Batch): Promise<Record<string, Measured>>;
  /** The same numbers, and those of each sample by itself. */
  details?(batch: Batch): Promise<BatchDetails>;
  /**
   * What is reported, by the means of these numbers over all samples, or by those of one sample: the root of a mean square, say.
   * Default: the numbers as they are.
   */
  summarise?(numbers: Record<string, number>): Record<string, number>;
}

/** One number: on the device, or already here. */
export type Measured = Tensor | number;

/** What is measured in a batch. */
export interface BatchDetails {
  batch: Record<string, Measured>;
  /** In the order of the samples that the batch was made from. */
  samples: Record<string, Measured>[];
}

/** What `supervised` trains: an ErwinTransformer, or a wrapper around one. */
export interface SupervisedModel<Input, Prepared> {
  readonly device: Device;
  /** Checks an input and builds its tree and graph, without touching the device. */
  prepare(input: Input): Promise<Prepared>;
  forward(prepared: NoInfer<Prepared>): Promise<Tensor>;
}

/** A batch of `supervised`. */
export interface SupervisedBatch<Prepared = PreparedInput> {
  input: Prepared;
  target: Float32Array;
  /** The first row of each sample in output and target, then the number of rows. */
  offsets?: Int32Array;
}

/** Compares the model's output with a target of as many rows; gives one number. */
export type Measure = (output: Tensor, target: Tensor) => Tensor;

/** The common task: one forward pass, compared with a target. */
export function supervised<Sample, Input = ErwinInput, Prepared = PreparedInput>(options: {
  model: SupervisedModel<Input, Prepared>;
  /**
   * Clouds one after the other, and what the output should be: as many rows as the output has, of any width. The offsets of the
   * samples' rows are needed where each sample is measured by itself.
   */
  collate(samples: Sample[]): { input: Input; target: Float32Array; offsets?: Int32Array };
  /** The batch's mean loss. Tensors made inside are freed. */
  loss: Measure;
  /** More numbers for validation and test. */
  metrics?: Record<string, Measure>;
}): Task<Sample, SupervisedBatch<Prepared>> {
  expectParts("supervised", options, { model: "forward" });
  const { model, collate, loss, metrics } = options;
  const all = { loss, ...metrics };
  const measure = async (
    { input, target, offsets }: SupervisedBatch<Prepared>,
    measures: Record<string, Measure>,
    each: boolean,
  ): Promise<BatchDetails> => {
    using output = await model.forward(input);
    const rows = output.shape[0]!;
    using wanted = Tensor.from(model.device, target, [rows, target.length / rows]);
    return {
      batch: apply(measures, output, wanted),
      samples: each ? eachSample(offsets, output, wanted, measures) : [],
    };
  };
  return {
    async prepare(samples) {
      const { input, ...rest } = collate(samples);
      return { input: await model.prepare(input), ...rest };
    },
    points: ({ offsets }) => offsets?.at(-1) ?? 0,
    loss: async (batch) => (await measure(batch, { loss }, false)).batch.loss as Tensor,
    metrics: async (batch) => (await measure(batch, all, false)).batch,
    details: (batch) => measure(batch, all, true),
  };
}

function apply(measures: Record<string, Measure>, output: Tensor, target: Tensor): Record<string, Tensor> {
  const found = Object.entries(measures).map(
    ([name, measure]) => [name, scope(() => measure(output, target))] as const,
  );
  return Object.fromEntries(found);
}

function eachSample(
  offsets: Int32Array | undefined,
  output: Tensor,
  target: Tensor,
  measures: Record<string, Measure>,
): Record<string, Tensor>[] {
  if (!offsets) {
    throw new ConfigError("to measure each sample by itself, collate must give the offsets of its rows", {
      field: "offsets",
    });
  }
  return Array.from(offsets.subarray(1), (end, sample) => {
    using own = slice(output, 0, offsets[sample]!, end);
    using wanted = slice(target, 0, offsets[sample]!, end);
    return apply(measures, own, wanted);
  });
}
