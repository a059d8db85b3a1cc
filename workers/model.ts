// The worker behind src/worker/client.ts: one device, one model, and calls that are executed one after the other.

import { expose, type Remote, releaseProxy } from "comlink";
import type { Device } from "../src/backends/device.ts";
import { type DeviceOptions, requestDevice } from "../src/backends/index.ts";
import { disposeThreads } from "../src/balltree/index.ts";
import { DisposedError, ErwinError } from "../src/errors.ts";
import { ErwinTransformer } from "../src/erwin/model.ts";
import { type GivenAssets, takeAssets } from "../src/host/given-assets.ts";
import { holdLife } from "../src/host/life.ts";
import { borrowThreads } from "../src/host/page-threads.ts";
import { type Limits, setLimits } from "../src/limits.ts";
import { noGrad } from "../src/tensor/tape.ts";
import { FitController } from "../src/train/control.ts";
import { keepErrorClasses } from "../src/worker/errors.ts";
import {
  type CheckpointListener,
  GREETING,
  type ModelWorker,
  type ProgressListener,
  type TrainingCommand,
  type WorkerConfig,
  type WorkerInfo,
  type WorkerInput,
  type WorkerMode,
  type WorkerOutput,
  type WorkerTrainingOptions,
  type WorkerTrainingResult,
} from "../src/worker/protocol.ts";
import { trainModel } from "../src/worker/training.ts";
import { packed } from "../src/worker/transfer.ts";
import { ownerEndpoint } from "./owner.ts";

class ModelServer implements ModelWorker {
  #options: DeviceOptions = {};
  #device: Device | undefined;
  #deviceLost = false;
  #model: ErwinTransformer | undefined;
  /** The controllers of the forward calls that run or wait. */
  readonly #calls = new Map<number, AbortController>();
  /** The controllers of the trainings that run or wait. */
  readonly #controllers = new Map<number, FitController>();
  #closed = false;
  #lastCall: Promise<unknown> = Promise.resolve();

  hold(life: string): Promise<boolean> {
    return holdLife(life);
  }

  open(options: DeviceOptions, assets: GivenAssets, limits: Limits, threads?: MessagePort): Promise<void> {
    takeAssets(assets);
    setLimits(limits);
    if (threads) borrowThreads(threads);
    this.#options = options;
    return this.#inOrder(() => this.#openDevice());
  }

  load(source: Uint8Array | string, { config }: { config?: WorkerConfig }): Promise<void> {
    return this.#replaceModel((device) => ErwinTransformer.load(source, { device, config }));
  }

  create(config: WorkerConfig, { seed }: { seed?: number }): Promise<void> {
    return this.#replaceModel((device) => ErwinTransformer.create(config, { device, seed }));
  }

  async forward(input: WorkerInput, call: number): Promise<WorkerOutput> {
    const controller = new AbortController();
    this.#calls.set(call, controller);
    try {
      return await this.#inOrder(() => this.#forward(input, controller.signal));
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Does not wait its turn. A call that has ended is ignored. */
  abort(call: number): void {
    this.#calls.get(call)?.abort();
  }

  async #forward(input: WorkerInput, signal: AbortSignal): Promise<WorkerOutput> {
    signal.throwIfAborted();
    const model = this.#loadedModel();
    const prepared = await model.prepare(input, { signal });
    // Nobody can run a backward pass through this result.
    const output = await noGrad(() => model.forward(prepared));
    try {
      const data = await output.data();
      return packed({ data, shape: [...output.shape], batchIdx: output.batchIdx! }, true, "output");
    } finally {
      output.dispose();
    }
  }

  setMode(mode: WorkerMode): Promise<void> {
    return this.#inOrder(async () => {
      const model = this.#loadedModel();
      if (mode === "train") model.train();
      else model.eval();
    });
  }

  save(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inOrder(async () => packed(await this.#loadedModel().save(), true, "model"));
  }

  /** Does not wait its turn: it reports the state while a call runs. */
  info(): WorkerInfo {
    const { backend, info, memory } = this.#device!;
    const { current, peak, reserved, buffersCreated } = memory;
    const model = this.#model;
    return {
      backend,
      device: info,
      memory: { current, peak, reserved, buffersCreated },
      config: model?.config,
      mode: model && (model.training ? "train" : "eval"),
    };
  }

  async train(
    id: number,
    options: WorkerTrainingOptions,
    onProgress?: Remote<ProgressListener>,
    onCheckpoint?: Remote<CheckpointListener>,
  ): Promise<WorkerTrainingResult> {
    const controller = new FitController();
    this.#controllers.set(id, controller);
    try {
      return await this.#inOrder(async () =>
        packed(
          await trainModel(this.#loadedModel(), options, { controller, onProgress, onCheckpoint }),
          true,
          "result",
        ),
      );
    } finally {
      this.#controllers.delete(id);
      onProgress?.[releaseProxy]();
      onCheckpoint?.[releaseProxy]();
    }
  }

  /** Does not wait its turn. A command for a training that has ended is ignored. */
  command(id: number, command: TrainingCommand): void {
    this.#controllers.get(id)?.[command]();
  }

  /**
   * Drops the calls that wait. The current call ends first: Deno can crash when a device is destroyed while it works.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const controller of this.#controllers.values()) controller.stop();
    await this.#lastCall;
    await disposeThreads();
    this.#device?.dispose();
  }

  /** Executes one call at a time in the order of arrival, whether or not the previous one succeeded. */
  #inOrder<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#lastCall.then(() => {
      if (this.#closed) throw new DisposedError("this worker is closing");
      return work();
    });
    this.#lastCall = result.catch(() => {});
    return result;
  }

  #replaceModel(make: (device: Device) => Promise<ErwinTransformer>): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#deviceLost) await this.#openDevice();
      const model = await make(this.#device!);
      this.#model?.dispose();
      this.#model = model;
    });
  }

  async #openDevice(): Promise<void> {
    this.#device = await requestDevice(this.#options);
    this.#deviceLost = false;
    this.#device.lost.then(() => {
      this.#deviceLost = true;
    });
  }

  #loadedModel(): ErwinTransformer {
    if (!this.#model) throw new ErwinError("the worker has no model yet: call load() or create() first");
    return this.#model;
  }
}

keepErrorClasses();
const owner = ownerEndpoint();
expose(new ModelServer(), owner);
owner.postMessage(GREETING);
