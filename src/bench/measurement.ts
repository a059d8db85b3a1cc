// What a benchmark measures, one case at a time, as data.

import type { Work } from "./operations.ts";
import type { OperatorProfile } from "./profile.ts";
import type { Timing } from "./timing.ts";

export type BenchmarkName = "tree" | "graph" | "forward" | "training" | "scaling";

/** One measurement. What does not apply to its benchmark is absent. */
export interface BenchCase {
  /** Different for every case of a result, and the same in every result: "forward 1 x 2048, 32 channels". */
  name: string;
  benchmark: BenchmarkName;
  clouds: number;
  /** Of each cloud. */
  points: number;
  /** Absent where it was not measured. */
  time?: Timing;
  /** Why something was not measured. */
  note?: string;
  /** Of the trees. */
  threads?: number;
  /** The plain algorithm in native code. */
  native?: Timing;
  /** Of the graph. */
  edges?: number;
  /** Of the model's finest level. */
  channels?: number;
  pass?: PassMeasure;
}

/** Told of each case as soon as it is measured: what comes later may fail. */
export type CaseListener = (measured: BenchCase) => void;

/** What is measured of one pass of the model, or one training step. Times in milliseconds, memory in bytes. */
export interface PassMeasure extends Work {
  /** The first pass: kernels are compiled on the way. */
  first: number;
  gigaflops: number;
  /** The least time on this device, and the share of it in the time taken. */
  floor?: { time: number; reached: number };
  /** All kernels of one pass by the device's own clock; absent where it has none. */
  kernels?: number;
  profile?: OperatorProfile[];
  /** Checking the input, building its tree and sorting its graph, on the host. */
  prepare: Timing;
  /** Putting what was prepared on the device, where all passes find it. Absent in results from when each pass did it. */
  upload?: Timing;
  graph: Timing;
  memory: {
    peak: number;
    /** What `estimateMemory` says beforehand. */
    estimate: number;
    /** From the second pass to the last. */
    grown: number;
    buffersCreated: number;
  };
}
