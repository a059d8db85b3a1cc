// A device that computes nothing: its operators allocate and release what those of a real device do, so that a dry run of a pass
// shows how much memory the pass will need and which kernels it will run.

import { Resource } from "../disposable.ts";
import { ErwinError } from "../errors.ts";
import type { Operators } from "./composites/index.ts";
import type { BackendName, Device, DeviceInfo, DeviceMemory } from "./device.ts";
import type { Memory, Storage } from "./storage.ts";

/** The imitated device, with a pool that only counts and operators that run nothing. */
interface Imitated {
  readonly backend: BackendName;
  readonly info: DeviceInfo;
  readonly threads: number | undefined;
  readonly pool: Memory & DeviceMemory;
  readonly operators: Operators;
  /** Runs what waits until work is submitted. */
  readonly submit?: () => void;
}

/** A tensor that would have been allocated. */
export interface NotedTensor {
  shape: readonly number[];
  bytes: number;
}

/** The number of tensors that are noted. */
const LARGEST = 3;

export class DryRunDevice extends Resource implements Device {
  readonly backend: BackendName;
  readonly info: DeviceInfo;
  readonly threads: number | undefined;
  readonly operators: Operators;
  readonly lost = new Promise<never>(() => {});
  readonly memory: Memory & DeviceMemory;
  readonly submit: () => void;
  /** Whether to note the largest tensors at the time when most memory is in use. */
  notesTensors = false;
  largestAtPeak: NotedTensor[] = [];
  readonly #live = new Map<Storage, NotedTensor>();

  constructor({ backend, info, threads, pool, operators, submit = () => {} }: Imitated) {
    super();
    this.backend = backend;
    this.info = info;
    this.threads = threads;
    this.operators = operators;
    this.memory = pool;
    this.submit = submit;
  }

  allocate(bytes: number, shape: readonly number[] = [bytes / 4]): Storage {
    const storage = this.memory.allocate(bytes);
    this.#live.set(storage, { shape, bytes });
    if (this.notesTensors && this.memory.current === this.memory.peak) {
      this.largestAtPeak = [...this.#live.values()].sort((a, b) => b.bytes - a.bytes).slice(0, LARGEST);
    }
    return storage;
  }

  release(storage: Storage): void {
    this.#live.delete(storage);
    this.memory.release(storage);
  }

  check(): void {}
  forget(): void {}
  clear(): void {}
  copy(): void {}
  write(): void {}
  trim(): void {}
  dispose(): void {}
  async finished(): Promise<void> {}
  async tune(): Promise<void> {}
  startProfile(): undefined {}
  compileFor(): void {}

  async read(): Promise<ArrayBuffer> {
    throw new ErwinError("a dry run computes nothing, so there is nothing to read");
  }

  dryRun(): Device {
    throw new ErwinError("a dry run has no dry run of its own");
  }
}
