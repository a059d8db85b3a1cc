// How a step's batches are made to fit into the device's memory: by computing again what could be kept, then by parts of batches,
// whose gradients add up.

import type { DryRunDevice, NotedTensor } from "../backends/dry-run.ts";
import { OutOfMemoryError } from "../errors.ts";
import { moveGradient } from "../tensor/tape.ts";
import type { BatchRequest } from "./loading.ts";
import type { Task, Trainable } from "./task.ts";

/** What is said to fit needs this share of the free memory, which is given out in pieces of few sizes. */
const SAFE_SHARE = 0.85;

/** How the batches of a run are computed. */
export interface MemoryPlan {
  /** Whether the backward pass computes blocks again. It changes no bits. */
  checkpointing: boolean;
  /**
   * The number of parts in which each batch is computed. The loss and its gradients are the same up to the order of sums, if samples
   * do not depend on each other; BatchNorm, at strides above 1, takes its statistics of each part instead of the batch.
   */
  parts: number;
}

/** A batch, in as many parts as the plan has. */
export interface Part<Batch> {
  batch: Batch;
  samples: number;
}

export class MemoryPlanner<Batch> {
  #plan: MemoryPlan = { checkpointing: false, parts: 1 };
  /** The largest batch that was found to fit, in points. */
  #fitting = 0;
  /** The last batch that was found not to. */
  #tooLarge: { needed: number; free: number; points: number; largest: NotedTensor[] } | undefined;

  /** @param load makes a batch, or a part of one, of the samples that are asked for */
  constructor(
    readonly model: Trainable,
    readonly task: Task<never, Batch>,
    readonly load: (request: BatchRequest) => Promise<Batch>,
    readonly batchSize: number,
    readonly listener: (plan: MemoryPlan) => void = () => {},
  ) {}

  get plan(): MemoryPlan {
    return this.#plan;
  }

  /** Whether less is computed at once than was asked for. */
  get isTight(): boolean {
    return this.#plan.checkpointing || this.#plan.parts > 1;
  }

  /** Makes a batch as the plan has it. */
  prepare(request: BatchRequest): Promise<Part<Batch>[]> {
    const { samples } = request;
    const parts = Math.min(this.#plan.parts, samples.length);
    const at = (part: number) => Math.round((part * samples.length) / parts);
    return Promise.all(
      Array.from({ length: parts }, async (_, part) => {
        const some = samples.slice(at(part), at(part + 1));
        return { batch: await this.load({ ...request, samples: some }), samples: some.length };
      }),
    );
  }

  /** The share of each part in its batch's mean loss. */
  shares(parts: readonly Part<Batch>[]): number[] {
    const weights = parts.map(({ batch, samples }) => this.task.weight?.(batch) ?? samples);
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / all);
  }

  /**
   * Computes less at once from now on.
   * @returns false if there is no way to
   */
  tighten(): boolean {
    const { checkpointing, parts } = this.#plan;
    if (!checkpointing && this.model.setCheckpointing?.(true)) this.#plan = { checkpointing: true, parts };
    else if (parts < this.batchSize) this.#plan = { checkpointing, parts: Math.min(2 * parts, this.batchSize) };
    else return false;
    this.#fitting = 0;
    this.listener(this.#plan);
    return true;
  }

  /**
   * Makes a batch fit, where the device was given a limit (`maxMemoryBytes`) and the task can be rehearsed: its loss
   * is computed once more then, on a device that only counts.
   * @param prepared the batch as the plan had it when it was prepared
   * @returns the batch as the plan has it now
   */
  async fit(request: BatchRequest, prepared: Part<Batch>[]): Promise<Part<Batch>[]> {
    const { memory, info } = this.model.device;
    let parts = prepared;
    let planned = this.#plan.parts;
    while (info.maxMemoryBytes !== undefined) {
      if (parts.length !== Math.min(planned, request.samples.length)) parts = await this.prepare(request);
      const needed = await this.#neededFor(parts);
      if (needed <= memory.limit - memory.current || !this.tighten()) break;
      planned = this.#plan.parts;
    }
    return parts;
  }

  /** The error with what is too large, as far as that is known. */
  explain(error: OutOfMemoryError): OutOfMemoryError {
    if (!this.#tooLarge) return error;
    const { needed, free, points, largest } = this.#tooLarge;
    const fitting = Math.floor((SAFE_SHARE * points * Math.max(free, 0)) / needed);
    const shapes = largest.map(({ shape }) => `[${shape.join(", ")}]`);
    return new OutOfMemoryError(
      `a step over ${points} points needs ${megabytes(needed)}, but only ${megabytes(free)} are free; its largest tensors are ${shapes.join(", ")}. About ${fitting} points would fit: use smaller clouds, or a device with more memory`,
      { ...error.details, needed, free, fitting, largest: shapes },
      { cause: error },
    );
  }

  /** The bytes that the largest part needs, or 0 if it is known to fit, or cannot be known. */
  async #neededFor(parts: readonly Part<Batch>[]): Promise<number> {
    const { model, task } = this;
    const pointsOf = ({ batch }: Part<Batch>) => task.points?.(batch) ?? 0;
    const largest = parts.reduce((most, part) => (pointsOf(part) > pointsOf(most) ? part : most));
    const points = pointsOf(largest);
    if (!model.rehearse || (this.#fitting > 0 && points <= this.#fitting)) return 0;
    const device = model.device.dryRun() as DryRunDevice;
    device.notesTensors = true;
    const needed = await model
      .rehearse(device, async () => {
        // The optimiser has memory for the gradients already.
        for (const tensor of model.parameters().values()) moveGradient(tensor, device.allocate(tensor.size * 4));
        const { current } = device.memory;
        using loss = await task.loss(largest.batch);
        await loss.backward();
        return device.memory.peak - current;
      })
      .catch((error) => (error instanceof OutOfMemoryError ? Number.POSITIVE_INFINITY : 0));
    const free = model.device.memory.limit - model.device.memory.current;
    if (needed <= free) this.#fitting = Math.max(points, 1);
    else this.#tooLarge = { needed, free, points, largest: device.largestAtPeak };
    return needed;
  }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
