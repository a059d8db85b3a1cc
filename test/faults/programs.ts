// What is done while devices are lost: a load, a forward pass and a training, called directly or in a worker.

import { type Device, DeviceLostError, ErwinTransformer, fit, MemoryLogger, MemoryStore, requestDevice } from "erwin";
import { type Fault, type FaultyCall, installFaults } from "../support/faults.ts";
import { flatConfig } from "../train/training.ts";
import { FaultyWorker } from "./faulty-worker.ts";
import { cloud, subjects, trainData, validationData } from "./subjects.ts";

/** A program while devices are lost, as its caller sees it. */
export interface Trial {
  /** Everything the program returns: the same text for the same bits. */
  result: string;
  /** The calls since the last fault. */
  counts: Record<FaultyCall, number>;
  /** The number of lost devices that the work survived. */
  recoveries: number;
}

export interface Program {
  /** Runs it while devices are lost in this order; throws what the program throws. */
  run(...sequence: Fault[]): Promise<Trial>;
  /** The number of devices that the last run has lost. */
  readonly lost: number;
  /** What runs have left that they should not. */
  readonly left: string[];
  /** The faults before those that are tried, as in a second loss during the recovery from a first one. */
  readonly before: readonly Fault[];
  /** Whether it is always to go on, and never to end with an error. */
  readonly always: boolean;
  close(): Promise<void>;
}

const { layer } = subjects;

const steps = {
  steps: 3,
  batchSize: 2,
  schedule: { kind: "constant", lr: 1e-2 } as const,
  optimizer: { averageDecay: 0.9 },
  validateEvery: 2,
  saveEvery: 2,
  logEvery: 1,
};

const samples = ({ clouds }: typeof trainData) =>
  clouds.map(({ positions, features, target }) => ({ nodePositions: positions, nodeFeatures: features, target }));

/** The loss of a device that has just been requested. */
const first: Fault = { call: "submit", at: 1, when: "before" };

/** Returns a text that differs if any bit differs. */
async function digest(...parts: ArrayBufferView[]): Promise<string> {
  const digests = parts.map(async ({ buffer, byteOffset, byteLength }) => {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength).slice();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  });
  return (await Promise.all(digests)).join(" ");
}

/** A program that uses the library in this thread. */
abstract class Direct implements Program {
  readonly faults = installFaults();
  readonly before: readonly Fault[] = [];
  readonly always = false;
  readonly left: string[] = [];

  abstract run(...sequence: Fault[]): Promise<Trial>;

  get lost(): number {
    return this.faults.lost;
  }

  /** Does work on a new device, of which nothing may be left. */
  async onNewDevice<Result>(work: (device: Device) => Promise<Result>): Promise<Result> {
    try {
      const device = await requestDevice({ backend: "webgpu", threads: 1 });
      try {
        return await work(device);
      } finally {
        this.expectFreed(device);
        device.dispose();
        // The device's replacement is disposed when its promise has resolved.
        await Promise.resolve(device.replacement).catch(() => {});
      }
    } finally {
      const { undisposed } = this.faults;
      if (undisposed > 0) this.left.push(`${undisposed} devices`);
    }
  }

  expectFreed({ memory }: Device): void {
    if (memory.current !== 0) this.left.push(`${memory.current} bytes`);
  }

  trial(result: string, recoveries = 0): Trial {
    return { result, counts: { ...this.faults.counts }, recoveries };
  }

  async close(): Promise<void> {
    this.faults.restore();
  }
}

class Load extends Direct {
  #file: Uint8Array | undefined;

  async run(...sequence: Fault[]): Promise<Trial> {
    const { faults } = this;
    faults.arm();
    this.#file ??= await this.onNewDevice(async (device) => {
      using model = await ErwinTransformer.create(flatConfig, { device, seed: 1 });
      return await model.save();
    });
    faults.arm(...sequence);
    return this.onNewDevice(async (device) => {
      using model = await ErwinTransformer.load(this.#file!, { device });
      return this.trial(await digest(await model.save()));
    });
  }
}

class Forward extends Direct {
  async run(...sequence: Fault[]): Promise<Trial> {
    const { faults } = this;
    faults.arm();
    return this.onNewDevice(async (device) => {
      using model = await ErwinTransformer.create(flatConfig, { device, seed: 1 });
      faults.arm(...sequence);
      using output = await model.forward(cloud);
      return this.trial(await digest(await output.data()));
    });
  }
}

class Training extends Direct {
  override readonly before: readonly Fault[];
  readonly #recover: boolean;

  constructor(recover: boolean, before: readonly Fault[]) {
    super();
    this.#recover = recover;
    this.before = before;
  }

  async run(...sequence: Fault[]): Promise<Trial> {
    const { faults } = this;
    faults.arm();
    return this.onNewDevice(async (device) => {
      const model = await layer.make(device);
      const [store, logger] = [new MemoryStore(), new MemoryLogger()];
      try {
        faults.arm(...sequence);
        const { recoveries, time, treeWait, ...result } = await fit<never, unknown>({
          ...steps,
          model,
          task: layer.task(model),
          trainData: trainData as never,
          validationData: validationData as never,
          store,
          logger,
          recover: this.#recover,
          onRecovery: () => {},
        });
        // Measured times differ from run to run.
        const entries = logger.entries.map(({ stepsPerSecond, pointsPerSecond, ...entry }) => entry);
        const text = new TextEncoder().encode(JSON.stringify([result, entries]));
        return this.trial(await digest(text, await model.save(), ...store.files.values()), recoveries);
      } finally {
        const { device: last } = model;
        model[Symbol.dispose]();
        if (last !== device) this.expectFreed(last);
      }
    });
  }
}

/** A program that uses the library's worker. */
class Remote implements Program {
  readonly before: readonly Fault[];
  readonly always: boolean;
  readonly left: string[] = [];
  lost = 0;
  readonly #recover: boolean;
  readonly #work: (worker: FaultyWorker) => Promise<string>;
  #worker: FaultyWorker | undefined;
  #file: Uint8Array | undefined;
  /** The bytes of the model, which are all that is in use between calls. */
  #bytes: number | undefined;

  constructor(work: (worker: FaultyWorker) => Promise<string>, recover: boolean, before: readonly Fault[]) {
    this.#work = work;
    this.#recover = recover;
    this.before = before;
    this.always = recover;
  }

  async run(...sequence: Fault[]): Promise<Trial> {
    this.#worker ??= await FaultyWorker.start({ recover: this.#recover });
    const worker = this.#worker;
    const { erwin } = worker;
    if (!this.#file) {
      await erwin.create(flatConfig, { seed: 1 });
      this.#file = await erwin.save();
    }
    // Each run begins on a new device, which has no buffers and kernels yet.
    await worker.arm(first);
    await erwin.save().catch((error) => {
      if (this.#recover || !(error instanceof DeviceLostError)) throw error;
    });
    await worker.arm();
    await erwin.load(this.#file);
    this.#bytes ??= (await erwin.info()).memory.current;
    const before = (await erwin.info()).recoveries;
    worker.file = this.#file;
    await worker.arm(...sequence);
    const ending = await this.#work(worker).catch((error: Error) => error);
    const { counts, lost } = await worker.arm();
    const { memory, backend, recoveries } = await erwin.info();
    this.lost = lost;
    this.left.push(...worker.rejections.splice(0));
    if (memory.current > this.#bytes) this.left.push(`${memory.current} bytes instead of ${this.#bytes}`);
    if (ending instanceof Error) throw ending;
    if (backend !== "webgpu") throw new Error(`it goes on with the backend ${backend}`);
    return { result: ending, recoveries: recoveries - before, counts };
  }

  async close(): Promise<void> {
    await this.#worker?.close();
  }
}

/** The start of a worker, each time of another one. */
class Start implements Program {
  readonly before: readonly Fault[] = [];
  readonly always = false;
  readonly left: string[] = [];
  lost = 0;

  async run(...sequence: Fault[]): Promise<Trial> {
    // A worker that does not start cannot be asked.
    this.lost = sequence.length;
    const worker = await FaultyWorker.start({ recover: true }, ...sequence);
    const { counts, lost } = await worker.arm();
    this.lost = lost;
    await worker.close();
    return { result: "started", counts, recoveries: 0 };
  }

  async close(): Promise<void> {}
}

const load = async (worker: FaultyWorker) => {
  await worker.erwin.load(worker.file!);
  return digest(await worker.erwin.save());
};

const forward = async ({ erwin }: FaultyWorker) => digest((await erwin.forward(cloud)).data);

const train = async ({ erwin }: FaultyWorker) => {
  const options = { ...steps, samples: samples(trainData), validation: samples(validationData) };
  const { recoveries, time, treeWait, checkpoint, ...result } = await erwin.train(options).finished;
  return digest(checkpoint, new TextEncoder().encode(JSON.stringify(result)), await erwin.save());
};

/** The loss of a device in the middle of a training. */
const second: Fault = { call: "submit", at: 12, when: "after" };

/** All programs by name. */
export const programs: Record<string, () => Program> = {
  load: () => new Load(),
  forward: () => new Forward(),
  training: () => new Training(true, []),
  "training that goes on": () => new Training(true, [second]),
  "training without recovery": () => new Training(false, []),
  "start of a worker": () => new Start(),
  "load in a worker": () => new Remote(load, true, []),
  "load in a worker that goes on": () => new Remote(load, true, [first]),
  "load in a worker without recovery": () => new Remote(load, false, []),
  "forward in a worker": () => new Remote(forward, true, []),
  "forward in a worker that goes on": () => new Remote(forward, true, [first]),
  "forward in a worker without recovery": () => new Remote(forward, false, []),
  "training in a worker": () => new Remote(train, true, []),
  "training in a worker that goes on": () => new Remote(train, true, [second]),
  "training in a worker without recovery": () => new Remote(train, false, []),
};
