// A model in a worker, as its user sees it: the methods of ErwinTransformer as promises that always settle.

import { proxy, type Remote, transfer, wrap } from "comlink";
import { type AbortOptions, checkAbortable, disposedIfAborted, expectSignal, untilAborted } from "../abort.ts";
import { describe, expectKind } from "../arguments/kinds.ts";
import { checkOptions } from "../arguments/options.ts";
import { deviceOptionNames, type RecoveryListener } from "../backends/index.ts";
import { Resource } from "../disposable.ts";
import {
  ConfigError,
  type DeviceLostError,
  DisposedError,
  deserializeError,
  FormatError,
  WorkerError,
} from "../errors.ts";
import type { GivenConfig } from "../erwin/config.ts";
import { endWorker, MODEL_MS } from "../host/ending.ts";
import { givenAssets } from "../host/given-assets.ts";
import { lifeName, whenEnded } from "../host/life.ts";
import { absoluteUrl, isAddress } from "../host/url.ts";
import { isVisible } from "../host/visibility.ts";
import { limits } from "../limits.ts";
import type { FitProgress } from "../train/fit-options.ts";
import { WorkerCalls } from "./calls.ts";
import { keepErrorClasses } from "./errors.ts";
import type {
  ErwinWorkerOptions,
  TrainOptions,
  WorkerForwardOptions,
  WorkerLoadOptions,
  WorkerTraining,
} from "./options.ts";
import {
  FAREWELL,
  GREETING,
  type ModelWorker,
  type SentRecovery,
  type TrainingCommand,
  type WorkerInfo,
  type WorkerInput,
  type WorkerMode,
  type WorkerOutput,
  type WorkerTrainingOptions,
  type WorkerTrainingResult,
} from "./protocol.ts";
import { givenScript, modelScript } from "./script.ts";
import { type ModelThread, startWorker } from "./start.ts";
import { lendPageThreads } from "./threads.ts";
import { checkedEndpoint, packed } from "./transfer.ts";

type Listener<Value> = ((value: Value) => unknown) | undefined;

/** A worker that does not finish its current call within this time is terminated. */
const CLOSING_SECONDS = 30;

/**
 * For this long after a worker's end, its process stays: Deno (2.9.5) crashes (SIGSEGV) in 1 of 30 processes that end by themselves
 * while the thread of a worker with a GPU device is being taken down, of which it does not tell.
 */
const LINGERING_MS = 200;

/**
 * Starts a worker with a device of its own, so that neither tree nor model blocks the caller's thread. It works in
 * pages, in workers, and in Deno and Node. In Firefox, where threads that a worker starts sometimes never begin, the
 * page starts the worker's threads; on a page that is not cross-origin isolated, and from a worker, it computes with
 * one thread. In Deno, Node and Bun a worker keeps the process from ending until `dispose()`.
 * @throws WorkerError naming the script if it cannot be loaded; DeviceError if the worker finds no device; ConfigError; the
 *   signal's reason as soon as it is aborted
 */
export function createErwinWorker(options: ErwinWorkerOptions = {}): Promise<ErwinWorker> {
  return ErwinWorker.start(options);
}

/**
 * A model in a worker, as created by `createErwinWorker`. Calls are executed in order. Each rejects with the error that
 * was thrown in the worker; all reject with WorkerError once the worker has stopped unexpectedly or has given no sign of life for
 * `limits.silenceSeconds`, 600 by default, and with DisposedError after `dispose()`.
 */
export class ErwinWorker extends Resource {
  readonly #worker: ModelThread;
  readonly #remote: Remote<ModelWorker>;
  readonly #threads = lendPageThreads();
  readonly #calls: WorkerCalls;
  /** The number of identifiers given to calls, with which later messages to the worker refer to them. */
  #ids = 0;
  #stopWaiting = () => {};
  #stopTelling = () => {};

  /** @internal */
  static async start(options: ErwinWorkerOptions): Promise<ErwinWorker> {
    // A GPUDevice cannot be sent to another thread.
    const { gpuDevice: _, ...names } = deviceOptionNames;
    checkAbortable("createErwinWorker", options, { ...names, url: true, recover: "boolean", onRecovery: "function" });
    const { signal, ...rest } = options;
    return disposedIfAborted(ErwinWorker.#start(rest), signal);
  }

  static async #start(options: Omit<ErwinWorkerOptions, "signal">): Promise<ErwinWorker> {
    const { url, recover = true, onRecovery, ...plain } = options;
    const device = packed(plain, false, "options");
    const script = url === undefined ? modelScript() : givenScript(absoluteUrl(url, WorkerError));
    const erwin = new ErwinWorker(await startWorker(script, GREETING), script.url.href);
    try {
      await erwin.#watch();
      const port = erwin.#threads?.port;
      const recovery = { recover, visible: isVisible() };
      const listener = erwin.#listener("onRecovery", onRecovery && heardOf(onRecovery));
      await erwin.#call((remote) =>
        remote.open(device, givenAssets(), { ...limits }, recovery, listener, port && transfer(port, [port])),
      );
      erwin.#tellVisibility();
    } catch (error) {
      erwin.dispose();
      throw error;
    }
    return erwin;
  }

  private constructor(worker: ModelThread, url: string) {
    super();
    keepErrorClasses();
    this.#worker = worker;
    this.#remote = wrap<ModelWorker>(checkedEndpoint(worker));
    this.#calls = new WorkerCalls(worker, url, "Create another one", {
      ask: () => void this.#remote.beat(),
      end: () => this.#terminate(),
    });
    worker.addEventListener("message", ({ data }) => {
      if (data === FAREWELL) this.#calls.stopped("it closed itself");
    });
  }

  /** Detects the worker's end, if the host has locks for that. */
  async #watch(): Promise<void> {
    const life = lifeName();
    if (life === undefined || !(await this.#call((remote) => remote.hold(life)))) return;
    this.#stopWaiting = whenEnded(life, () => this.#calls.stopped("it ended"));
  }

  /**
   * Loads a safetensors checkpoint, in evaluation mode. The previous model is freed when the new one is loaded. If the
   * device was lost, a new one is requested.
   * @param source the file's bytes, a Blob or File with them, or its address: a URL, or a path in Node and Deno
   * @throws FormatError, CheckpointError, ConfigError; InputError if the bytes have been transferred before; the signal's reason as
   *   soon as it is aborted: the previous model then stays, unless the new one was loaded already
   */
  async load(source: Uint8Array | ArrayBuffer | Blob | string | URL, options: WorkerLoadOptions = {}): Promise<void> {
    checkAbortable("load", options, { transfer: "boolean", config: true });
    const config = packed(options.config, false, "config");
    const file = isAddress(source)
      ? absoluteUrl(source, FormatError).href
      : (packed(source, options.transfer, "source") as Uint8Array | Blob);
    return this.#abortable(options.signal, (remote, id) => remote.load(file, { config }, id));
  }

  /**
   * Creates a model with initial weights, in evaluation mode. The previous model is freed when the new one exists. If
   * the device was lost, a new one is requested.
   * @param options.seed the seed of the weights, default 0
   * @throws ConfigError naming the field that is invalid; the signal's reason as soon as it is aborted: the previous model then
   *   stays, unless the new one existed already
   */
  async create(config: GivenConfig, options: { seed?: number } & AbortOptions = {}): Promise<void> {
    checkAbortable("create", options, { seed: true });
    const { signal, ...rest } = options;
    const [own, plain] = [packed(config, false, "config"), packed(rest, false, "options")];
    return this.#abortable(signal, (remote, id) => remote.create(own, plain, id));
  }

  /**
   * Applies the model to a batch of point clouds.
   * @returns the output in the input's order of points, in memory that belongs to the caller
   * @throws InputError naming the tensor and the first offending row, and before `load` or `create`; DeviceLostError;
   *   OutOfMemoryError; the signal's reason as soon as it is aborted, while the device continues with the submitted work
   */
  async forward(input: WorkerInput, options: WorkerForwardOptions = {}): Promise<WorkerOutput> {
    checkAbortable("forward", options, { transfer: "boolean" });
    const own = packed(input, options.transfer, "input");
    return this.#abortable(options.signal, (remote, id) => remote.forward(own, id));
  }

  /**
   * Sets the model to training or evaluation mode. Earlier calls are not affected.
   * @throws ConfigError; InputError before `load` or `create`; the signal's reason as soon as it is aborted
   */
  async setMode(mode: WorkerMode, options: AbortOptions = {}): Promise<void> {
    checkAbortable("setMode", options, {});
    if (mode !== "train" && mode !== "eval") {
      throw new ConfigError(`the mode must be "train" or "eval", not ${describe(mode)}`, { field: "mode" });
    }
    return this.#abortable(options.signal, (remote, id) => remote.setMode(mode, id));
  }

  /**
   * Returns the model as a safetensors file, which `load` and the reference can read.
   * @throws InputError before `load` or `create`; the signal's reason as soon as it is aborted
   */
  async save(options: AbortOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    checkAbortable("save", options, {});
    return this.#abortable(options.signal, (remote, id) => remote.save(id));
  }

  /**
   * Trains the model on the given samples without blocking the caller's thread. Other calls wait until it has ended,
   * even while it is paused: to use the model in between, stop the training and continue from its checkpoint.
   *
   * Afterwards the model has the best weights by validation loss if training reached its last step, else those of the
   * step at which it was stopped; its mode is unchanged. A training that was stopped and continues from its checkpoint,
   * in this worker or another, gives the same bits as one that was not.
   * @param onProgress called every `logEvery` steps and before each validation and checkpoint, on the caller's side. An
   *   error that it throws ends the training.
   * @returns at once. `finished` rejects with the error that ended the training: InputError naming the sample
   *   (`details.list`, `.sample`) before the first step, and before `load` or `create`; ConfigError, CheckpointError;
   *   NumericalError, after which the weights are those before the step; DeviceLostError if there is no device any more; DisposedError
   */
  train(
    options: WorkerTrainingOptions,
    onProgress?: (progress: FitProgress) => unknown,
    more: TrainOptions = {},
  ): WorkerTraining {
    const id = this.#ids++;
    const command = (command: TrainingCommand) => {
      // If the worker has stopped, `finished` rejects.
      this.#call((remote) => remote.command(id, command)).catch(() => {});
    };
    const stop = () => command("stop");
    const finished = this.#train(id, options, onProgress, more);
    // What it returns is no news: `finished` says how the training ends, also that the signal is none.
    if (more?.signal) untilAborted(finished, more.signal, stop).catch(() => {});
    return {
      pause: () => command("pause"),
      resume: () => command("resume"),
      stop,
      finished,
    };
  }

  /** Not async: `dispose` is to find this very promise among the calls in progress. */
  #train(
    id: number,
    options: WorkerTrainingOptions,
    onProgress: Listener<FitProgress>,
    more: TrainOptions,
  ): Promise<WorkerTrainingResult> {
    try {
      checkOptions("train", more, { transfer: "boolean", onCheckpoint: "function", signal: true });
      expectSignal(more.signal);
      const own = packed(options, more.transfer, "options");
      const progress = this.#listener("onProgress", onProgress);
      const checkpoints = this.#listener("onCheckpoint", more.onCheckpoint);
      return this.#call((remote) => remote.train(id, own, progress, checkpoints));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Reports to the worker when the page becomes visible or hidden. */
  #tellVisibility(): void {
    const { document } = globalThis;
    if (!document) return;
    const tell = () => {
      this.#call((remote) => remote.setVisible(isVisible())).catch(() => {});
    };
    document.addEventListener("visibilitychange", tell);
    this.#stopTelling = () => document.removeEventListener("visibilitychange", tell);
  }

  /**
   * Wraps a function for the worker to call; after the end it is not called any more. What it returns stays here: it may be nothing that
   * can be sent. The worker releases it.
   */
  #listener<Value>(name: string, listener: Listener<Value>) {
    expectKind(name, listener, "a function", listener === undefined || typeof listener === "function");
    return (
      listener &&
      proxy(async (value: Value) => {
        if (!this.#calls.failure) await listener(value);
      })
    );
  }

  /** Returns device, memory, config and mode as they are now, without waiting for earlier calls. */
  async info(): Promise<WorkerInfo> {
    return this.#call((remote) => remote.info());
  }

  /**
   * Ends the worker and frees everything it holds. Calls in progress reject with DisposedError at once; the device
   * still completes its submitted work. In browsers the thread ends 1.5 s after that, in Deno the process stays for 0.2 s (which
   * the sanitizers of its tests call a leak).
   */
  dispose(): void {
    if (this.#calls.failure) return;
    // Who ends a training by this need not have listened to how it ends: in Node and Deno that would end the process.
    this.#calls.fail(new DisposedError("this worker has been disposed: create another one"), true);
    void this.#close();
  }

  /** Makes a call that also settles if the worker ends or hangs without an answer. */
  #call<Result>(send: (remote: Remote<ModelWorker>) => Promise<Result>): Promise<Result> {
    if (this.#calls.failure) return Promise.reject(this.#calls.failure);
    // Arguments that cannot be sent throw at once.
    return this.#calls.wait((async () => send(this.#remote))());
  }

  /** Makes a call that rejects as soon as the signal is aborted; `send` passes the call's identifier on. */
  #abortable<Result>(
    signal: AbortSignal | undefined,
    send: (remote: Remote<ModelWorker>, id: number) => Promise<Result>,
  ): Promise<Result> {
    const id = this.#ids++;
    const call = this.#call((remote) => send(remote, id));
    // A signal cannot be posted. If the worker has stopped, the call has rejected already.
    return untilAborted(call, signal, () => void this.#call((remote) => remote.abort(id)).catch(() => {}));
  }

  /** Lets the worker clean up: in Deno its threads and their memory outlive it unless it stops them itself. */
  async #close(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSING_SECONDS * 1000);
    });
    await Promise.race([this.#remote.close(), timeout]).catch(() => {});
    clearTimeout(timer);
    this.#terminate();
  }

  #terminate(): void {
    this.#stopWaiting();
    this.#stopTelling();
    endWorker(this.#worker, MODEL_MS);
    if ("Deno" in globalThis) setTimeout(() => {}, LINGERING_MS);
    this.#threads?.stop();
  }
}

/** Wraps the listener for the messages of the worker. */
const heardOf =
  (listener: RecoveryListener) =>
  ({ error, ...recovery }: SentRecovery) =>
    listener({ ...recovery, error: deserializeError(error) as DeviceLostError });
