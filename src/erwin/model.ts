// The Erwin Transformer: embedding, encoder, bottleneck and decoder on the levels of a ball tree.

import { type AbortOptions, checkAbortable } from "../abort.ts";
import { checkOptions } from "../arguments/options.ts";
import type { Device } from "../backends/device.ts";
import { DryRunDevice } from "../backends/dry-run.ts";
import { cloudOfEach } from "../balltree/index.ts";
import { CheckpointError, ConfigError, InputError, OutOfMemoryError } from "../errors.ts";
import { loadSafetensors } from "../formats/safetensors/safetensors.ts";
import { type BytesOrAddress, readSource } from "../formats/sources/source.ts";
import type { RestoreOptions } from "../nn/checkpoint.ts";
import type { Grouping, LevelGeometry } from "../nn/geometry.ts";
import { BallLayer } from "../nn/layer.ts";
import { ErwinEmbedding } from "../nn/messages.ts";
import { Module } from "../nn/module.ts";
import { BallPooling, BallUnpooling } from "../nn/pooling.ts";
import { checkpoint } from "../tensor/checkpoint.ts";
import { gatherRows } from "../tensor/operators/rows.ts";
import { isRecording, recordingAsNow } from "../tensor/tape.ts";
import { outsideScopes, scope, Tensor } from "../tensor/tensor.ts";
import { type ErwinConfig, type GivenConfig, resolveConfig, snakeCaseConfig } from "./config.ts";
import {
  type ErwinInput,
  type HostOptions,
  isPrepared,
  type PreparedGeometry,
  type PreparedInput,
  type PrepareOptions,
  prepareGeometry,
  prepareInput,
} from "./input.ts";
import { dryRunPass, type MemoryEstimate, type MemoryQuestion, sizesOf } from "./memory.ts";
import type { HostInput } from "./parts.ts";
import { inPartsThatFit } from "./passes.ts";
import { makeTables, UploadedInput } from "./uploaded.ts";

/** How to create a model with new weights. */
export interface CreateOptions extends ModelOptions {
  device: Device;
  /** The seed of the initial weights. Default 0. The same seed gives the same weights on every platform. */
  seed?: number;
}

/** How a model computes; the results do not depend on it. */
export interface ModelOptions {
  /**
   * Gradient checkpointing: the backward pass recomputes each block of the layers instead of keeping its intermediate
   * results. It needs a fraction of the memory and about a third more time; the gradients are the same bit for bit.
   * Default false.
   */
  checkpointing?: boolean;
}

/** How to load a model from a checkpoint. */
export interface LoadOptions extends ModelOptions, AbortOptions, RestoreOptions {
  device: Device;
  /** Used instead of the checkpoint's own config. */
  config?: GivenConfig;
}

/** What of an input to upload. */
export interface UploadOptions extends AbortOptions {
  /**
   * Whether to upload what only backward passes need; otherwise the first of them uploads it. Default: the model's
   * mode.
   */
  training?: boolean;
}

/**
 * The number of points of the cloud that determines which kernels to compile ahead: more points than this need no
 * others.
 */
const MAX_POINTS_AHEAD = 2 ** 16;

/** The metadata key under which a checkpoint carries its config as JSON. */
const CONFIG_KEY = "config";

/**
 * Erwin: a tree-based hierarchical transformer for large point clouds (Zhdanov, Welling and van de Meent, arXiv
 * 2502.17019). `create` and `load` return a model that is ready; `new` one without weights, for use as a part of
 * another module (`nn.Module`). Parts `embed`, `encoder.<l>`, `encoder.<l>.pool`, `bottleneck`, `decoder.<j>`,
 * `decoder.<j>.unpool`: the names in the reference's checkpoints.
 */
export class ErwinTransformer extends Module {
  readonly config: ErwinConfig;
  readonly embedding: ErwinEmbedding;
  /** One entry per level, finest first. */
  readonly encoder: readonly { layer: BallLayer; pooling: BallPooling }[];
  readonly bottleneck: BallLayer;
  /** One entry per level, coarsest first. */
  readonly decoder: readonly { unpooling: BallUnpooling; layer: BallLayer }[];
  readonly #options: ModelOptions;
  readonly #computeInParts = inPartsThatFit(this, (input) => this.#computePrepared(input));

  /**
   * Creates a model with initial weights, in evaluation mode.
   * @throws ConfigError naming the field that is invalid; OutOfMemoryError naming the tensor that did not fit. No memory
   *   stays allocated then.
   */
  static async create(config: GivenConfig, given: CreateOptions): Promise<ErwinTransformer> {
    checkModelOptions("ErwinTransformer.create", given, { device: true, checkpointing: true, seed: true });
    const { device, seed, ...options } = given;
    return new ErwinTransformer(config, options).initialize({ device, seed });
  }

  /**
   * Loads a model from a safetensors checkpoint with the reference's parameter names, in evaluation mode. With `strict: false`,
   * what the checkpoint lacks has initial weights.
   * @param source the file's bytes, a Blob or File with them, or its address: a URL, or a path in Node and Deno
   * @throws FormatError if the file is damaged; CheckpointError if it has no config, if it holds an experiment's model, in which Erwin
   *   is a part, or listing every tensor that is missing, unexpected or misshapen; ConfigError; OutOfMemoryError; the signal's reason, once it is aborted. No
   *   memory stays allocated then.
   */
  static async load(source: BytesOrAddress, given: LoadOptions): Promise<ErwinTransformer> {
    const known = { device: true, checkpointing: true, config: true, signal: true, strict: true } as const;
    checkModelOptions("ErwinTransformer.load", given, known);
    const { device, config, signal, strict, ...options } = given;
    const { bytes, file } = await readSource(source, signal);
    const { tensors, metadata } = loadSafetensors(bytes, { file });
    const { experiment } = metadata;
    if (experiment !== undefined) {
      const advice = "load it by Surrogate.load or readModel of erwin/experiments";
      throw new CheckpointError(`${file} holds a model of the experiment ${experiment}: ${advice}`, { file });
    }
    const model = new ErwinTransformer(config ?? readConfig(metadata[CONFIG_KEY], file), options);
    model.restore(tensors, file, device, { strict });
    try {
      return strict === false ? model.initialize({ device }) : model;
    } catch (error) {
      model.dispose();
      throw error;
    }
  }

  /** @throws ConfigError naming the field that is invalid. */
  constructor(config: GivenConfig, options: ModelOptions = {}) {
    super();
    checkOptions("ErwinTransformer", options, { checkpointing: true });
    this.config = resolveConfig(config);
    this.#options = options;
    const { cIn, cHidden, strides, encDepths, encNumHeads, decDepths, decNumHeads, mpSteps } = this.config;
    const { dimensionality: dimensions, mlpRatio, decode } = this.config;
    const layer = (level: number, depths: number[], heads: number[]) =>
      new BallLayer({
        depth: depths[level],
        heads: heads[level],
        width: cHidden[level],
        mlpRatio,
        dimensions,
        ...options,
      });
    const between = (level: number) => ({
      stride: strides[level],
      fineWidth: cHidden[level],
      coarseWidth: cHidden[level + 1],
      dimensions,
    });

    const last = cHidden.length - 1;
    this.embedding = this.child("embed", new ErwinEmbedding(cIn, { width: cHidden[0], steps: mpSteps, dimensions }));
    this.encoder = strides.map((_, l) => ({
      layer: this.child(`encoder.${l}`, layer(l, encDepths, encNumHeads)),
      pooling: this.child(`encoder.${l}.pool`, new BallPooling(between(l))),
    }));
    this.bottleneck = this.child("bottleneck", layer(last, encDepths, encNumHeads));
    this.decoder = (decode ? strides : []).map((_, j) => {
      const l = last - 1 - j;
      return {
        unpooling: this.child(`decoder.${j}.unpool`, new BallUnpooling(between(l))),
        layer: this.child(`decoder.${j}`, layer(l, decDepths, decNumHeads)),
      };
    });
  }

  /** The config as JSON under the key `config`: what `load` reads. */
  override metadata(): Record<string, string> {
    return { [CONFIG_KEY]: JSON.stringify(snakeCaseConfig(this.config)) };
  }

  /**
   * Checks an input and builds its tree and graph in the workers, without using the device: the next batch can be
   * prepared while the device works on the current one.
   * @throws InputError naming the tensor and the first offending row; the signal's reason, once it is aborted
   */
  async prepare(input: ErwinInput, options: PrepareOptions = {}): Promise<PreparedInput> {
    const prepared = await prepareInput(this.config, input, this.#onHost("prepare", options));
    makeTables(this.device, this.config, prepared, this.training);
    return prepared;
  }

  /**
   * The same for a part of another model that computes the features on the device: they are added to what comes back,
   * `forward({ ...geometry, nodeFeatures })`.
   * @throws InputError naming the tensor and the first offending row; the signal's reason, once it is aborted
   */
  async prepareGeometry(
    input: Omit<ErwinInput, "nodeFeatures">,
    options: PrepareOptions = {},
  ): Promise<PreparedGeometry> {
    const geometry = await prepareGeometry(this.config, input, this.#onHost("prepareGeometry", options));
    makeTables(this.device, this.config, geometry, this.training);
    return geometry;
  }

  #onHost(of: string, options: PrepareOptions): HostOptions {
    checkAbortable(of, options, { copy: true });
    return { ...options, threads: this.device.threads };
  }

  /**
   * Puts an input on the device, with its tree and graph, for as many passes as wanted: of this model, or of another on the
   * same device that takes inputs of the same layout. The result must be disposed, after the backward passes through what was
   * computed from it in evaluation mode.
   * @throws InputError naming the tensor and the first offending row; DeviceLostError, OutOfMemoryError; the signal's reason, once
   *   it is aborted
   */
  async upload(input: ErwinInput | PreparedInput, options: UploadOptions = {}): Promise<UploadedInput> {
    this.expectUsable();
    checkAbortable("upload", options, { training: true });
    const { training = this.training, signal } = options;
    const prepared = isPrepared(input) ? input : await this.prepare(input, { signal, copy: true });
    this.expectUsable();
    const uploaded = new UploadedInput(this.device, this.config, prepared, training);
    this.device.submit();
    return uploaded;
  }

  /**
   * Applies the model to a batch of point clouds. In evaluation mode, a batch that does not fit into the device's memory is
   * computed in parts, with the same results, if the memory is known (`maxMemoryBytes`).
   * @returns [N, cHidden[0]] in the input's order of points; with `decode: false` the bottleneck's nodes [M, cHidden[K - 1]].
   *   `batchIdx` of the result is the cloud of each row. The mode, whether it is recorded, and the numbers in the input's arrays are
   *   those of the time of the call.
   * @throws InputError, DeviceLostError; OutOfMemoryError if not even one cloud fits, with the largest tensors and what would fit
   *   (`details.largest`, `.fitting`); the signal's reason, once it is aborted
   */
  forward(input: ErwinInput | PreparedInput | UploadedInput, options: AbortOptions = {}): Promise<Tensor> {
    // Whether it records, and the mode, are decided by this call: by the time the input is prepared, both may have changed.
    const inModes = this.inModesOfNow();
    return recordingAsNow(async (asNow) => {
      this.expectUsable();
      const isReady = input instanceof UploadedInput || isPrepared(input);
      checkAbortable("forward", options, {});
      if (input instanceof UploadedInput) {
        input.checkFor(this.device, this.config);
        return this.#run(input);
      }
      const prepared = isReady ? input : await this.prepare(input, { ...options, copy: true });
      this.expectUsable();
      return asNow(() => inModes(() => this.#run(prepared)));
    });
  }

  /**
   * Estimates the device memory that a pass over a batch of the given sizes needs, including the model, without
   * allocating it. Training includes AdamW's moments of all parameters, as of `new AdamW(model.parameters())`, and what the backward
   * pass of those keeps that are not frozen; what the loss needs is additional, unless it has the output's size.
   * @throws InputError if the number of points or edges is missing or not valid; ConfigError naming an option that does not exist;
   *   OutOfMemoryError if a single tensor would not fit
   */
  estimateMemory(
    batch: MemoryQuestion | ErwinInput | PreparedInput,
    options: Pick<MemoryQuestion, "training" | "average"> = {},
  ): MemoryEstimate {
    checkOptions("estimateMemory", options, { training: true, average: true });
    const { training = this.training, ...question } = { ...sizesOf(this.config, batch), ...options };
    const frozen = [...this.parameters()].flatMap(([name, { requiresGrad }]) => (requiresGrad ? [] : [name]));
    const asked = { training, ...question };
    return ErwinTransformer.#dryRun(this.device.dryRun(), this.config, asked, { options: this.#options, frozen });
  }

  /** @param like the options of the model that asks, and the names of its parameters that want no gradient */
  static #dryRun(
    device: Device,
    config: ErwinConfig,
    question: MemoryQuestion,
    { options, frozen = [] }: { options?: ModelOptions; frozen?: readonly string[] } = {},
  ) {
    const model = new ErwinTransformer(config, options);
    return outsideScopes(() => {
      model.allocate(device);
      const parameters = model.parameters();
      for (const name of frozen) parameters.get(name)?.requireGrad(false);
      return dryRunPass(model, (input) => model.#run(input), question);
    });
  }

  /** While the weights are loaded, the device compiles the kernels of a pass over a cloud that fills its balls. */
  protected override compileAhead(device: Device): void {
    const points = Math.min(pointsFillingBalls(this.config), MAX_POINTS_AHEAD);
    device.compileFor((dryRun) => {
      try {
        ErwinTransformer.#dryRun(dryRun, this.config, { points, edges: points, training: false });
      } catch (error) {
        // Such a cloud may be too large for this device, and the actual clouds may be smaller.
        if (!(error instanceof OutOfMemoryError)) throw error;
      }
    });
  }

  #run(input: PreparedInput | UploadedInput): Tensor {
    const { nodeFeatures, tree } = input;
    const given = nodeFeatures instanceof Tensor ? [nodeFeatures] : [];
    if (nodeFeatures instanceof Tensor && nodeFeatures.device !== this.device) {
      throw new InputError("nodeFeatures is on another device than the model: give await tensor.data()", {
        tensor: "nodeFeatures",
      });
    }
    // In evaluation most passes are never played back: they keep nothing, and are computed again if a gradient is asked for.
    const inModes = this.inModesOfNow();
    const output = this.training
      ? this.#compute(input)
      : checkpoint(given, [...this.state().values()], ([features]) => inModes(() => this.#compute(input, features)));
    output.batchIdx = cloudOfEach(this.config.decode ? tree.cloudOffsets : tree.levels.at(-1)!.offsets);
    this.device.submit();
    return output;
  }

  /** @param features instead of the input's own, which may have been disposed when a pass is recomputed */
  #compute(input: PreparedInput | UploadedInput, features?: Tensor): Tensor {
    if (input instanceof UploadedInput) return this.#computeUploaded(input, features ?? input.nodeFeatures);
    const planned = !this.training && !isRecording() && !(this.device instanceof DryRunDevice);
    if (planned && isOnHost(input)) return this.#computeInParts(input);
    return this.#computePrepared(input, features);
  }

  #computePrepared(input: PreparedInput, features?: Tensor): Tensor {
    const given = features ? { ...input, nodeFeatures: features } : input;
    const uploaded = new UploadedInput(this.device, this.config, given, isRecording());
    try {
      return this.#computeUploaded(uploaded, features ?? uploaded.nodeFeatures);
    } finally {
      uploaded.dispose();
    }
  }

  #computeUploaded(input: UploadedInput, features: Tensor): Tensor {
    return scope(() => {
      const { positions, graph, treeIdx, slotOfPoint, levels } = input.forPass(isRecording());
      const embedded = this.embedding.forward(features, positions, graph);
      let x = gatherRows(embedded, treeIdx);
      embedded.dispose();

      const skips: Tensor[] = [];
      this.encoder.forEach(({ layer, pooling }, l) => {
        const skip = layer.forward(x, levels[l]);
        skips.push(skip);
        x = pooling.stride > 1 ? pooling.forward(skip, groupingOf(levels[l])) : skip.view();
      });
      x = this.bottleneck.forward(x, levels.at(-1)!);
      this.decoder.forEach(({ unpooling, layer }, j) => {
        const l = this.decoder.length - 1 - j;
        const fine = unpooling.forward(x, skips[l], groupingOf(levels[l]));
        x.dispose();
        skips[l].dispose();
        x = layer.forward(fine, levels[l]);
      });
      return this.config.decode ? gatherRows(x, slotOfPoint) : x;
    });
  }
}

const isOnHost = (input: PreparedInput): input is HostInput => !(input.nodeFeatures instanceof Tensor);

/** All levels but the last are grouped. */
const groupingOf = ({ grouping }: LevelGeometry) => grouping as Grouping;

/** Returns the number of points of the smallest cloud that fills a ball at every level. */
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
    throw new CheckpointError(`${file} has a config that is not JSON: ${(error as Error).message}`, { file });
  }
}
