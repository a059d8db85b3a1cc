// The worker behind src/worker/client.ts: one device, one model, and calls that are executed one after the other.

import { expose, type Remote, releaseProxy } from "comlink";
import type { Device } from "../src/backends/device.ts";
import { type DeviceOptions, Recoveries, type Recovery, requestDevice } from "../src/backends/index.ts";
import { disposeThreads } from "../src/balltree/index.ts";
import { DisposedError, InputError, serializeError } from "../src/errors.ts";
import type { GivenConfig } from "../src/erwin/config.ts";
import { ErwinTransformer } from "../src/erwin/model.ts";
import { loadSafetensors, saveSafetensors } from "../src/formats/safetensors/safetensors.ts";
import { type GivenAssets, takeAssets } from "../src/host/given-assets.ts";
import { holdLife } from "../src/host/life.ts";
import { borrowThreads } from "../src/host/page-threads.ts";
import { SIGN_OF_LIFE, sendSigns } from "../src/host/silence.ts";
import { setVisible } from "../src/host/visibility.ts";
import { type Limits, setLimits } from "../src/limits.ts";
import { SerialQueue } from "../src/serial.ts";
import { noGrad } from "../src/tensor/tape.ts";
import { FitController } from "../src/train/control.ts";
import { keepErrorClasses } from "../src/worker/errors.ts";
import {
  type CheckpointListener,
  FAREWELL,
  GREETING,
  type ModelWorker,
  type ProgressListener,
  type RecoveryCall,
  type TrainingCommand,
  type WorkerInfo,
  type WorkerInput,
  type WorkerMode,
  type WorkerOutput,
  type WorkerRecovery,
  type WorkerTrainingOptions,
  type WorkerTrainingResult,
} from "../src/worker/protocol.ts";
import { trainModel } from "../src/worker/training.ts";
import { packed } from "../src/worker/transfer.ts";
import { ownerEndpoint } from "./owner.ts";

/** What is needed to create the model again on another device. */
interface ModelCopy {
  make(device: Device): Promise<ErwinTransformer>;
  /** The buffers, if passes in training mode have changed them since. */
  buffers?: Awaited<ReturnType<ErwinTransformer["saveBuffers"]>>;
}

class ModelServer implements ModelWorker {
  #options: DeviceOptions = {};
  /** The device that was requested, with which its replacements are disposed, and the device in use. */
  #first: Device | undefined;
  #device: Device | undefined;
  #deviceLost = false;
  #model: ErwinTransformer | undefined;
  /** The controllers of the calls that run or wait and can be aborted. */
  readonly #calls = new Map<number, AbortController>();
  #copy: ModelCopy | undefined;
  #recover = true;
  #onRecovery: Remote<RecoveryCall> | undefined;
  readonly #recoveries = new Recoveries();
  #trainingRecoveries = 0;
  /** The controllers of the trainings that run or wait. */
  readonly #controllers = new Map<number, FitController>();
  /** One call at a time uses the device. */
  readonly #calling = new SerialQueue();

  hold(life: string): Promise<boolean> {
    return holdLife(life);
  }

  open(
    options: DeviceOptions,
    assets: GivenAssets,
    limits: Limits,
    { recover, visible }: WorkerRecovery,
    onRecovery?: Remote<RecoveryCall>,
    threads?: MessagePort,
  ): Promise<void> {
    takeAssets(assets);
    setLimits(limits);
    setVisible(visible);
    this.#recover = recover;
    this.#onRecovery = onRecovery;
    if (threads) borrowThreads(threads);
    this.#options = options;
    return this.#calling.run(() => this.#openDevice());
  }

  beat(): void {}

  setVisible(visible: boolean): void {
    setVisible(visible);
  }

  load(source: Uint8Array | Blob | string, { config }: { config?: GivenConfig }, call: number): Promise<void> {
    return this.#abortable(call, (signal) =>
      this.#replaceModel(async (device) => {
        const model = await ErwinTransformer.load(source, { device, config, signal });
        // The file may have changed by the time it is needed again.
        return { model, copy: copyFrom(source instanceof Uint8Array ? source : await model.save(), config) };
      }, signal),
    );
  }

  create(config: GivenConfig, { seed }: { seed?: number }, call: number): Promise<void> {
    const make = (device: Device) => ErwinTransformer.create(config, { device, seed });
    return this.#abortable(call, (signal) =>
      this.#replaceModel(async (device) => ({ model: await make(device), copy: { make } }), signal),
    );
  }

  forward(input: WorkerInput, call: number): Promise<WorkerOutput> {
    return this.#abortable(call, (signal) => this.#surviving(() => this.#forward(input, signal), signal));
  }

  /** Executes work with a signal that `abort` aborts. */
  async #abortable<Result>(call: number, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const controller = new AbortController();
    this.#calls.set(call, controller);
    try {
      return await work(controller.signal);
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Does not wait its turn. A call that has ended is ignored. */
  abort(call: number): void {
    this.#calls.get(call)?.abort();
  }

  async #forward(input: WorkerInput, signal: AbortSignal): Promise<WorkerOutput> {
    const model = this.#loadedModel();
    const prepared = await model.prepare(input, { signal });
    // Nobody can run a backward pass through this result.
    const output = await noGrad(() => model.forward(prepared));
    try {
      const [data, buffers] = await Promise.all([output.data(), model.training ? model.saveBuffers() : undefined]);
      if (buffers) this.#copy!.buffers = buffers;
      return packed({ data, shape: [...output.shape], batchIdx: output.batchIdx! }, true, "output");
    } finally {
      output.dispose();
    }
  }

  setMode(mode: WorkerMode, call: number): Promise<void> {
    const set = async () => {
      const model = this.#loadedModel();
      if (mode === "train") model.train();
      else model.eval();
    };
    return this.#abortable(call, (signal) => this.#calling.run(set, signal));
  }

  save(call: number): Promise<Uint8Array<ArrayBuffer>> {
    const save = async () => packed(await this.#loadedModel().save(), true, "model");
    return this.#abortable(call, (signal) => this.#surviving(save, signal));
  }

  /** Does not wait its turn: it reports the state while a call is executed. */
  info(): WorkerInfo {
    const { backend, info, memory } = this.#device!;
    const { current, peak, reserved, limit, buffersCreated } = memory;
    const model = this.#model;
    return {
      backend,
      device: info,
      memory: { current, peak, reserved, limit, buffersCreated },
      config: model?.config,
      mode: model && (model.training ? "train" : "eval"),
      recoveries: this.#recoveries.count + this.#trainingRecoveries,
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
      // The training survives the loss of a device by itself, once it has its own copy.
      return await this.#surviving(async () => {
        const model = this.#loadedModel();
        const recovering = { recover: this.#recover, onRecovery: (recovery: Recovery) => this.#heardOf(recovery) };
        const listeners = { controller, ...recovering, onProgress, onCheckpoint };
        const { result, file } = await trainModel(model, options, listeners).catch(async (error) => {
          this.#use(model.device);
          // If this device is lost, there is no copy of the model as it is now, and so the training is repeated.
          this.#keep(model, await model.save());
          throw error;
        });
        this.#keep(model, file);
        this.#trainingRecoveries += result.recoveries;
        return packed(result, true, "result");
      });
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
   * Drops the waiting calls. The current call ends first: Deno can crash if a device is destroyed while it works.
   */
  async close(): Promise<void> {
    const closed = this.#calling.close(new DisposedError("this worker is closing"));
    for (const controller of this.#controllers.values()) controller.stop();
    await closed;
    await disposeThreads();
    this.#first?.dispose();
  }

  /** Executes work in its turn, and again on another device if this one is lost. */
  #surviving<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return this.#calling.run(async () => {
      for (;;) {
        try {
          const result = await work();
          this.#recoveries.progressed();
          return result;
        } catch (error) {
          if (!this.#recover) throw error;
          const move = (device: Device) => this.#moveTo(device);
          await this.#recoveries.survive(error, this.#device!, move, (recovery) => this.#heardOf(recovery));
        }
      }
    }, signal);
  }

  async #moveTo(device: Device): Promise<void> {
    const old = this.#model;
    this.#use(device);
    if (!old) return;
    const { make, buffers } = this.#copy!;
    const model = await make(device);
    if (old.training) model.train();
    if (buffers)
      model.restore(
        new Map([...loadSafetensors(await model.save()).tensors, ...loadSafetensors(saveSafetensors(buffers)).tensors]),
      );
    this.#model = model;
    old.dispose();
  }

  #heardOf({ message, error, device: { backend, info } }: Recovery): unknown {
    if (this.#onRecovery) return this.#onRecovery({ message, error: serializeError(error), device: { backend, info } });
    if (backend === "cpu") console.warn(`erwin: ${message}`);
    return undefined;
  }

  /** Keeps a model that may have moved to another device, and its file, from which it is created again. */
  #keep(model: ErwinTransformer, file: Uint8Array): void {
    this.#use(model.device);
    this.#copy = copyFrom(file, model.config);
  }

  #replaceModel(
    make: (device: Device) => Promise<{ model: ErwinTransformer; copy: ModelCopy }>,
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#surviving(async () => {
      if (this.#deviceLost && !this.#recover) await this.#openDevice();
      const { model, copy } = await make(this.#device!);
      if (signal?.aborted) {
        model.dispose();
        throw signal.reason;
      }
      this.#model?.dispose();
      this.#model = model;
      this.#copy = copy;
    }, signal);
  }

  async #openDevice(): Promise<void> {
    const device = await requestDevice(this.#options);
    // Until there is another one, calls tell that this one is lost.
    this.#first?.dispose();
    this.#first = device;
    this.#use(device);
  }

  #use(device: Device): void {
    if (device === this.#device) return;
    this.#device = device;
    this.#deviceLost = false;
    device.lost.then(() => {
      if (device === this.#device) this.#deviceLost = true;
    });
  }

  #loadedModel(): ErwinTransformer {
    if (!this.#model) throw new InputError("the worker has no model yet: call load() or create() first");
    return this.#model;
  }
}

const copyFrom = (bytes: Uint8Array, config?: GivenConfig): ModelCopy => ({
  make: (device) => ErwinTransformer.load(bytes, { device, config }),
});

/** Reports to the owner that this worker ends itself. */
function sayFarewell(): void {
  const scope = globalThis as unknown as { close?(): void };
  const { close } = scope;
  if (!close) return;
  scope.close = () => {
    owner.postMessage(FAREWELL);
    close.call(scope);
  };
}

keepErrorClasses();
const owner = ownerEndpoint();
expose(new ModelServer(), owner);
sayFarewell();
sendSigns(() => owner.postMessage(SIGN_OF_LIFE));
owner.postMessage(GREETING);
