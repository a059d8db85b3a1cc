// The base class of all layers and models: it names their parameters, initializes them from a seed or a file, saves and
// frees them.

import type { AbortOptions } from "../abort.ts";
import { sizeOf } from "../arguments/numbers.ts";
import { checkOptions } from "../arguments/options.ts";
import type { Device } from "../backends/device.ts";
import { Resource } from "../disposable.ts";
import { ConfigError, DisposedError } from "../errors.ts";
import {
  loadSafetensors,
  type SafeTensor,
  type SafeTensorInput,
  saveSafetensors,
} from "../formats/safetensors/safetensors.ts";
import { type BytesOrAddress, readSource } from "../formats/sources/source.ts";
import { inspect, lineOf } from "../inspect.ts";
import { Random } from "../random.ts";
import { readTensors } from "../tensor/read.ts";
import { outsideScopes, Tensor } from "../tensor/tensor.ts";
import { type FoundValues, type Misfits, type RestoreOptions, valuesFrom } from "./checkpoint.ts";
import { located, nameInErrors } from "./error-places.ts";
import { type Counter, type Initializer, noValues, Parameter } from "./parameter.ts";

export interface InitializeOptions {
  device: Device;
  /** Default 0. The same seed gives the same values on every platform. */
  seed?: number;
}

/** Where `load` puts a module, and how to end it. */
export interface ModuleLoadOptions extends AbortOptions, RestoreOptions {
  device: Device;
}

/** What a module and its submodules consist of, in the order of declaration. */
interface Structure {
  /** The module itself, named "", and its submodules; one that is declared twice has its first name. */
  modules: ReadonlyMap<Module, string>;
  parameters: ReadonlyMap<string, Parameter>;
  counters: ReadonlyMap<string, Counter>;
}

/** How many declarations all modules have made: a structure that was found is right until the next, wherever that is. */
let declarations = 0;

/**
 * A layer or a model, as in PyTorch: its constructor declares parameters, buffers and other modules by their names in
 * checkpoints, and it has any `forward` that suits it. Building one takes no memory: values come from a seed
 * (`initialize`) or a file (`load`), and are freed by `dispose`.
 *
 * ```ts
 * class PressureModel extends nn.Module {
 *   readonly embedding = this.child("embedding", new nn.Linear(3, 32));
 *   readonly erwin = this.child("erwin", new ErwinTransformer({ ...config, cIn: 32 }));
 *   readonly head = this.child("head", new nn.MLP([64, 64, 1]));
 *   readonly scale = this.parameter("scale", [1], nn.ones);
 *
 *   // nodePositions: Tensor [N, 3] -> [N, 1]
 *   async forward(nodePositions: Tensor, radius: number): Promise<Tensor> {
 *     using nodeFeatures = this.embedding.forward(nodePositions);
 *     using nodes = await this.erwin.forward({ nodeFeatures, nodePositions, radius });
 *     return scope(() => multiply(this.head.forward(nodes), this.scale.tensor));
 *   }
 * }
 * using model = new PressureModel().initialize({ device, seed: 1 });
 * model.parameters().keys(); // "embedding.weight", "embedding.bias", "erwin.embed.embed_fn.weight", ...
 * ```
 */
export abstract class Module extends Resource {
  readonly #own = new Map<string, Parameter | Counter | Module>();
  #found: (Structure & { after: number }) | undefined;
  #device: Device | undefined;
  #training = false;
  #disposed = false;

  /** Declares a tensor that is trained. */
  protected parameter(name: string, shape: readonly number[], initializer: Initializer): Parameter {
    return this.#declare(name, new Parameter(shape, initializer, true));
  }

  /** Declares a tensor that is saved with the module but not trained, such as a running statistic. */
  protected buffer(name: string, shape: readonly number[], initializer: Initializer): Parameter {
    return this.#declare(name, new Parameter(shape, initializer, false));
  }

  /** Declares an integer that is saved with the module, as int64. Its initial value is 0. */
  protected counter(name: string): Counter {
    return this.#declare(name, { value: 0 });
  }

  /**
   * Declares a module that is part of this one and belongs to it from then on. It may have its values already, as when
   * a model that was loaded gets a new head.
   */
  protected child<Part extends Module>(name: string, module: Part): Part {
    nameInErrors(module, name);
    return this.#declare(name, module);
  }

  #declare<Part extends Parameter | Counter | Module>(name: string, part: Part): Part {
    if (this.#own.has(name)) throw new ConfigError(`this module has two parts named ${name}`, { field: name });
    this.#own.set(name, part);
    declarations++;
    return part;
  }

  /** The device that holds its values. @throws InputError before it is initialized or loaded */
  get device(): Device {
    if (this.#device) return this.#device;
    throw noValues();
  }

  /** Whether it is in training mode, as set by `train` and `eval`. Modules begin in evaluation mode. */
  get training(): boolean {
    return this.#training;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * Sets this module and its submodules to training mode: BatchNorm uses the batch's statistics and updates the running
   * ones.
   */
  train(): this {
    return this.#setTraining(true);
  }

  /** Sets this module and its submodules to evaluation mode: BatchNorm uses the running statistics. */
  eval(): this {
    return this.#setTraining(false);
  }

  /**
   * Decides whether all its parameters want gradients. `model.requireGrad(false)` freezes a part, as PyTorch's
   * `requires_grad_(False)`: it is not trained, whatever the optimiser was given, and costs no backward pass if all before it is
   * frozen, too. Running statistics still move in training mode: override `train` to leave a part in evaluation mode.
   */
  requireGrad(wanted = true): this {
    for (const parameter of this.#structure().parameters.values()) parameter.requireGrad(wanted);
    return this;
  }

  /**
   * Begins the random numbers of its layers, such as `Dropout`, anew: the same seed gives the same numbers. `initialize` and `load`
   * do this, and `fit` before each batch.
   */
  reseed(seed: number): this {
    for (const [module, name] of this.#structure().modules) module.startRandom(seed, `${name} in use`);
    return this;
  }

  /** Called with the seed and the stream of the random numbers that it may use in its passes from now on. */
  protected startRandom(_seed: number, _stream: string): void {}

  #setTraining(training: boolean): this {
    for (const module of this.#structure().modules.keys()) module.#training = training;
    return this;
  }

  /**
   * For work that begins later, or is repeated in a backward pass: returns what runs it in the modes that this module and its
   * submodules have now, whatever `train` and `eval` have set meanwhile. The work must be synchronous.
   */
  protected inModesOfNow(): <Result>(work: () => Result) => Result {
    const modules = [...this.#structure().modules.keys()];
    const modes = modules.map((module) => module.#training);
    return (work) => {
      const current = modules.map((module) => module.#training);
      const set = (to: readonly boolean[]) => modules.forEach((module, i) => (module.#training = to[i]));
      set(modes);
      try {
        return work();
      } finally {
        set(current);
      }
    };
  }

  /** The modules declared in this one, by name. */
  children(): Map<string, Module> {
    return new Map([...this.#own].filter((entry): entry is [string, Module] => entry[1] instanceof Module));
  }

  /**
   * This module, named "", and all its submodules, by their full names. One that is declared twice has its first name.
   */
  modules(): Map<string, Module> {
    return new Map([...this.#structure().modules].map(([module, name]) => [name, module]));
  }

  /** The tensors that are trained, by their full names. */
  parameters(): Map<string, Tensor> {
    return this.#tensors(true);
  }

  /** The tensors that are saved but not trained, by their full names. */
  buffers(): Map<string, Tensor> {
    return this.#tensors(false);
  }

  /** Parameters and buffers by their full names, which are those of PyTorch's `state_dict`. */
  state(): Map<string, Tensor> {
    return new Map([...this.parameters(), ...this.buffers()]);
  }

  #tensors(trained: boolean): Map<string, Tensor> {
    const tensors = new Map<string, Tensor>();
    for (const [name, parameter] of this.#structure().parameters) {
      if (parameter.trained === trained) tensors.set(name, parameter.tensor);
    }
    return tensors;
  }

  /** Every pass asks for it, so it is kept. */
  #structure(): Structure {
    if (this.#found?.after === declarations) return this.#found;
    const modules = new Map<Module, string>();
    const parameters = new Map<string, Parameter>();
    const counters = new Map<string, Counter>();
    const visit = (module: Module, name: string) => {
      if (modules.has(module)) return;
      modules.set(module, name);
      for (const [own, part] of module.#own) {
        const full = name ? `${name}.${own}` : own;
        if (part instanceof Module) visit(part, full);
        else if (parameters.has(full) || counters.has(full)) {
          throw new ConfigError(`this module has two parts named ${full}`, { field: full });
        } else if (part instanceof Parameter) parameters.set(full, part);
        else counters.set(full, part);
      }
    };
    visit(this, "");
    this.#found = { modules, parameters, counters, after: declarations };
    return this.#found;
  }

  /**
   * Initializes all parameters and buffers that have no values yet: the values of each depend only on the seed and its
   * full name.
   * @throws OutOfMemoryError naming the tensor that did not fit; the memory that was allocated is free again
   */
  initialize(options: InitializeOptions): this {
    checkOptions("initialize", options, { device: true, seed: true });
    const { device, seed = 0 } = options;
    this.#expectDevice(device);
    this.#compileAhead(device);
    // One array serves all tensors in turn and the device copies it: getting fresh memory takes longer than filling it.
    let scratch = new Float32Array();
    this.#allocate(device, (name, { shape, initializer }) => {
      const size = sizeOf(shape);
      if (scratch.length < size) scratch = new Float32Array(size);
      const values = scratch.subarray(0, size);
      initializer(values, new Random(seed, name));
      return values;
    });
    return this.reseed(seed);
  }

  /**
   * Loads its values from a safetensors file. With `strict: false`, what the file lacks keeps its values, or gets them by `initialize`
   * afterwards, such as a new head: `(await model.load(file, { device, strict: false })).initialize({ device, seed })`. `restore`
   * returns which names these are.
   * @param source the file's bytes, a Blob or File with them, or its address: a URL, or a path in Node and Deno
   * @throws FormatError if the file is damaged; CheckpointError listing every tensor that is missing, unexpected or
   *   misshapen; OutOfMemoryError; ConfigError; the signal's reason, once it is aborted. The module is then unchanged.
   */
  async load(source: BytesOrAddress, options: ModuleLoadOptions): Promise<this> {
    checkOptions("load", options, { device: true, signal: true, strict: true });
    const { device, signal, strict } = options;
    const { bytes, file } = await readSource(source, signal);
    this.restore(loadSafetensors(bytes, { file }).tensors, file, device, { strict });
    return this;
  }

  /**
   * Restores the values of a checkpoint that `save` or training wrote.
   * @param file its name in error messages
   * @param device for a module that has no values yet
   * @returns with `strict: false` the names that the checkpoint lacks, and those that only it has
   * @throws CheckpointError listing every tensor that is missing, unexpected or misshapen; OutOfMemoryError. The module
   *   is then unchanged.
   */
  restore(
    tensors: ReadonlyMap<string, SafeTensor>,
    file = "checkpoint",
    device = this.device,
    options: RestoreOptions = {},
  ): Misfits {
    checkOptions("restore", options, { strict: true });
    this.#expectDevice(device);
    const { parameters, counters } = this.#structure();
    const { values, counts, missing, unexpected } = this.check(tensors, file, options);
    const initialized = [...parameters].filter(([name, parameter]) => parameter.initialized && values.has(name));
    if ([...parameters.values()].some((parameter) => !parameter.initialized)) {
      this.#compileAhead(device);
      this.#allocate(device, (name) => values.get(name), file, new Set(missing));
      this.reseed(0);
    }
    for (const [name, parameter] of initialized) parameter.tensor.set(values.get(name) as Float32Array);
    for (const [name, counter] of counters) counter.value = counts.get(name) ?? counter.value;
    return { missing, unexpected };
  }

  /**
   * Moves the module to another device, with the values of a checkpoint, because its own values may be lost with its device. The
   * tensors that `parameters` and `buffers` have returned are disposed.
   * @param file its name in error messages
   * @throws CheckpointError listing every tensor that is missing, unexpected or misshapen: the module then stays on its device.
   *   OutOfMemoryError, DeviceLostError: it then has no values, and may be moved again
   */
  moveTo(device: Device, tensors: ReadonlyMap<string, SafeTensor>, file = "checkpoint"): void {
    this.check(tensors, file);
    for (const module of this.#structure().modules.keys()) {
      module.#device = undefined;
      for (const part of module.#own.values()) if (part instanceof Parameter) part.empty();
    }
    this.restore(tensors, file, device);
  }

  /**
   * Whether `restore` would take these tensors; no memory is taken.
   * @param file its name in error messages
   * @returns the values it would take, by name
   * @throws CheckpointError listing every tensor that is missing, unexpected or misshapen
   */
  check(tensors: ReadonlyMap<string, SafeTensor>, file = "checkpoint", options: RestoreOptions = {}): FoundValues {
    const { parameters, counters } = this.#structure();
    const shapes = new Map([...parameters].map(([name, { shape }]) => [name, shape]));
    return valuesFrom(tensors, { shapes, counters: counters.keys() }, file, options);
  }

  /**
   * @internal Does a dry run of `work`, as if the module were on another device that only counts memory. Its values do not change.
   *   No other work may use the module meanwhile.
   */
  async rehearse<Result>(device: Device, work: () => Promise<Result>): Promise<Result> {
    const { parameters, counters } = this.#structure();
    const modules = [...this.#structure().modules.keys()].map((module) => ({ module, own: module.#device }));
    const counts = [...counters.values()].map((counter) => ({ counter, value: counter.value }));
    const giveBack = outsideScopes(() =>
      [...parameters.values()].map((parameter) => parameter.standIn(new Tensor(device, parameter.shape))),
    );
    for (const { module } of modules) module.#device = device;
    try {
      return await work();
    } finally {
      for (const { module, own } of modules) module.#device = own;
      for (const give of giveBack) give();
      for (const { counter, value } of counts) counter.value = value;
    }
  }

  /**
   * Turns gradient checkpointing on or off in all parts that offer it: the backward pass recomputes what it would otherwise keep,
   * with the same gradients bit for bit.
   * @returns whether this has changed anything
   */
  setCheckpointing(on: boolean): boolean {
    return [...this.#structure().modules.keys()].map((module) => module.checkpointBlocks(on)).some(Boolean);
  }

  /** Turns it on or off in this module alone; returns whether this has changed anything. */
  protected checkpointBlocks(_on: boolean): boolean {
    return false;
  }

  /** Memory for all parameters, without values: for devices that only count. */
  protected allocate(device: Device): void {
    this.#allocate(device, () => undefined);
  }

  /** Creates tensors for all parameters that have none, except those of some names; if one fails, for none of them. */
  #allocate(
    device: Device,
    valuesOf: (name: string, parameter: Parameter) => Float32Array | undefined,
    file?: string,
    without: ReadonlySet<string> = new Set(),
  ): void {
    const filled: Parameter[] = [];
    outsideScopes(() => {
      for (const [name, parameter] of this.#structure().parameters) {
        if (parameter.initialized || without.has(name)) continue;
        try {
          // Device memory comes first: what a device cannot hold, the host need not try to hold either.
          parameter.fill(new Tensor(device, parameter.shape));
          filled.push(parameter);
          const values = valuesOf(name, parameter);
          if (values) parameter.tensor.set(values);
        } catch (error) {
          for (const done of filled) done.empty();
          throw located(error, `${file ? `${file}: ` : ""}tensor ${name} [${parameter.shape}]`, {
            tensor: name,
            ...(file !== undefined && { file }),
          });
        }
      }
    });
    for (const module of this.#structure().modules.keys()) module.#device = device;
  }

  #expectDevice(device: Device): void {
    this.#expectNotDisposed();
    if (typeof device?.allocate !== "function") {
      throw new ConfigError("a module lives on a device: give the option device: await requestDevice()", {
        field: "device",
      });
    }
    for (const [module, name] of this.#structure().modules) {
      if (module.#device === undefined || module.#device === device) continue;
      throw new ConfigError(`${name || "this module"} is on another device already`, { field: "device" });
    }
  }

  #compileAhead(device: Device): void {
    for (const module of this.#structure().modules.keys()) module.compileAhead(device);
  }

  /** Called before the values arrive: a module may let the device compile its kernels meanwhile. */
  protected compileAhead(_device: Device): void {}

  /**
   * Returns a safetensors file with all parameters, buffers and counters by their full names: `load` reads it, and so
   * does PyTorch's `load_state_dict` after safetensors' `load_file`.
   */
  async save(): Promise<Uint8Array<ArrayBuffer>> {
    return saveSafetensors(await this.#read(this.state()), this.metadata());
  }

  /** Saves only the buffers and counters, which a forward pass in training mode changes, in the format of `save`. */
  saveBuffers(): Promise<Map<string, SafeTensorInput>> {
    return this.#read(this.buffers());
  }

  async #read(wanted: ReadonlyMap<string, Tensor>): Promise<Map<string, SafeTensorInput>> {
    this.expectUsable();
    const tensors = new Map<string, SafeTensorInput>(await readTensors(wanted));
    for (const [name, { value }] of this.#structure().counters)
      tensors.set(name, { shape: [], data: BigInt64Array.of(BigInt(value)) });
    return tensors;
  }

  /** The metadata that `save` writes into the file, such as the config as JSON. Default: none. */
  metadata(): Record<string, string> {
    return {};
  }

  /** Frees the memory of its parameters and buffers, and of all its submodules. Calling it again does nothing. */
  dispose(): void {
    for (const module of this.#structure().modules.keys()) {
      module.#disposed = true;
      for (const part of module.#own.values()) if (part instanceof Parameter && part.initialized) part.tensor.dispose();
    }
  }

  [inspect](): string {
    const trained = [...this.#structure().parameters.values()].filter((parameter) => parameter.trained);
    const count = trained.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    return lineOf(this, `${count} parameters${this.#device ? ` on ${this.#device.info.description}` : ""}`);
  }

  /** @throws DisposedError after `dispose`; InputError before it is initialized or loaded */
  protected expectUsable(): void {
    this.#expectNotDisposed();
    void this.device;
  }

  #expectNotDisposed(): void {
    if (this.#disposed) throw new DisposedError("this model has been disposed: create or load it again");
  }
}
