// A device that the suite measures, with the subjects that are ready on it. If the device is lost, it is replaced by a new one once.

import type { Device } from "../../backends/device.ts";
import { DeviceLostError, ErwinError, requestDevice } from "../../index.ts";
import { forwardPasses } from "../cases/forward.ts";
import { passName, readySizes } from "../cases/pass.ts";
import { trainingPasses } from "../cases/training.ts";
import { probeMemory } from "../rates/memory.ts";
import { measureRoofline, type Roofline } from "../rates/roofline.ts";
import type { BenchCase, DeviceName } from "../report/measurement.ts";
import { describeDevice, type MeasuredDevice } from "../report/result.ts";
import { checkAnswer } from "./answer.ts";
import type { Plan } from "./plan.ts";
import type { Subject, SubjectListener } from "./subject.ts";

/** The number of times that a lost device is requested anew. */
const MAX_LOSSES = 1;
/**
 * The preparation of training, which has its own kernels and longer passes, takes about this many times as long as that of the
 * first forward pass.
 */
const TRAINING_FACTOR = 4;
/** The milliseconds in which a device prepares its first forward pass, even if the time for preparation is over. */
const FIRST_FORWARD_MS = 5000;

const kinds = [
  ["forward", forwardPasses],
  ["training", trainingPasses],
] as const;

export interface Limits {
  /** The number of bytes that a pass may take. */
  memory: number;
  /** The time of `performance.now()` after which no more subjects are made ready. */
  until: number;
}

export class Station {
  readonly title: string;
  device: Device | undefined;
  note: string | undefined;
  readonly held = new Map<string, HeldSubject>();
  #losses = 0;
  #answer: MeasuredDevice["answer"];
  #description: MeasuredDevice["description"];
  #memory: number | undefined;
  #roofline: Roofline | undefined;
  #readyAll = async (_until: number) => {};
  #models: Disposable[] = [];

  /** @param request opens a device */
  constructor(
    readonly name: DeviceName,
    readonly threads: number,
    readonly request = requestDevice,
  ) {
    this.title = name === "cpu" ? "Processor" : name === "webgpu" ? "WebGPU" : "WebGPU, mixed precision";
  }

  get works(): boolean {
    return this.device !== undefined;
  }

  /** Whether the adapter is a software one. */
  get isSoftware(): boolean {
    return this.#description?.software ?? false;
  }

  described(): MeasuredDevice {
    const { name, note } = this;
    const [memory, floors] = [this.#memory, this.#roofline];
    return { name, description: this.#description, memory, floors, answer: this.#answer, note };
  }

  /** Opens the device and checks the golden case. A device that does not exist gets a note. */
  async check(golden: Uint8Array): Promise<void> {
    await this.#noting(async () => {
      this.device = await this.#open();
      this.#description = describeDevice(this.device);
      this.#answer = await checkAnswer(this.device, golden);
    });
  }

  /**
   * Measures how much of `memory` the device grants, and the roofline, on a separate device: on the measured one, these arrays
   * would count for the peak of memory.
   */
  async probe(seconds: number, memory: number): Promise<void> {
    await this.#noting(async () => {
      using own = await this.#open();
      this.#memory = await probeMemory(own, memory);
      this.#roofline = await measureRoofline(own, seconds, this.#memory);
    });
  }

  /** Makes all sizes ready. If the device is lost meanwhile, it is opened once more. */
  async ready(plan: Plan, limits: Limits, listener: SubjectListener): Promise<void> {
    const { rounds, seconds, channels, passes } = plan;
    const skipped = new Set<string>();
    // After a loss, only subjects that were not left out before are prepared again.
    const isWanted = (name: string) => !skipped.has(name) && !this.held.get(name)?.disposed;
    this.#readyAll = async (last) => {
      const device = this.device!;
      const memory = Math.min(limits.memory, this.#memory ?? limits.memory);
      const common = { device, channels, roofline: this.#roofline, rounds, seconds, memory, brief: true };
      const begun = performance.now();
      let firstReady = begun;
      for (const [benchmark, make] of kinds) {
        const sizes = passes.map(({ clouds, points }) => ({
          clouds,
          points: points.filter((count) => isWanted(passName(benchmark, clouds, count, channels))),
        }));
        if (sizes.every(({ points }) => points.length === 0)) continue;
        const models = await make({ channels, device });
        this.#models.push(models);
        // Each device gets its first forward pass, however long the others took.
        const until =
          benchmark === "forward"
            ? Math.max(last, performance.now() + FIRST_FORWARD_MS)
            : last - TRAINING_FACTOR * (firstReady - begun);
        const ready = (subject: Subject) => {
          if (firstReady === begun) firstReady = performance.now();
          onReady(subject);
        };
        for (const some of sizes) {
          await readySizes(models, { ...common, ...some, until }, { onStart, onReady: ready, onSkipped });
        }
      }
    };
    const { onStart } = listener;
    const onReady = (subject: Subject) => {
      const held = this.held.get(subject.description.name);
      if (held) held.replace(subject);
      else if (skipped.has(subject.description.name)) subject.dispose();
      else listener.onReady(subject);
    };
    const onSkipped = (entry: BenchCase) => {
      if (skipped.has(entry.name) || this.held.has(entry.name)) return;
      skipped.add(entry.name);
      listener.onSkipped({ ...entry, device: this.name });
    };
    await this.#noting(() => this.#readyAll(limits.until));
  }

  /** After a loss: opens the device again and prepares the remaining subjects on it, once. */
  async recover(error: DeviceLostError): Promise<void> {
    if (++this.#losses > MAX_LOSSES) {
      this.#giveUp(error.message);
      return;
    }
    this.note = `the device was lost and requested anew: ${error.message}`;
    await this.#noting(async () => {
      this.#close();
      this.device = await this.#open();
      await this.#readyAll(Number.POSITIVE_INFINITY);
    });
  }

  /** Checks the subjects. It never throws: an invalid subject gets a note. */
  async checkAll(subjects: readonly Subject[]): Promise<void> {
    await this.#noting(async () => {
      for (const subject of subjects)
        if (subject instanceof HeldSubject && subject.station === this) await subject.check();
    });
  }

  async #noting(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ErwinError)) throw error;
      if (error instanceof DeviceLostError && this.#losses === 0 && this.works) await this.recover(error);
      else this.#giveUp(error.message);
    }
  }

  #giveUp(reason: string): void {
    this.note = reason;
    this.#close();
  }

  async #open(): Promise<Device> {
    const { threads, name } = this;
    const backend = name === "cpu" ? "cpu" : "webgpu";
    const device = await this.request({ backend, threads, precision: name === "webgpu mixed" ? "mixed" : "float32" });
    // A loss after the last measurement would go unnoticed otherwise.
    void device.lost.then(({ message }) => (this.note ??= message));
    return device;
  }

  #close(): void {
    // Disposing of the models is not necessary, because a lost device has released its memory.
    this.#models = [];
    for (const held of this.held.values()) held.lose();
    this.device?.dispose();
    this.device = undefined;
  }

  dispose(): void {
    if (!this.works) return;
    try {
      for (const held of this.held.values()) held.dispose();
      for (const models of this.#models) models[Symbol.dispose]();
    } catch (error) {
      // The same holds if the device is lost while they are disposed of.
      if (!(error instanceof DeviceLostError)) throw error;
    }
    this.#close();
  }
}

/**
 * A subject on a device that may be lost. It keeps its measurements after a loss, and continues on the new device if it is ready there
 * again: its passes may have become too long meanwhile.
 */
export class HeldSubject implements Subject {
  #current: Subject;
  #lost = false;
  disposed = false;

  constructor(
    readonly station: Station,
    subject: Subject,
    readonly onLost: () => void,
  ) {
    this.#current = subject;
    station.held.set(subject.description.name, this);
  }

  get description(): BenchCase {
    return { ...this.#current.description, device: this.station.name };
  }

  get span(): number {
    return this.#current.span;
  }

  readonly take = async (): Promise<number> => {
    if (this.#lost) return Number.NaN;
    try {
      return await this.#current.take();
    } catch (error) {
      if (!(error instanceof DeviceLostError)) throw error;
      this.onLost();
      await this.station.recover(error);
      return Number.NaN;
    }
  };

  /** Its device is gone, and what it had there. */
  lose(): void {
    this.#lost = true;
  }

  replace(subject: Subject): void {
    this.#current = subject;
    this.#lost = false;
    if (this.disposed) subject.dispose();
  }

  summarise(time: Parameters<Subject["summarise"]>[0]): BenchCase {
    return { ...this.#current.summarise(time), device: this.station.name };
  }

  async check(): Promise<void> {
    if (!this.#lost) await this.#current.check?.();
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    if (!this.#lost) this.#current.dispose();
  }
}
