// Makes the batches of a step fit into the device's memory: first by recomputing blocks in the backward pass, then by splitting
// batches into parts whose gradients add up.

import type { DryRunDevice, NotedTensor } from "../backends/dry-run.ts";
import { SAFE_SHARE, shortage } from "../backends/shortage.ts";
import { OutOfMemoryError } from "../errors.ts";
import { allInOrder } from "../serial.ts";
import type { BatchRequest } from "./data/loading.ts";
import { PackedParameters } from "./optimizer/packing.ts";
import type { Task, Trainable } from "./task.ts";

/** How the batches of a run are computed. */
export interface MemoryPlan {
  /** Whether the backward pass recomputes the blocks. This changes no bits. */
  checkpointing: boolean;
  /**
   * The number of parts in which each batch is computed. The loss and its gradients are the same up to the order of sums, if
   * samples do not depend on each other; BatchNorm, at strides above 1, takes its statistics from each part instead of the batch.
   */
  parts: number;
}

/** A part of a batch; the plan decides the number of parts. */
export interface Part<Batch> {
  batch: Batch;
  samples: number;
}

export class MemoryPlanner<Batch> {
  #plan: MemoryPlan = { checkpointing: false, parts: 1 };
  /** The number of points of the largest batch that was found to fit. */
  #fitting = 0;
  /** The last batch that was found not to fit; none if it has a tensor that is too large by itself, which the device's error names. */
  #tooLarge: { needed: number; free: number; points: number; largest: NotedTensor[] } | undefined;

  /** @param load makes a batch, or a part of one, from the requested samples */
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

  /** Makes a batch in the parts of the current plan. */
  prepare(request: BatchRequest): Promise<Part<Batch>[]> {
    const { samples } = request;
    const parts = Math.min(this.#plan.parts, samples.length);
    const at = (part: number) => Math.round((part * samples.length) / parts);
    return allInOrder(
      Array.from({ length: parts }, async (_, part) => {
        const some = samples.slice(at(part), at(part + 1));
        return { batch: await this.load({ ...request, samples: some }), samples: some.length };
      }),
    );
  }

  /** Returns the share of each part in its batch's mean loss. */
  shares(parts: readonly Part<Batch>[]): number[] {
    const weights = parts.map(({ batch, samples }) => this.task.weight?.(batch) ?? samples);
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / all);
  }

  /**
   * Reduces the memory that batches need from now on.
   * @returns false if it cannot be reduced further
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
   * Makes a batch fit, if the device was given a limit (`maxMemoryBytes`) and the task supports a dry run: its loss is then
   * computed once more, on a device that only counts memory.
   * @param prepared the batch in the parts of the plan at the time when it was prepared
   * @returns the batch in the parts of the current plan
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

  /** Returns the error with what is too large, as far as that is known. */
  explain(error: OutOfMemoryError): OutOfMemoryError {
    if (!this.#tooLarge) return error;
    const { needed, free, points, largest } = this.#tooLarge;
    const { limit } = this.model.device.memory;
    const fitting = Math.floor((SAFE_SHARE * points * Math.max(free, 0)) / needed);
    return shortage(error, `a step over ${points} points`, { needed, limit, free }, fitting, largest);
  }

  /** Returns the bytes that the largest part needs, or 0 if it is known to fit, or its need cannot be known. */
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
        // The optimiser has already allocated its memory.
        new PackedParameters(model.parameters());
        const { current } = device.memory;
        const loss = await task.loss(largest.batch);
        try {
          await loss.backward();
        } finally {
          loss.dispose();
        }
        return device.memory.peak - current;
      })
      .catch((error) => (error instanceof OutOfMemoryError ? Number.POSITIVE_INFINITY : 0));
    const free = model.device.memory.limit - model.device.memory.current;
    if (needed <= free) this.#fitting = Math.max(points, 1);
    else this.#tooLarge = Number.isFinite(needed) ? { needed, free, points, largest: device.largestAtPeak } : undefined;
    return needed;
  }
}
