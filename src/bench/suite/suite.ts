// The benchmark suite measures all devices of a machine in one run, in rounds. The benchmark page runs it.

import { checkOptions, expectOption } from "../../arguments/options.ts";
import { disposeThreads } from "../../index.ts";
import { readyGraphs } from "../cases/graph.ts";
import { readyTrees } from "../cases/tree.ts";
import { clockQuantum } from "../rates/timing.ts";
import type { BenchCase, DeviceName } from "../report/measurement.ts";
import { type BenchResult, benchResult, type MachineDescription } from "../report/result.ts";
import { Clock } from "./clock.ts";
import { fullPlan, type Plan, quickPlan } from "./plan.ts";
import { measureRounds, type RoundsSummary, timingOfRounds } from "./rounds.ts";
import { HeldSubject, Station } from "./station.ts";
import type { Subject } from "./subject.ts";

/** Options of the suite, and callbacks. */
export interface SuiteOptions {
  /** The file `s_small_clouds_eval` of test/golden, whose output every device has to reproduce first. */
  golden: Uint8Array;
  /** Whether to measure small sizes only, for a first impression. Default false. */
  quick?: boolean;
  /** The devices to measure. Default: all that the machine has. */
  devices?: readonly DeviceName[];
  /** The machine's memory in bytes, if the host reports it. It limits the sizes. */
  memory?: number;
  /** The processor's name, if the host reports it. */
  processor?: string;
  /** Threads of trees, graphs and the CPU backend. Default: one per processor core, at most 8; one if threads cannot share memory. */
  threads?: number;
  /** Returns how often something, such as a hidden page, has disturbed the measurements. A round in which it grows is discarded. */
  disturbances?: () => number;
  /** Waits until nothing disturbs the measurements any more. */
  undisturbed?: () => Promise<void>;
  onProgress?: (progress: SuiteProgress) => void;
  /** Receives the result so far after each round. */
  onResult?: (result: BenchResult) => void;
}

/** The suite's progress. */
export interface SuiteProgress {
  phase: "checking" | "preparing" | "measuring";
  /** The current activity, for people. */
  what: string;
  /** The share that is done, from 0 to 1. */
  done: number;
  secondsLeft?: number;
}

/** The assumed memory if the host does not report it. */
const MEMORY = 4 * 2 ** 30;
/** The share of the machine's memory that a pass may take; the browser, the system and other models need the rest. */
const SHARE_OF_MEMORY = 1 / 4;
const SMALL_MEMORY = 3 * 2 ** 30;
const allDevices: readonly DeviceName[] = ["webgpu", "cpu", "webgpu mixed"];

/** All that `runSuite` takes. */
const known: Readonly<Record<keyof SuiteOptions, true>> = {
  golden: true,
  quick: true,
  devices: true,
  memory: true,
  processor: true,
  threads: true,
  disturbances: true,
  undisturbed: true,
  onProgress: true,
  onResult: true,
};

/**
 * Measures this machine.
 * @returns the result, with a note where something could not be measured
 * @throws ConfigError for options that do not exist, and without the file's bytes
 */
export async function runSuite(options: SuiteOptions): Promise<BenchResult> {
  checkOptions("runSuite", options, known);
  expectOption("golden", options.golden, "the bytes of a file", ArrayBuffer.isView(options.golden));
  const suite = new Suite(options);
  try {
    return await suite.run();
  } finally {
    suite.dispose();
    await disposeThreads();
  }
}

class Suite {
  readonly #options: SuiteOptions;
  readonly #plan: Plan;
  readonly #memory: number;
  readonly #machine: MachineDescription;
  readonly #stations: Station[];
  readonly #subjects: Subject[] = [];
  readonly #skipped: BenchCase[] = [];
  readonly #clock = new Clock();
  readonly #steps: number;
  readonly #stepsOfStation: number;
  #stepsDone = 0;
  #disturbances = 0;

  constructor(options: SuiteOptions) {
    const { quick = false, memory, processor, devices = allDevices } = options;
    const plan = quick ? quickPlan : fullPlan;
    this.#options = options;
    this.#plan = (memory ?? MEMORY) < SMALL_MEMORY ? { ...plan, channels: Math.min(plan.channels, 16) } : plan;
    this.#memory = Math.min(plan.memory, (memory ?? MEMORY) * SHARE_OF_MEMORY);
    const shared = globalThis.crossOriginIsolated ?? true;
    const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
    const threads = shared ? (options.threads ?? Math.min(8, cores)) : 1;
    this.#machine = { processor, cores, threads, shared, memory, clockQuantum: clockQuantum() };
    this.#stations = devices.map((name) => new Station(name, threads));
    const sizes = plan.passes.reduce((sum, { points }) => sum + points.length, 0);
    this.#stepsOfStation = 2 + 2 * sizes;
    this.#steps = 2 + devices.length * this.#stepsOfStation;
  }

  async run(): Promise<BenchResult> {
    for (const station of this.#stations) {
      await this.#step("checking", `${station.title}: a known answer`, () => station.check(this.#options.golden));
    }
    await this.#readyHost();
    // Software adapters are last, because they compile slowly and are the first to be skipped when time runs out.
    this.#stations.sort((a, b) => Number(a.isSoftware) - Number(b.isSoftware));
    for (const station of this.#stations) await this.#readyStation(station);
    return await this.#measure();
  }

  async #readyHost(): Promise<void> {
    const { threads } = this.#machine;
    const listener = { onReady: (subject: Subject) => void this.#subjects.push(subject) };
    const counts = threads > 1 ? [1, threads] : [1];
    await this.#step("preparing", "ball trees", () =>
      readyTrees({ cases: this.#plan.trees, threads: counts }, listener),
    );
    await this.#step("preparing", "graphs", () => readyGraphs({ cases: this.#plan.graphs, threads: counts }, listener));
  }

  async #readyStation(station: Station): Promise<void> {
    const { rooflineSeconds } = this.#plan;
    const probe = () => station.probe(rooflineSeconds, this.#memory);
    await this.#step("preparing", `${station.title}: its memory and peak speed`, probe);
    if (!station.works) {
      this.#stepsDone += this.#stepsOfStation - 2;
      return;
    }
    const ready = (subject: Subject) => this.#subjects.push(new HeldSubject(station, subject, () => this.#disturb()));
    const known = () => this.#subjects.length + this.#skipped.length;
    const [before, steps] = [known(), this.#stepsDone];
    const progress = (name?: string) => {
      this.#stepsDone = steps + known() - before;
      this.#tell("preparing", `${station.title}: compiling and warming up${name ? ` ${name}` : ""}`);
    };
    progress();
    const until = this.#clock.start + this.#plan.preparation * 1000;
    await station.ready(
      this.#plan,
      { memory: this.#memory, until },
      {
        onStart: ({ name }) => progress(name),
        onReady: (subject) => {
          ready(subject);
          progress();
        },
        onSkipped: (skipped) => {
          this.#skipped.push(skipped);
          progress();
        },
      },
    );
  }

  async #measure(): Promise<BenchResult> {
    this.#leaveOutLongest();
    const { rounds } = this.#plan;
    const { disturbances = () => 0, onResult } = this.#options;
    const whole = rounds * this.#subjects.reduce((sum, { span }) => sum + span, 0);
    const before = this.#clock.elapsed;
    let [doneSpan, roundSpan] = [0, 0];
    let last: Subject | undefined;
    const { summary, times } = await measureRounds(this.#subjects, {
      rounds,
      undisturbed: () => this.#undisturbed(),
      disturbances: () => disturbances() + this.#disturbances,
      onTake: (subject, round) => {
        if (last) roundSpan += last.span;
        last = subject;
        const done = Math.min(1, (doneSpan + roundSpan) / whole);
        const elapsed = this.#clock.elapsed - before;
        const secondsLeft = done > 0.05 ? (elapsed * (1 - done)) / done : whole / 1000;
        const what = `round ${round + 1} of ${rounds}: ${caseName(subject.description)}`;
        this.#options.onProgress?.({ phase: "measuring", what, done: 0.5 + done / 2, secondsLeft });
      },
      onRound: (summary, times) => {
        [doneSpan, roundSpan, last] = [(whole * summary.rounds) / rounds, 0, undefined];
        onResult?.(this.#result(summary, times));
      },
    });
    for (const station of this.#stations) await station.checkAll(this.#subjects);
    return this.#result(summary, times);
  }

  /** Leaves out the longest subjects until all rounds fit into the remaining time; on each device, one subject of each benchmark stays. */
  #leaveOutLongest(): void {
    const { rounds, whole } = this.#plan;
    const remaining = whole - this.#clock.elapsed;
    const needed = () => (rounds * this.#subjects.reduce((sum, { span }) => sum + span, 0)) / 1000;
    const kindOf = ({ description: { benchmark, device } }: Subject) => `${benchmark} ${device}`;
    const isLast = (subject: Subject) =>
      this.#subjects.filter((other) => kindOf(other) === kindOf(subject)).length === 1;
    while (needed() > remaining) {
      const others = this.#subjects.filter((subject) => !isLast(subject));
      if (others.length === 0) return;
      const longest = others.reduce((a, b) => (b.span > a.span ? b : a));
      const note = `not measured: all rounds together would take ${needed().toFixed(0)} s with it`;
      this.#skipped.push({ ...longest.description, note });
      this.#subjects.splice(this.#subjects.indexOf(longest), 1);
      longest.dispose();
    }
  }

  #result(summary: RoundsSummary, times: ReadonlyMap<Subject, readonly number[]>): BenchResult {
    const measured = [...times].map(([subject, taken]) => {
      if (taken.length > 0) return subject.summarise(timingOfRounds(taken));
      return { ...subject.description, note: "not measured: the device was lost" };
    });
    const cases = [...measured, ...this.#skipped].map((entry) => ({ ...entry, name: caseName(entry) }));
    const devices = this.#stations.map((station) => station.described());
    const first = devices.find(({ description }) => description);
    const result = benchResult(cases, first?.description, first?.floors);
    return { ...result, rounds: summary, machine: this.#machine, devices };
  }

  async #undisturbed(): Promise<void> {
    const { undisturbed } = this.#options;
    if (undisturbed) await this.#clock.pause(undisturbed);
  }

  #disturb(): void {
    this.#disturbances++;
  }

  async #step(phase: SuiteProgress["phase"], what: string, work: () => Promise<void>): Promise<void> {
    this.#tell(phase, what);
    await this.#undisturbed();
    await work();
    this.#stepsDone++;
  }

  #tell(phase: SuiteProgress["phase"], what: string): void {
    const share = Math.min(1, this.#stepsDone / this.#steps);
    const { elapsed } = this.#clock;
    // The rounds take about as long as everything before them.
    const secondsLeft = share > 0.1 ? elapsed * (2 / share - 1) : undefined;
    this.#options.onProgress?.({ phase, what, done: share / 2, secondsLeft });
  }

  dispose(): void {
    for (const subject of this.#subjects) if (!(subject instanceof HeldSubject)) subject.dispose();
    for (const station of this.#stations) station.dispose();
  }
}

const caseName = ({ name, device }: BenchCase) => (device ? `${name}, ${device}` : name);
