// The Erwin Transformer: embedding, encoder, bottleneck, decoder over the levels of a ball tree.

import { checkOptions } from "../arguments.ts";
import type { Device } from "../backends/device.ts";
import { CheckpointError, ConfigError, DisposedError, FormatError, OutOfMemoryError } from "../errors.ts";
import type { FileBytes } from "../formats/bytes.ts";
import { loadSafetensors, type SafeTensor, type SafeTensorInput, saveSafetensors } from "../formats/safetensors.ts";
import { nodeModule } from "../host/environment.ts";
import { absoluteUrl } from "../host/url.ts";
import { Embedding } from "../nn/embedding.ts";
import { BallLayer } from "../nn/layer.ts";
import { BallPooling, BallUnpooling } from "../nn/pooling.ts";
import { gatherRows } from "../tensor/operators/rows.ts";
import { checkpoint, isRecording, recordingAsNow } from "../tensor/tape.ts";
import { outsideScopes, scope, sizeOf, Tensor } from "../tensor/tensor.ts";
import { type ErwinConfig, type ErwinConfigInput, resolveConfig, snakeCaseConfig } from "./config.ts";
import { type ErwinInput, isPrepared, type PreparedInput, prepareInput } from "./input.ts";
import { type MemoryEstimate, type MemoryQuestion, rehearse, sizesOf } from "./memory.ts";
import { buildFromCheckpoint, ModelState, restoreFromCheckpoint, seededState } from "./parameters.ts";
import { makeTables, UploadedInput } from "./uploaded.ts";

export interface CreateOptions extends ModelOptions {
  device: Device;
  /** Of the initial weights. Default 0. The same seed gives the same weights on every platform. */
  seed?: number;
}

/** How a model computes; the numbers do not depend on it. */
export interface ModelOptions {
  /**
   * Gradient checkpointing: the backward pass computes each block of the layers again in place of keeping what is inside it.
   * Takes a fraction of the memory and about a third more time; the gradients are the same bit for bit. Default false.
   */
  checkpointing?: boolean;
}

export interface LoadOptions extends ModelOptions {
  device: Device;
  /** In place of the checkpoint's own. */
  config?: ErwinConfigInput | Readonly<Record<string, unknown>>;
}

export interface UploadOptions {
  /** Whether what only backward passes need is uploaded too; otherwise the first of them does it. Default: the model's mode. */
  training?: boolean;
}

/** Points of the cloud that tells which kernels a model needs: beyond this, more points need no others. */
const MOST_REHEARSED = 2 ** 16;

/** The metadata key under which a checkpoint carries its config as JSON. */
const CONFIG_KEY = "config";

/**
 * Erwin: a tree-based hierarchical transformer for large point clouds (Zhdanov, Welling and van de Meent,
 * arXiv 2502.17019).
 */
export class ErwinTransformer {
  readonly config: ErwinConfig;
  readonly device: Device;
  readonly #options: ModelOptions;
  readonly #state: ModelState;
  readonly #embedding: Embedding;
  readonly #encoder: { layer: BallLayer; pooling: BallPooling }[];
  readonly #bottleneck: BallLayer;
  readonly #decoder: { unpooling: BallUnpooling; layer: BallLayer }[];
  #training = false;
  #disposed = false;

  /**
   * A model with fresh weights, in evaluation mode.
   * @throws ConfigError naming the field that cannot be.
   */
  static async create(
    config: ErwinConfigInput | Readonly<Record<string, unknown>>,
    given: CreateOptions,
  ): Promise<ErwinTransformer> {
    checkModelOptions("ErwinTransformer.create", given, { device: true, checkpointing: true, seed: true });
    const { device, seed = 0, ...options } = given;
    const resolved = resolveConfig(config);
    ErwinTransformer.#compileAhead(device, resolved);
    return new ErwinTransformer(resolved, seededState(device, seed), options);
  }

  /**
   * A model from a safetensors checkpoint with the reference's parameter names, in evaluation mode.
   * @param source the file's bytes, or where it is: a URL, or a path in Node and Deno
   * @throws FormatError when the file is damaged; CheckpointError when it has no config, or lists every tensor that is
   *   missing, unexpected or misshapen; ConfigError
   */
  static async load(source: FileBytes | string | URL, given: LoadOptions): Promise<ErwinTransformer> {
    checkModelOptions("ErwinTransformer.load", given, { device: true, checkpointing: true, config: true });
    const { device, config, ...options } = given;
    const file = typeof source === "string" || source instanceof URL ? String(source) : "checkpoint";
    const bytes = typeof source === "string" || source instanceof URL ? await fetchBytes(source) : source;
    const { tensors, metadata } = loadSafetensors(bytes, { file });
    const resolved = resolveConfig(config ?? readConfig(metadata[CONFIG_KEY], file));
    ErwinTransformer.#compileAhead(device, resolved);
    return buildFromCheckpoint(device, tensors, file, (state) => new ErwinTransformer(resolved, state, options));
  }

  private constructor(config: ErwinConfig, state: ModelState, options: ModelOptions = {}) {
    const { checkpointing = false } = options;
    this.config = config;
    this.#options = options;
    this.device = state.device;
    this.#state = state;
    const { cHidden, strides, dimensionality: dimensions, mlpRatio } = config;
    const last = cHidden.length - 1;
    const layer = (name: string, depth: number, heads: number, level: number) =>
      new BallLayer(state, name, {
        depth,
        heads,
        width: cHidden[level]!,
        mlpRatio,
        dimensions,
        checkpointing,
      });
    const between = (level: number) => ({
      stride: strides[level]!,
      fineWidth: cHidden[level]!,
      coarseWidth: cHidden[level + 1]!,
      dimensions,
    });

    [this.#embedding, this.#encoder, this.#bottleneck, this.#decoder] = outsideScopes(() => [
      new Embedding(state, "embed", config.cIn, cHidden[0]!, config.mpSteps, dimensions),
      strides.map((_, l) => ({
        layer: layer(`encoder.${l}`, config.encDepths[l]!, config.encNumHeads[l]!, l),
        pooling: new BallPooling(state, `encoder.${l}.pool`, between(l)),
      })),
      layer("bottleneck", config.encDepths[last]!, config.encNumHeads[last]!, last),
      (config.decode ? strides : []).map((_, j) => {
        const l = last - 1 - j;
        return {
          unpooling: new BallUnpooling(state, `decoder.${j}.unpool`, between(l)),
          layer: layer(`decoder.${j}`, config.decDepths[l]!, config.decNumHeads[l]!, l),
        };
      }),
    ]);
  }

  /** BatchNorm uses the batch's statistics and moves the running ones. */
  train(): this {
    this.#training = true;
    return this;
  }

  /** BatchNorm uses the running statistics. */
  eval(): this {
    this.#training = false;
    return this;
  }

  get training(): boolean {
    return this.#training;
  }

  /** The trained tensors by the reference's names. */
  parameters(): Map<string, Tensor> {
    return new Map(this.#state.parameters);
  }

  /** Parameters and running statistics by the reference's names. */
  state(): Map<string, Tensor> {
    return new Map([...this.#state.parameters, ...this.#state.buffers]);
  }

  /** A safetensors file with all of the state, and the config in its metadata: what `load` and the reference read. */
  async save(): Promise<Uint8Array<ArrayBuffer>> {
    this.#checkUsable();
    const tensors = new Map<string, SafeTensorInput>();
    // All at once: some hosts take ten milliseconds for each read, however short.
    await Promise.all(
      [...this.state()].map(async ([name, tensor]) =>
        tensors.set(name, { shape: tensor.shape, data: await tensor.data() }),
      ),
    );
    for (const [name, { value }] of this.#state.counters)
      tensors.set(name, { shape: [], data: BigInt64Array.of(BigInt(value)) });
    return saveSafetensors(tensors, { [CONFIG_KEY]: JSON.stringify(snakeCaseConfig(this.config)) });
  }

  /**
   * Takes over the numbers of a checkpoint that `save` or training wrote.
   * @throws CheckpointError listing every tensor that is missing, unexpected or misshapen; the model is then as it was
   */
  restore(tensors: ReadonlyMap<string, SafeTensor>, file = "checkpoint"): void {
    this.#checkUsable();
    restoreFromCheckpoint(this.#state, tensors, file);
  }

  /**
   * Checks an input and builds its tree and graph in the workers, without touching the device: the next batch can be
   * prepared while the device works on this one.
   * @throws InputError naming the tensor and the first offending row
   */
  async prepare(input: ErwinInput): Promise<PreparedInput> {
    const prepared = await prepareInput(this.config, input, this.device.threads);
    makeTables(this.device, this.config, prepared, this.#training);
    return prepared;
  }

  /**
   * Puts an input on the device, with its tree and graph, for as many passes as wanted: of this model, or of another on the
   * same device that takes inputs of the same layout. The result must be disposed, after the backward passes through what was
   * computed from it in evaluation mode.
   * @throws InputError naming the tensor and the first offending row; DeviceLostError, OutOfMemoryError
   */
  async upload(
    input: ErwinInput | PreparedInput,
    { training = this.#training }: UploadOptions = {},
  ): Promise<UploadedInput> {
    this.#checkUsable();
    const prepared = isPrepared(input) ? input : await this.prepare(input);
    this.#checkUsable();
    const uploaded = new UploadedInput(this.device, this.config, prepared, training);
    this.device.submit();
    return uploaded;
  }

  /**
   * Applies the model to a batch of point clouds.
   * @returns [N, cHidden[0]] in the input's order of points; with `decode: false` the bottleneck's nodes [M, cHidden[K - 1]].
   *   `batchIdx` of the result is the cloud of each row.
   * @throws InputError, DeviceLostError, OutOfMemoryError
   */
  forward(input: ErwinInput | PreparedInput | UploadedInput): Promise<Tensor> {
    // Whether it records is settled by the call: by the time the input is prepared, something else may be under way.
    return recordingAsNow(async (asNow) => {
      this.#checkUsable();
      if (input instanceof UploadedInput) {
        input.checkFor(this.device, this.config);
        return this.#run(input);
      }
      const prepared = isPrepared(input) ? input : await this.prepare(input);
      this.#checkUsable();
      return asNow(() => this.#run(prepared));
    });
  }

  /**
   * Device memory that a pass over a batch of such sizes takes, the model itself included, before any of it is taken. In
   * training with AdamW's moments; what the loss is computed from comes on top, unless it is of the output's size.
   * @throws InputError when the number of points or edges is missing; OutOfMemoryError when a single tensor would not fit
   */
  estimateMemory(
    batch: MemoryQuestion | ErwinInput | PreparedInput,
    options: Pick<MemoryQuestion, "training" | "average"> = {},
  ): MemoryEstimate {
    const { training = this.#training, ...question } = { ...sizesOf(this.config, batch), ...options };
    return ErwinTransformer.#rehearse(this.device.rehearse(), this.config, { training, ...question }, this.#options);
  }

  static #rehearse(device: Device, config: ErwinConfig, question: MemoryQuestion, options?: ModelOptions) {
    const zeros = (_: string, shape: readonly number[]) => new Float32Array(sizeOf(shape));
    return outsideScopes(() => {
      const model = new ErwinTransformer(config, new ModelState(device, zeros, () => 0), options);
      return rehearse(model, (input) => model.#run(input), question);
    });
  }

  /** While the weights are on their way, the device compiles what a pass over a cloud that fills its balls will run. */
  static #compileAhead(device: Device, config: ErwinConfig): void {
    const points = Math.min(pointsFillingBalls(config), MOST_REHEARSED);
    device.compileFor((rehearsal) => {
      try {
        ErwinTransformer.#rehearse(rehearsal, config, { points, edges: points, training: false });
      } catch (error) {
        // Such a cloud may be too large for this device; the clouds to come may not be.
        if (!(error instanceof OutOfMemoryError)) throw error;
      }
    });
  }

  /** Frees the parameters. */
  dispose(): void {
    if (!this.#disposed) this.#state.dispose();
    this.#disposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkUsable(): void {
    if (this.#disposed) throw new DisposedError("this model has been disposed: create or load it again");
  }

  #run(input: PreparedInput | UploadedInput): Tensor {
    const { nodeFeatures, tree } = input;
    const given = nodeFeatures instanceof Tensor ? [nodeFeatures] : [];
    // In evaluation most passes are never played back: they keep nothing, and are computed again if a gradient is asked for.
    const output = this.#training
      ? this.#compute(input)
      : checkpoint(given, [...this.#state.parameters.values()], ([features]) => this.#compute(input, features));
    output.batchIdx = cloudOfEachRow(this.config.decode ? tree.cloudOffsets : tree.levels.at(-1)!.offsets);
    this.device.submit();
    return output;
  }

  /** @param features in place of the input's own */
  #compute(input: PreparedInput | UploadedInput, features?: Tensor): Tensor {
    if (input instanceof UploadedInput) return this.#computeUploaded(input, features ?? input.nodeFeatures);
    const uploaded = new UploadedInput(this.device, this.config, input, isRecording());
    try {
      return this.#computeUploaded(uploaded, features ?? uploaded.nodeFeatures);
    } finally {
      uploaded.dispose();
    }
  }

  #computeUploaded(input: UploadedInput, features: Tensor): Tensor {
    const { config } = this;
    const training = this.#training;
    return scope(() => {
      const { positions, graph, treeIdx, slotOfPoint, levels } = input.forPass(isRecording());
      const embedded = this.#embedding.forward(features, positions, graph);
      let x = gatherRows(embedded, treeIdx);
      embedded.dispose();

      const skips: Tensor[] = [];
      this.#encoder.forEach(({ layer, pooling }, l) => {
        const skip = layer.forward(x, levels[l]!);
        skips.push(skip);
        x = pooling.stride > 1 ? pooling.forward(skip, levels[l]!.grouping!, training) : skip.view();
      });
      x = this.#bottleneck.forward(x, levels.at(-1)!);
      this.#decoder.forEach(({ unpooling, layer }, j) => {
        const l = this.#decoder.length - 1 - j;
        const fine = unpooling.forward(x, skips[l]!, levels[l]!.grouping!, training);
        x.dispose();
        skips[l]!.dispose();
        x = layer.forward(fine, levels[l]!);
      });
      return config.decode ? gatherRows(x, slotOfPoint) : x;
    });
  }
}

/** Of the smallest cloud that fills a ball at every level. */
function pointsFillingBalls({ ballSizes, strides }: ErwinConfig): number {
  let stride = 1;
  return ballSizes.reduce((points, ballSize, l) => {
    const wanted = ballSize * stride;
    stride *= strides[l] ?? 1;
    return Math.max(points, wanted);
  }, 1);
}

function checkModelOptions<Options extends CreateOptions | LoadOptions>(
  of: string,
  options: Options,
  known: Readonly<Record<keyof Options, true>>,
): void {
  checkOptions(of, options, known);
  if (typeof options.device?.allocate === "function") return;
  throw new ConfigError(`${of} needs the option device: await requestDevice()`, { field: "device" });
}

async function fetchBytes(source: string | URL): Promise<Uint8Array | ArrayBuffer> {
  const url = absoluteUrl(source, FormatError);
  const file = String(source);
  // Node does not fetch files.
  const files =
    url.protocol === "file:" ? nodeModule<typeof import("node:fs/promises")>("node:fs/promises") : undefined;
  let response: Response;
  try {
    if (files) return await files.readFile(url);
    response = await fetch(url);
  } catch (error) {
    const advice = "give an address or path that can, or the file's bytes";
    throw new FormatError(`${file} could not be loaded: ${(error as Error).message} (${advice})`, { file });
  }
  if (!response.ok)
    throw new FormatError(`${file} could not be loaded: status ${response.status} ${response.statusText}`, { file });
  return response.arrayBuffer();
}

function readConfig(text: string | undefined, file: string): Record<string, unknown> {
  if (text === undefined) {
    throw new CheckpointError(`${file} carries no config in its metadata: give one by the option "config"`, {
      file,
      option: CONFIG_KEY,
    });
  }
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new CheckpointError(`${file} carries a config that is no JSON: ${(error as Error).message}`, { file });
  }
}

function cloudOfEachRow(offsets: Int32Array): Int32Array {
  const clouds = new Int32Array(offsets.at(-1)!);
  for (let cloud = 0; cloud + 1 < offsets.length; cloud++) clouds.fill(cloud, offsets[cloud], offsets[cloud + 1]);
  return clouds;
}
