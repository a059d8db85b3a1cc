// The benchmarks, for the command line and for pages: nothing here needs more than a browser has.

import type { Device } from "../backends/device.ts";
import { benchForward, benchScaling } from "./cases/forward.ts";
import { benchGraph } from "./cases/graph.ts";
import type { PassOptions } from "./cases/pass.ts";
import { benchTraining } from "./cases/training.ts";
import { benchTree } from "./cases/tree.ts";
import type { Roofline } from "./rates/roofline.ts";
import type { BenchCase, BenchmarkName, CaseListener } from "./report/measurement.ts";

export { publishedTable } from "./cases/case.ts";
export type { DeviceClock, KernelProfile, OperatorProfile } from "./rates/profile.ts";
export { measureRoofline, type Roofline } from "./rates/roofline.ts";
export type { Exponents } from "./rates/scaling.ts";
export type { Timing } from "./rates/timing.ts";
export { type ComparedCase, compareResults, formatComparison } from "./report/compare.ts";
export type { BenchCase, BenchmarkName, DeviceName, PassMeasure } from "./report/measurement.ts";
export { formatResult } from "./report/report.ts";
export {
  type BenchResult,
  benchResult,
  type DeviceDescription,
  describeDevice,
  type MachineDescription,
  type MeasuredDevice,
  parseBenchResult,
} from "./report/result.ts";
export type { KnownAnswer } from "./suite/answer.ts";
export type { RoundsSummary } from "./suite/rounds.ts";
export { runSuite, type SuiteOptions, type SuiteProgress } from "./suite/suite.ts";

/** The options of a benchmark; each benchmark below sets its own defaults. */
export interface BenchOptions {
  /** Points of each cloud; each number makes a case. */
  points?: readonly number[];
  /** Clouds in the batch. */
  clouds?: number;
  /** Channels of the model's finest level. */
  channels?: number;
  /** Repetitions of each case. Default: as many as fit into `seconds`, 100 at most. */
  repeat?: number;
  /** Approximate seconds for one case; a case of the model that would take longer is left out, with a note. */
  seconds?: number;
  /** Threads that build trees and graphs. */
  threads?: number;
  /** Whether the times of operators and kernels are reported one by one. */
  profile?: boolean;
  /** The result of `measureRoofline` on another device of the same adapter: on this device its copies would count as memory in use. */
  roofline?: Roofline;
  onCase?: CaseListener;
}

/** A benchmark: it measures its cases one by one, on the host alone or on a device. */
export type Benchmark =
  | { needsDevice: false; run(options: BenchOptions): Promise<BenchCase[]> }
  /** The device must have done nothing larger before. */
  | { needsDevice: true; run(options: BenchOptions, device: Device): Promise<BenchCase[]> };

const hostSizes = ({ points, clouds = 1 }: BenchOptions) =>
  points?.map((count) => ({ clouds, points: count })) ?? [
    { clouds: 16, points: 1024 },
    { clouds: 16, points: 4096 },
    { clouds: 16, points: 16384 },
    { clouds: 1, points: 1048576 },
  ];

/** The benchmarks by name, the most informative first. */
export const benchmarks: Readonly<Record<BenchmarkName, Benchmark>> = {
  tree: {
    needsDevice: false,
    run: ({ threads, seconds = 1.5, repeat, onCase, ...sizes }) =>
      benchTree({ cases: hostSizes(sizes), threads: threads ? [threads] : [1, 2], seconds, repeat, onCase }),
  },
  graph: {
    needsDevice: false,
    run: ({ threads, seconds = 1.5, repeat, onCase, ...sizes }) =>
      benchGraph({ cases: hostSizes(sizes), threads, seconds, repeat, onCase }),
  },
  forward: { needsDevice: true, run: (options, device) => benchForward(withDefaults(options, device)) },
  training: { needsDevice: true, run: (options, device) => benchTraining(withDefaults(options, device)) },
  scaling: {
    needsDevice: true,
    run: ({ points = [1024, 4096, 16384, 65536, 262144, 1048576], channels = 8, ...options }, device) =>
      benchScaling(withDefaults({ points, channels, ...options }, device)),
  },
};

function withDefaults(options: BenchOptions, device: Device): PassOptions {
  const { points = [2048, 4096], clouds = 1, channels = 32, seconds = 20, ...rest } = options;
  return { points, clouds, channels, seconds, device, ...rest };
}
