// AdamW on the device: one pass over all parameters, which are packed. Steps with a NaN or an infinity are skipped.

import { checkOptions, describe, expectKind } from "../arguments.ts";
import type { Device, Storage } from "../backends/device.ts";
import { BLOCK } from "../backends/optimizer.ts";
import { CheckpointError, ConfigError, DisposedError, InputError, NumericalError } from "../errors.ts";
import { type SafeTensor, toFloat32 } from "../formats/safetensors.ts";
import { expectTensor } from "../tensor/shapes.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { GradientMeasure } from "./measure.ts";
import { PackedParameters } from "./packing.ts";

/** The optimiser's settings, with torch's defaults. */
export interface AdamWOptions {
  /** The learning rate, which `optimizer.lr` may change at any step. Default 1e-3. */
  lr?: number;
  /** Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Default 1e-8. */
  eps?: number;
  /** Decoupled weight decay: each step multiplies the weights by 1 - lr * weightDecay. Default 0.01. */
  weightDecay?: number;
  /** Keeps an exponential moving average of the weights: average += (1 - averageDecay) (weight - average) each step. */
  averageDecay?: number;
  /**
   * How to handle a step whose loss or gradients are not finite. The step is always skipped: weights, moments and step counts do
   * not change. "error" (default): all later steps are skipped, too, and `check` throws. "skip": training continues.
   */
  onNonFinite?: "error" | "skip";
}

/** What a step checks and limits besides the gradients. */
export interface StepOptions {
  /** A scalar that is checked for NaN and infinity together with the gradients. */
  loss?: Tensor;
  /** Scales the gradients so that their global norm is at most this, as `clipGradientNorm` does, at no extra cost. */
  maxNorm?: number;
}

const optionNames: Readonly<Record<keyof AdamWOptions, true>> = {
  lr: true,
  betas: true,
  eps: true,
  weightDecay: true,
  averageDecay: true,
  onNonFinite: true,
};

/** The steps so far. */
export interface StepReport {
  /** The number of calls of `step`. */
  calls: number;
  /** The number of calls whose step was skipped. */
  skipped: number;
  /** The global norm of the last step's gradients, before they were scaled down. */
  gradientNorm: number;
  /** Where the first NaN or infinity since the last report was: "loss" or a parameter's name. */
  tensor?: string;
}

/** The moments, step count and, if kept, average of each parameter: `first.<name>`, `second.<name>`, `steps.<name>`, `average.<name>`. */
export type OptimizerState = Map<string, SafeTensor>;

/**
 * AdamW (Loshchilov and Hutter, arXiv 1711.05101) with the formula of torch.optim.AdamW. A parameter without a gradient does not
 * change, not even by weight decay, and its step count does not advance.
 *
 * The optimiser moves the parameters and their gradients into its own memory; `dispose` moves them out again. A parameter can
 * belong to only one optimiser at a time.
 */
export class AdamW {
  lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  readonly averageDecay: number | undefined;
  readonly onNonFinite: "error" | "skip";
  readonly #device: Device;
  readonly #parameters: PackedParameters;
  readonly #measure: GradientMeasure;
  readonly #first: Storage;
  readonly #second: Storage;
  readonly #average: Storage | undefined;
  readonly #owner: Storage;
  readonly #steps: Storage;
  readonly #values: Storage;
  readonly #status: Storage;
  /** Takes the place of the loss if none is given. */
  readonly #noLoss: Storage;
  #disposed = false;

  /**
   * @param parameters by name, as `model.parameters()` returns them
   * @throws ConfigError naming an invalid option, or a parameter that belongs to another optimiser
   */
  constructor(parameters: ReadonlyMap<string, Tensor>, options: AdamWOptions = {}) {
    checkOptions("AdamW", options, optionNames);
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 } = options;
    const { averageDecay, onNonFinite = "error" } = options;
    const inUnit = (value: number) => typeof value === "number" && value >= 0 && value < 1;
    const isPositive = (value: number) => typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY;
    expectOption("lr", lr, "a number of at least 0", isPositive(lr));
    const areBetas = Array.isArray(betas) && betas.length === 2 && Array.from(betas).every(inUnit);
    expectOption("betas", betas, "two numbers from 0 to below 1", areBetas);
    expectOption("eps", eps, "a number of at least 0", isPositive(eps));
    expectOption("weightDecay", weightDecay, "a number of at least 0", isPositive(weightDecay));
    expectOption("averageDecay", averageDecay, "a number from 0 to below 1", inUnit(averageDecay ?? 0));
    expectOption("onNonFinite", onNonFinite, '"error" or "skip"', ["error", "skip"].includes(onNonFinite));
    this.lr = lr;
    this.betas = betas;
    this.eps = eps;
    this.weightDecay = weightDecay;
    this.averageDecay = averageDecay;
    this.onNonFinite = onNonFinite;

    const packed = new PackedParameters(parameters);
    const { device, tensors } = packed;
    this.#device = device;
    this.#parameters = packed;
    this.#measure = new GradientMeasure(device, packed.ranges, packed.blocks);
    this.#first = packed.allocate();
    this.#second = packed.allocate();
    if (averageDecay !== undefined) {
      this.#average = packed.allocate();
      device.copy(packed.weights, this.#average, packed.weights.bytes);
    }
    const zeros = (bytes: number) => {
      const storage = device.allocate(bytes);
      device.clear(storage);
      return storage;
    };
    this.#owner = device.allocate(packed.blocks * 4);
    device.write(this.#owner, packed.owners());
    this.#steps = zeros(tensors.length * 4);
    this.#values = device.allocate(tensors.length * 16);
    this.#status = zeros(16);
    this.#noLoss = zeros(4);
  }

  /**
   * Takes one step with the gradients accumulated since `zeroGrad`. It only submits the work to the device; to await the result is
   * to await `check`.
   * @throws InputError if the loss is not a scalar
   */
  step(options: StepOptions = {}): PromiseLike<StepReport> {
    checkOptions("step", options, { loss: true, maxNorm: true });
    const { loss, maxNorm = 0 } = options;
    if (loss !== undefined) expectTensor("loss", loss);
    expectKind("maxNorm", maxNorm, "a number of at least 0", typeof maxNorm === "number" && maxNorm >= 0);
    if (loss && loss.size !== 1) {
      throw new InputError(`a loss is one number, not a tensor of shape [${loss.shape}]`, { found: [...loss.shape] });
    }
    const { weights, gradients, blocks, tensors } = this.#parameters;
    const { ranges, total } = this.measure(maxNorm);
    this.#device.operators.adamw({
      weights,
      gradients,
      first: this.#first,
      second: this.#second,
      average: this.#average,
      owner: this.#owner,
      ranges,
      total,
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
      weightDecay: this.weightDecay,
      averageDecay: this.averageDecay ?? 1,
    });
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
   *   tensor (the loss, then the parameters in their order), `details.call` the call of `step`. The weights are those before that
   *   call; after this error, steps are taken again.
   */
  async check(): Promise<StepReport> {
    this.#checkUsable();
    const reading = Promise.all([this.#device.read(this.#status, 16), this.#device.read(this.#measure.total, 4)]);
    const forget = () => this.#device.clear(this.#status.slice(0, 4));
    // Right behind the reading: once it has come, the mark may be that of a later step.
    if (this.onNonFinite === "skip") forget();
    const [status, norm] = await reading;
    const found = new Uint32Array(status);
    const gradientNorm = new Float32Array(norm)[0];
    const [fault, call, calls, skipped] = found as unknown as [number, number, number, number];
    if (fault === 0) return { calls, skipped, gradientNorm };
    const tensor = fault === 1 ? "loss" : this.#parameters.names[fault - 2];
    if (this.onNonFinite === "skip") return { calls, skipped, gradientNorm, tensor };
    forget();
    throw new NumericalError(
      `${tensor === "loss" ? "the loss" : `the gradient of ${tensor}`} is not finite at step ${call} of this optimiser: the weights are as they were before it. Lower the learning rate, clip the gradients, or skip such steps (onNonFinite: "skip")`,
      { tensor, call },
    );
  }

  /**
   * Runs `work` while the model has the averaged weights, then restores its own.
   * @throws ConfigError if the optimiser keeps no average
   */
  async withAverage<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    this.#checkUsable();
    if (!this.#average)
      throw new ConfigError("this optimiser keeps no average: give averageDecay", { field: "averageDecay" });
    const device = this.#device;
    const { weights } = this.#parameters;
    const own = device.allocate(weights.bytes);
    try {
      device.copy(weights, own, weights.bytes);
      device.copy(this.#average, weights, weights.bytes);
      try {
        return await work();
      } finally {
        device.copy(own, weights, weights.bytes);
      }
    } finally {
      device.release(own);
    }
  }

  /** Returns everything except the weights that is needed to continue with exactly the same steps. */
  async state(): Promise<OptimizerState> {
    this.#checkUsable();
    const { names, tensors } = this.#parameters;
    const [stepBytes, ...moments] = await Promise.all([
      this.#device.read(this.#steps, tensors.length * 4),
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
    return state;
  }

  /**
   * Continues from a state that `state` returned.
   * @throws CheckpointError listing the tensors that are missing or have another shape
   */
  load(state: ReadonlyMap<string, SafeTensor>): void {
    this.#checkUsable();
    const { names, tensors, ranges, blocks } = this.#parameters;
    const missing: string[] = [];
    const misshapen: string[] = [];
    const take = (name: string, shape: readonly number[]) => {
      const tensor = state.get(name);
      if (!tensor) missing.push(name);
      else if (String(tensor.shape) !== String(shape))
        misshapen.push(`${name} has [${tensor.shape}], expected [${shape}]`);
      else return tensor;
      return undefined;
    };
    const steps = Uint32Array.from(names, (name) => Number(take(`steps.${name}`, [])?.data[0] ?? 0));
    const packed = this.#kept().map(([kind]) => {
      const values = new Float32Array(blocks * BLOCK);
      names.forEach((name, p) => {
        const tensor = take(`${kind}.${name}`, tensors[p].shape);
        if (tensor) values.set(toFloat32(tensor), ranges[p].firstBlock * BLOCK);
      });
      return values;
    });
    if (missing.length + misshapen.length > 0) {
      const list = (title: string, entries: string[]) => (entries.length ? [`${title}: ${entries.join(", ")}`] : []);
      throw new CheckpointError(
        `the optimiser's state does not fit the parameters. ${[...list("Missing", missing), ...list("Misshapen", misshapen)].join(". ")}`,
        { missing, misshapen },
      );
    }
    this.#device.write(this.#steps, steps);
    this.#kept().forEach(([, storage], k) => this.#device.write(storage, packed[k]));
  }

  /** Moves parameters and gradients out of the optimiser's memory, and frees it. Calling it again does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#measure.dispose();
    const own = [this.#owner, this.#steps, this.#values, this.#status, this.#noLoss];
    for (const storage of [...own, ...this.#kept().map(([, storage]) => storage)]) this.#device.release(storage);
    this.#parameters.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal Computes the gradients' norm and finds elements that are not finite; the results stay on the device. */
  measure(maxNorm: number): GradientMeasure {
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

  #checkUsable(): void {
    if (this.#disposed) throw new DisposedError("this optimiser has been disposed");
  }
}

function expectOption(field: string, value: unknown, expected: string, fits: boolean): void {
  if (!fits) throw new ConfigError(`${field} must be ${expected}, not ${describe(value)}`, { field, expected });
}
