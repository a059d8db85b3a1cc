// AdamW on the device: one pass over all parameters, which are packed. Steps with a NaN or an infinity are skipped.

import { expectKind, isMap } from "../../arguments/kinds.ts";
import { checkOptions } from "../../arguments/options.ts";
import type { Device, Storage } from "../../backends/device.ts";
import { BLOCK } from "../../backends/optimizer.ts";
import { Resource } from "../../disposable.ts";
import { ConfigError, DisposedError, InputError } from "../../errors.ts";
import { type SafeTensor, toFloat32 } from "../../formats/safetensors/safetensors.ts";
import { takingFrom } from "../../nn/checkpoint.ts";
import { expectTensor } from "../../tensor/shapes.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { LossScale } from "./loss-scale.ts";
import { expectMaxNorm, GradientMeasure } from "./measure.ts";
import { nonFiniteError } from "./non-finite.ts";
import { OwnMemory } from "./own-memory.ts";
import { PackedParameters } from "./packing.ts";
import { type AdamWOptions, checkAdamWOptions, expectLearningRate, settingsOf } from "./settings.ts";

/** What a step checks and limits besides the gradients. */
export interface StepOptions {
  /** A scalar that is checked for NaN and infinity together with the gradients. */
  loss?: Tensor;
  /** Scales the gradients so that their global norm is at most this, as `clipGradientNorm` does, at no extra cost. */
  maxNorm?: number;
}

/** The steps so far. */
export interface StepReport {
  /** The number of calls of `step`. */
  calls: number;
  /** The number of calls whose step was skipped. */
  skipped: number;
  /** The global norm of the last step's gradients without the loss scale, before they were scaled down. */
  gradientNorm: number;
  /** The scale of the next loss; absent if the optimiser has none. */
  lossScale?: number;
  /**
   * Where the first NaN or infinity since the last report was: "loss" or a parameter's name. What a dynamic loss scale has taken
   * for an overflow does not count.
   */
  tensor?: string;
}

/**
 * The moments, step count and, if kept, average of each parameter: `first.<name>`, `second.<name>`, `steps.<name>`, `average.<name>`.
 * With a dynamic loss scale also `lossScale` and `lossScaleSteps`, the steps in a row with finite gradients since it changed.
 */
export type OptimizerState = Map<string, SafeTensor>;

/**
 * AdamW (Loshchilov and Hutter, arXiv 1711.05101) with the formula of torch.optim.AdamW. A parameter without a gradient does not
 * change, not even by weight decay, and its step count does not advance.
 *
 * The optimiser moves the parameters and their gradients into its own memory; `dispose` moves them out again. A parameter can
 * belong to only one optimiser at a time.
 */
export class AdamW extends Resource {
  lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  readonly averageDecay: number | undefined;
  readonly onNonFinite: "error" | "skip";
  readonly #device: Device;
  readonly #parameters: PackedParameters;
  readonly #measure: GradientMeasure;
  readonly #memory: OwnMemory;
  readonly #first: Storage;
  readonly #second: Storage;
  readonly #average: Storage | undefined;
  readonly #owner: Storage;
  readonly #shares: Storage;
  readonly #maxDecay: number;
  readonly #steps: Storage;
  readonly #values: Storage;
  readonly #status: Storage;
  /** Takes the place of the loss if none is given. */
  readonly #noLoss: Storage;
  #disposed = false;
  /** Whether the model has the averaged weights. */
  #averaged = false;

  /**
   * @param parameters by name, as `model.parameters()` returns them
   * @throws ConfigError naming an invalid option, a group that matches no parameter, or a parameter that belongs to another optimiser
   */
  constructor(parameters: ReadonlyMap<string, Tensor>, options: AdamWOptions = {}) {
    super();
    const { lr, betas, eps, weightDecay, averageDecay, onNonFinite, lossScale, groups } = checkAdamWOptions(options);
    this.lr = lr;
    this.betas = betas;
    this.eps = eps;
    this.weightDecay = weightDecay;
    this.averageDecay = averageDecay;
    this.onNonFinite = onNonFinite;

    const packed = new PackedParameters(parameters, lossScale);
    const { device, tensors } = packed;
    this.#device = device;
    this.#parameters = packed;
    const memory = new OwnMemory(device);
    this.#memory = memory;
    try {
      this.#first = memory.zeros(packed.bytes);
      this.#second = memory.zeros(packed.bytes);
      if (averageDecay !== undefined) {
        this.#average = memory.allocate(packed.bytes);
        device.copy(packed.weights, this.#average, packed.bytes);
      }
      this.#owner = memory.allocate(packed.blocks * 4);
      device.write(this.#owner, packed.owners());
      const settings = settingsOf(packed, groups, weightDecay);
      this.#maxDecay = settings.reduce((most, setting) => Math.max(most, setting.weightDecay), 0);
      this.#shares = memory.allocate(tensors.length * 8);
      const shares = settings.flatMap(({ lrScale, weightDecay: decay }) => [
        lrScale,
        decay > 0 ? (lrScale * decay) / this.#maxDecay : 0,
      ]);
      device.write(this.#shares, Float32Array.from(shares));
      this.#steps = memory.zeros(tensors.length * 4);
      this.#values = memory.allocate(tensors.length * 16);
      this.#status = memory.zeros(16);
      this.#noLoss = memory.zeros(4);
      this.#measure = new GradientMeasure(device, packed.ranges, packed.blocks, packed.lossScale);
    } catch (error) {
      memory.free();
      packed.dispose();
      throw error;
    }
  }

  /**
   * The loss scale, a scalar of shape [] on the device, which `step` may change: the gradient that `loss.backward` needs. Its memory
   * is the optimiser's. Undefined if there is none.
   */
  get lossScale(): Tensor | undefined {
    return this.#parameters.lossScale?.tensor;
  }

  /**
   * Takes one step with the gradients accumulated since `zeroGrad`. It only submits the work to the device; to await the result is
   * to await `check`.
   * @throws InputError if the loss is not a scalar on the parameters' device, or within `withAverage`; ConfigError if `lr` has been
   *   set to what is no learning rate
   */
  step(options: StepOptions = {}): PromiseLike<StepReport> {
    checkOptions("step", options, { loss: true, maxNorm: true });
    const { loss, maxNorm } = options;
    this.#expectOwnWeights();
    expectLearningRate(this.lr);
    if (loss !== undefined) expectTensor("loss", loss);
    if (maxNorm !== undefined) expectMaxNorm(maxNorm);
    if (loss && (loss.size !== 1 || loss.device !== this.#device)) {
      throw new InputError(`a loss is one number on the parameters' device; this one has the shape [${loss.shape}]`, {
        found: [...loss.shape],
      });
    }
    const { weights, gradients, blocks, tensors, lossScale: scale } = this.#parameters;
    const { ranges, total, lossScale } = this.measure(maxNorm);
    this.#device.operators.adamw({
      weights,
      gradients,
      first: this.#first,
      second: this.#second,
      average: this.#average,
      owner: this.#owner,
      ranges,
      total,
      lossScale,
      growth: scale?.growth,
      shares: this.#shares,
      loss: loss?.storage ?? this.#noLoss,
      steps: this.#steps,
      values: this.#values,
      status: this.#status,
      halt: this.onNonFinite === "error",
      blocks,
      count: tensors.length,
      lr: this.lr,
      betas: this.betas,
      eps: this.eps,
      weightDecay: this.#maxDecay,
      averageDecay: this.averageDecay ?? 1,
    });
    for (const tensor of tensors) if (tensor.grad) tensor.changed();
    this.#device.submit();
    // biome-ignore lint/suspicious/noThenProperty: a readback takes time, so it is done only if the caller awaits the step
    return { then: (...handlers) => this.check().then(...handlers) };
  }

  /** Drops all gradients: the next `backward` starts from zero. */
  zeroGrad(): void {
    for (const tensor of this.#parameters.tensors) tensor.zeroGrad();
  }

  /**
   * Waits for the steps so far and reports them.
   * @throws NumericalError if `onNonFinite` is "error" and a loss or gradient was not finite: `details.tensor` is the first such
   *   tensor (the loss, then the parameters in their order), `details.call` the call of `step`, `details.lossScale` a loss scale
   *   that was given as a number. The weights are those before that call; after this error, steps are taken again.
   */
  async check(): Promise<StepReport> {
    this.#checkUsable();
    const reading = Promise.all([
      this.#device.read(this.#status, 16),
      this.#device.read(this.#measure.total, 4),
      this.#parameters.lossScale?.read(),
    ]);
    // Once it is disposed, the memory may belong to others.
    const forget = () => this.#disposed || this.#device.clear(this.#status.slice(0, 4));
    // Right behind the reading: once it has come, the mark may be that of a later step.
    if (this.onNonFinite === "skip") forget();
    const [status, norm, scale] = await reading;
    const [fault, call, calls, skipped] = new Uint32Array(status) as unknown as [number, number, number, number];
    const gradientNorm = new Float32Array(norm)[0];
    const report = { calls, skipped, gradientNorm, ...(scale && { lossScale: scale.scale }) };
    if (fault === 0) return report;
    const tensor = fault === 1 ? "loss" : this.#parameters.names[fault - 2];
    if (this.onNonFinite === "skip") return { ...report, tensor };
    forget();
    const chosen = this.#parameters.lossScale?.scale;
    const lossScale = chosen === "dynamic" ? undefined : chosen;
    throw nonFiniteError({ tensor, lossScale }, `step ${call} of this optimiser`, { call });
  }

  /**
   * Runs `work` while the model has the averaged weights, then restores its own.
   * @throws ConfigError if the optimiser keeps no average; InputError if the model has the averaged weights already; DisposedError if it
   *   is disposed meanwhile: the model keeps the average then
   */
  async withAverage<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    this.#checkUsable();
    if (!this.#average)
      throw new ConfigError("this optimiser keeps no average: give averageDecay", { field: "averageDecay" });
    this.#expectOwnWeights();
    const device = this.#device;
    const { weights, tensors } = this.#parameters;
    const own = device.allocate(weights.bytes);
    const replaceBy = (values: Storage) => {
      device.copy(values, weights, weights.bytes);
      for (const tensor of tensors) tensor.changed();
    };
    this.#averaged = true;
    try {
      device.copy(weights, own, weights.bytes);
      replaceBy(this.#average);
      try {
        return await work();
      } finally {
        this.#checkUsable();
        replaceBy(own);
      }
    } finally {
      this.#averaged = false;
      device.release(own);
    }
  }

  /** Returns everything except the weights that is needed to continue with exactly the same steps. */
  async state(): Promise<OptimizerState> {
    this.#checkUsable();
    const { names, tensors } = this.#parameters;
    const dynamic = this.#dynamicScale;
    const [stepBytes, scale, ...moments] = await Promise.all([
      this.#device.read(this.#steps, tensors.length * 4),
      dynamic?.read(),
      ...this.#kept().map(([, storage]) => this.#parameters.read(storage)),
    ]);
    const state: OptimizerState = new Map();
    const steps = new Uint32Array(stepBytes);
    names.forEach((name, p) => {
      state.set(`steps.${name}`, { dtype: "U32", shape: [], data: steps.subarray(p, p + 1) });
    });
    this.#kept().forEach(([kind], k) => {
      names.forEach((name, p) => {
        state.set(`${kind}.${name}`, { dtype: "F32", shape: [...tensors[p].shape], data: moments[k][p] });
      });
    });
    if (scale) {
      state.set("lossScale", { dtype: "F32", shape: [], data: Float32Array.of(scale.scale) });
      state.set("lossScaleSteps", { dtype: "U32", shape: [], data: Uint32Array.of(scale.steps) });
    }
    return state;
  }

  /**
   * Continues from a state that `state` returned. A dynamic loss scale that it does not have begins anew; an average, such as of a
   * checkpoint of PyTorch, at the parameters' weights.
   * @throws CheckpointError listing the tensors that are missing or have another shape; InputError for anything but a Map
   */
  load(state: ReadonlyMap<string, SafeTensor>): void {
    this.#checkUsable();
    expectKind("state", state, "a Map of tensors by name", isMap(state));
    const { names, tensors, ranges, blocks } = this.#parameters;
    const { take, expectFit } = takingFrom(state);
    const steps = Uint32Array.from(names, (name) => Number(take(`steps.${name}`, [])?.data[0] ?? 0));
    const averaged = names.some((name) => state.has(`average.${name}`));
    const kept = this.#kept().filter(([kind]) => averaged || kind !== "average");
    const packed = kept.map(([kind]) => {
      const values = new Float32Array(blocks * BLOCK);
      names.forEach((name, p) => {
        const tensor = take(`${kind}.${name}`, tensors[p].shape);
        if (tensor) values.set(toFloat32(tensor), ranges[p].firstBlock * BLOCK);
      });
      return values;
    });
    expectFit("the optimiser's state does not fit the parameters");
    const [scale, since] = ["lossScale", "lossScaleSteps"].map((name) => Number(state.get(name)?.data[0] ?? 0));
    if (scale > 0) this.#dynamicScale?.load({ scale, steps: since });
    this.#device.write(this.#steps, steps);
    if (this.#average) this.#device.copy(this.#parameters.weights, this.#average, this.#parameters.bytes);
    kept.forEach(([, storage], k) => this.#device.write(storage, packed[k]));
  }

  /** Moves parameters and gradients out of the optimiser's memory, and frees it. Calling it again does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#measure.dispose();
    this.#memory.free();
    this.#parameters.dispose();
  }

  /** @internal Computes the gradients' norm and finds elements that are not finite; the results stay on the device. */
  measure(maxNorm?: number): GradientMeasure {
    this.#checkUsable();
    this.#measure.include(this.#parameters.tensors.map(({ grad }) => grad !== undefined));
    this.#measure.run([this.packedGradients], maxNorm);
    return this.#measure;
  }

  /** @internal */
  get packedGradients() {
    const { gradients, blocks } = this.#parameters;
    return { gradient: gradients, size: blocks * BLOCK, firstBlock: 0 };
  }

  #kept(): [string, Storage][] {
    const kept: [string, Storage][] = [
      ["first", this.#first],
      ["second", this.#second],
    ];
    if (this.#average) kept.push(["average", this.#average]);
    return kept;
  }

  get #dynamicScale(): LossScale | undefined {
    const { lossScale } = this.#parameters;
    return lossScale?.growth && lossScale;
  }

  /** What is written to the averaged weights would be lost. */
  #expectOwnWeights(): void {
    if (this.#averaged) throw new InputError("the model has its averaged weights: await the call of withAverage first");
  }

  #checkUsable(): void {
    if (this.#disposed) throw new DisposedError("this optimiser has been disposed");
  }
}
