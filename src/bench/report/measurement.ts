// The measurements of a benchmark as data, one case at a time.

import type { Work } from "../rates/operations.ts";
import type { DeviceClock, OperatorProfile } from "../rates/profile.ts";
import type { Timing } from "../rates/timing.ts";

/** The names of the benchmarks. */
export type BenchmarkName = "tree" | "graph" | "forward" | "training" | "scaling";

/** Formats the number of threads, as the names of cases contain it. */
export const threadsText = (threads: number) => (threads === 1 ? "1 thread" : `${threads} threads`);

/** The devices of one machine. */
export type DeviceName = "webgpu" | "webgpu mixed" | "cpu";

/** One measurement. Fields that do not apply to its benchmark are absent. */
export interface BenchCase {
  /** Identifies the case within a result and across results: "forward 1 x 2048, 32 channels". */
  name: string;
  benchmark: BenchmarkName;
  clouds: number;
  /** Points of each cloud. */
  points: number;
  /** The device that the case ran on, in a result with several. */
  device?: DeviceName;
  /** The measured time; absent if the case was not measured. */
  time?: Timing;
  /** Why something was not measured. */
  note?: string;
  /** The number of threads that build the trees or the graph. */
  threads?: number;
  /** The time of the plain algorithm in native code. */
  native?: Timing;
  /** Edges of the graph. */
  edges?: number;
  /** Channels of the model's finest level. */
  channels?: number;
  pass?: PassMeasure;
}

/** Receives each case as soon as it is measured, because a later one may fail. */
export type CaseListener = (measured: BenchCase) => void;

/** The measurements of one pass of the model, or of one training step. Times are in milliseconds, memory in bytes. */
export interface PassMeasure extends Work {
  /** The first pass, in which kernels are compiled. */
  first: number;
  gigaflops: number;
  /** The roofline: the least time on this device, and the ratio of it to the median. */
  floor?: { time: number; reached: number };
  /** The sum of one pass's kernels by the device's own clock; absent where it has none. */
  kernels?: number;
  /** A pass by the device's own clock; absent where it has none. */
  clock?: DeviceClock;
  profile?: OperatorProfile[];
  /** The input's preparation on the host: its checks, its tree, and the sorting of its graph. */
  prepare: Timing;
  /** The upload of the prepared input, which all passes share. Absent in older results, where each pass uploaded it. */
  upload?: Timing;
  graph: Timing;
  memory: {
    peak: number;
    /** The estimate of `estimateMemory`. */
    estimate: number;
    /** The bytes by which memory in use grew from the second pass to the last. */
    grown: number;
    buffersCreated: number;
  };
}
