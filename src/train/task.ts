// The interfaces between the training loop and what it trains: models, data sets and tasks.

import { isIntegers } from "../arguments/indices.ts";
import { describe, expectKind } from "../arguments/kinds.ts";
import { checkOptions, expectParts } from "../arguments/options.ts";
import type { Device } from "../backends/device.ts";
import { ConfigError, InputError } from "../errors.ts";
import type { ErwinInput, PreparedInput } from "../erwin/input.ts";
import type { SafeTensor } from "../formats/safetensors/safetensors.ts";
import type { Random } from "../random.ts";
import { slice } from "../tensor/operators/sections.ts";
import { collect, scope, Tensor } from "../tensor/tensor.ts";

/** A model that the training loop can train: an ErwinTransformer, or a wrapper around one. */
export interface Trainable {
  readonly device: Device;
  /** Whether it is in training mode. Without it, a run leaves the model in evaluation mode. */
  readonly training?: boolean;
  parameters(): Map<string, Tensor>;
  train(): unknown;
  eval(): unknown;
  /** Returns a safetensors file of all its tensors. */
  save(): Promise<Uint8Array<ArrayBuffer>>;
  /** Restores the tensors of such a file; it ignores those named `optimizer.*` or `training.*`. */
  restore(tensors: ReadonlyMap<string, SafeTensor>, file?: string): void;
  /** Moves the model to another device, with the tensors of such a file. Without this method, a run ends when its device is lost. */
  moveTo?(device: Device, tensors: ReadonlyMap<string, SafeTensor>): void;
  /** Begins the random numbers of its layers anew, such as those of dropout: each batch has its own, whichever run computes it. */
  reseed?(seed: number): unknown;
  /** Turns gradient checkpointing on or off; returns whether this has changed anything. */
  setCheckpointing?(on: boolean): boolean;
  /** Does a dry run of `work`, as if the model were on a device that only counts memory, to learn how much the work needs. */
  rehearse?<Result>(device: Device, work: () => Promise<Result>): Promise<Result>;
}

/** Samples by index. */
export interface DataSet<Sample> {
  readonly size: number;
  /**
   * @param random random numbers, for augmentation, that depend only on the run's seed, the epoch and the sample
   * @param epoch in training, the number of epochs before this one
   */
  load(index: number, random: Random, epoch?: number): Sample | Promise<Sample>;
}

/**
 * Returns a list of samples as a data set.
 * @param field its name in error messages
 * @throws ConfigError for what is neither
 */
export function dataSetOf<Sample>(field: string, data: DataSet<Sample> | readonly Sample[]): DataSet<Sample> {
  if (Array.isArray(data)) return { size: data.length, load: (index) => data[index] };
  if (typeof (data as DataSet<Sample> | undefined)?.load === "function") return data as DataSet<Sample>;
  throw new ConfigError(`${field} is ${describe(data)}, expected a list of samples or { size, load(index) }`, {
    field,
  });
}

/** The part of an experiment in training. A `Batch` is made from samples, on the host. */
export interface Task<Sample, Batch> {
  /** Joins samples and builds their trees and graph (`model.prepare`), while the device works on other batches. */
  prepare(samples: Sample[]): Promise<Batch>;
  /** Returns the batch's mean loss, a scalar that is recorded on the tape. It must dispose the tensors it computes the loss from. */
  loss(batch: Batch): Promise<Tensor>;
  /**
   * Returns the weight of a batch's mean loss if the batch is a part of a larger one that did not fit into memory. Default: its
   * number of samples; for a loss that is a mean over points, it should be their number.
   */
  weight?(batch: Batch): number;
  /** Returns the number of points in a batch, over all clouds and steps in time, for the log's points per second. */
  points?(batch: Batch): number;
  /** Returns the scalars that validation and test report, including `loss`. Default: the loss. */
  metrics?(batch: Batch): Promise<Record<string, Measured>>;
  /** Returns the same scalars, and those of each sample. */
  details?(batch: Batch): Promise<BatchDetails>;
  /**
   * Computes what is reported from the means of these scalars over all samples, or from those of one sample: the root of a mean
   * square, for example. Default: the scalars as they are.
   */
  summarise?(numbers: Record<string, number>): Record<string, number>;
}

/** A scalar, on the device or on the host. */
export type Measured = Tensor | number;

/** The metrics of a batch, all of them scalars. */
export interface BatchDetails {
  batch: Record<string, Measured>;
  /** The metrics of each sample, in the order of the batch. */
  samples: Record<string, Measured>[];
}

/** A model that `supervised` trains: an ErwinTransformer, or a wrapper around one. */
export interface SupervisedModel<Input, Prepared> {
  readonly device: Device;
  /** Checks an input and builds its tree and graph, without touching the device. */
  prepare(input: Input): Promise<Prepared>;
  forward(prepared: NoInfer<Prepared>): Promise<Tensor>;
}

/** What outputs are compared with: numbers, or the class number of each row. */
export type SupervisedTarget = Float32Array | Int32Array;

/** A batch of `supervised`. */
export interface SupervisedBatch<Prepared = PreparedInput, Target extends SupervisedTarget = Float32Array> {
  input: Prepared;
  target: Target;
  /** The first row of each sample in output and target, then the number of rows. */
  offsets?: Int32Array;
}

/** Compares the model's output with a target of the same number of rows; returns a scalar. Class numbers come as they are. */
export type Measure<Target extends SupervisedTarget = Float32Array> = (
  output: Tensor,
  target: Target extends Int32Array ? Int32Array : Tensor,
) => Tensor;

/**
 * Makes the usual task: one forward pass whose output is compared with a target. For classification, the target is an Int32Array:
 * `supervised({ model, collate, loss: crossEntropy, metrics: { accuracy } })`.
 * @throws ConfigError for what is not a model; InputError for what is not a function
 */
export function supervised<
  Sample,
  Input = ErwinInput,
  Prepared = PreparedInput,
  Target extends SupervisedTarget = Float32Array,
>(options: {
  model: SupervisedModel<Input, Prepared>;
  /**
   * Joins samples into an input and a target, which has as many rows as the output, of any width. The offsets of the samples' rows
   * are needed only if each sample is to be measured separately.
   */
  collate(samples: Sample[]): { input: Input; target: Target; offsets?: Int32Array };
  /** Computes the batch's mean loss. Tensors created inside are freed. */
  loss: Measure<Target>;
  /** Whether the loss is a mean over samples (the default) or over the rows of the target: `Task.weight`. */
  meanOver?: "samples" | "rows";
  /** Additional metrics for validation and test. */
  metrics?: Record<string, Measure<Target>>;
}): Task<Sample, SupervisedBatch<Prepared, Target>> {
  checkOptions("supervised", options, { model: true, collate: true, loss: true, meanOver: true, metrics: true });
  expectParts("supervised", options, "model.forward", "model.prepare");
  const { model, collate, loss, meanOver = "samples", metrics } = options;
  for (const [name, part] of Object.entries({ collate, loss })) {
    expectKind(`supervised: ${name}`, part, "a function", typeof part === "function");
  }
  const all = { loss, ...metrics };
  const measure = async (
    { input, target, offsets }: SupervisedBatch<Prepared, Target>,
    measures: Record<string, Measure<Target>>,
    each: boolean,
  ): Promise<BatchDetails> => {
    const output = await model.forward(input);
    try {
      return collect(() => {
        const measureRows = measuring(output, target, measures);
        const batch = measureRows(0, output.shape[0]);
        return { batch, samples: each ? rangesOf(offsets).map(([from, end]) => measureRows(from, end)) : [] };
      }).result;
    } finally {
      output.dispose();
    }
  };
  return {
    async prepare(samples) {
      const { input, ...rest } = collate(samples);
      return { input: await model.prepare(input), ...rest };
    },
    ...(meanOver === "rows" && { weight: ({ target }: SupervisedBatch<Prepared, Target>) => target.length }),
    points: ({ offsets }) => offsets?.at(-1) ?? 0,
    loss: async (batch) => (await measure(batch, { loss }, false)).batch.loss as Tensor,
    metrics: async (batch) => (await measure(batch, all, false)).batch,
    details: (batch) => measure(batch, all, true),
  };
}

/**
 * Returns what measures some rows of an output.
 * @throws InputError for a target that does not give each row equally many numbers
 */
function measuring<Target extends SupervisedTarget>(
  output: Tensor,
  target: Target,
  measures: Record<string, Measure<Target>>,
): (from: number, end: number) => Record<string, Measured> {
  const rows = output.shape[0];
  const found = target?.length;
  if (!(found % rows === 0)) {
    throw new InputError(
      `collate gave a target of ${found} numbers for an output of ${rows} rows: give each row equally many`,
      { tensor: "target", rows, found },
    );
  }
  const width = found / rows;
  return (from, end) => {
    const isWhole = end - from === rows;
    const own = isWhole ? output : slice(output, 0, from, end);
    const part = isWhole ? target : target.slice(from * width, end * width);
    const wanted = isIntegers(part) ? part : Tensor.from(output.device, part, [end - from, width]);
    const results = Object.entries(measures).map(
      ([name, of]) => [name, scope(() => of(own, wanted as Parameters<typeof of>[1]))] as const,
    );
    if (!isWhole) own.dispose();
    if (wanted instanceof Tensor) wanted.dispose();
    return Object.fromEntries(results);
  };
}

/** The first row of each sample and the one after its last. */
function rangesOf(offsets: Int32Array | undefined): [number, number][] {
  if (offsets) return Array.from(offsets.subarray(1), (end, sample) => [offsets[sample], end]);
  throw new ConfigError("to measure each sample by itself, collate must give the offsets of its rows", {
    field: "offsets",
  });
}
