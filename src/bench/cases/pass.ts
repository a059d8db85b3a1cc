// The common part of the model's benchmarks: runs the sizes one after the other, and measures each.

import type { Device } from "../../backends/device.ts";
import type { PreparedInput } from "../../erwin/input.ts";
import type { ErwinTransformer } from "../../erwin/model.ts";
import type { UploadedInput } from "../../erwin/uploaded.ts";
import { knnGraph, OutOfMemoryError } from "../../index.ts";
import type { Work } from "../rates/operations.ts";
import { countWork, formatProfile, profile, timeByDevice } from "../rates/profile.ts";
import { type Roofline, rooflineTime } from "../rates/roofline.ts";
import {
  calibrateOnDevice,
  formatTiming,
  type Repeats,
  repeated,
  type Timing,
  timed,
  timeOnDevice,
  timeOnHost,
} from "../rates/timing.ts";
import type { BenchCase, BenchmarkName, CaseListener } from "../report/measurement.ts";
import { formatTable } from "../report/table.ts";
import type { Subject, SubjectListener } from "../suite/subject.ts";
import { caseClouds, caseGraph, caseSize } from "./case.ts";

export interface PassOptions extends Repeats {
  device: Device;
  points: readonly number[];
  clouds: number;
  /** Channels of the model's finest level. */
  channels: number;
  roofline?: Roofline;
  /** Whether the times of operators and kernels are reported one by one. */
  profile?: boolean;
  /** Whether to leave out details to save time: no kernels' times, and fewer repetitions of times on the host. */
  brief?: boolean;
  /** Sizes whose passes are estimated to need more bytes than this are left out. */
  memory?: number;
  /** Sizes that have not begun at this time of `performance.now()` are skipped. */
  until?: number;
  onCase?: CaseListener;
}

/** A pass over one input that is on the device. */
export interface Pass {
  /** Submits the pass to the device. */
  run(): Promise<void>;
  /** Throws if the passes that ran were not valid. */
  check?(): Promise<unknown>;
  dispose(): void;
}

/** What the passes of a benchmark have in common. */
export interface Passes {
  benchmark: BenchmarkName;
  model: ErwinTransformer;
  start(input: UploadedInput): Pass;
}

/** The seconds of a brief measurement. */
const BRIEFLY = 0.2;
/** The fewest passes of a size: one that compiles kernels, two to warm up, one that counts, one by the device's own clock. */
const MIN_PASSES = 5;

/**
 * Measures the sizes from the smallest up, as far as time and memory allow; a note says why a size was not measured. The device
 * should have done nothing larger before, since its peak memory is reported as it is.
 */
export async function measureSizes(passes: Passes, options: PassOptions): Promise<BenchCase[]> {
  const cases: BenchCase[] = [];
  const add = (measured: BenchCase) => {
    cases.push(measured);
    options.onCase?.(measured);
  };
  const measure = async (size: BenchCase) => {
    const { subject } = await readySubject(passes, size, options);
    try {
      const time = await repeated(subject.take, options);
      await subject.check?.();
      add(subject.summarise(time));
      return time.median;
    } finally {
      subject.dispose();
    }
  };
  await eachSize(passes, options, MIN_PASSES, measure, add);
  return cases;
}

/** Makes the sizes ready for rounds of measurements, as far as time and memory allow. */
export async function readySizes(
  passes: Passes,
  options: PassOptions & { rounds: number },
  { onStart, onReady, onSkipped }: SubjectListener,
): Promise<void> {
  const { rounds, seconds } = options;
  // The first size may take longer, so that every benchmark has a size to compare, and every device a forward pass.
  let allowed = (passes.benchmark === "forward" ? 6 : 2) * seconds;
  const ready = async (size: BenchCase) => {
    onStart?.(size);
    const { subject, expected } = await readySubject(passes, size, options);
    if (subject.span * rounds <= allowed * 1000) onReady(subject);
    else {
      subject.dispose();
      onSkipped({ ...size, note: tooLong(rounds, subject.span, allowed) });
    }
    allowed = seconds;
    return expected;
  };
  await eachSize(passes, options, rounds, ready, onSkipped);
}

const tooLong = (passes: number, milliseconds: number, seconds: number) =>
  `not measured: ${passes} passes of about ${(milliseconds / 1000).toPrecision(2)} s do not fit into ${seconds} s`;

/** The name of a pass's case, without its device. */
export const passName = (benchmark: BenchmarkName, clouds: number, points: number, channels: number) =>
  `${benchmark} ${clouds} x ${points}, ${channels} channels`;

/**
 * Goes through the sizes from the smallest up. Sizes for which time or memory does not suffice are skipped, with a note.
 * @param passes the number of passes that have to fit into the time
 * @param measure returns the milliseconds of a pass
 */
async function eachSize(
  { benchmark, model }: Passes,
  options: PassOptions,
  passes: number,
  measure: (size: BenchCase) => Promise<number>,
  skip: (skipped: BenchCase) => void,
): Promise<void> {
  const { clouds, channels, seconds, device } = options;
  const { memory = Number.POSITIVE_INFINITY, until = Number.POSITIVE_INFINITY } = options;
  await device.tune();
  let last: { points: number; time: number } | undefined;
  for (const points of [...options.points].sort((a, b) => a - b)) {
    const name = passName(benchmark, clouds, points, channels);
    const size: BenchCase = { name, benchmark, clouds, points, channels };
    if (performance.now() > until) {
      skip({ ...size, note: "not measured: what came before took too long" });
      continue;
    }
    const expected = last ? (last.time * points) / last.points : 0;
    if (passes * expected > seconds * 1000) {
      skip({ ...size, note: tooLong(passes, expected, seconds) });
      continue;
    }
    try {
      const needed = Number.isFinite(memory) ? model.estimateMemory(caseSize(clouds, points)).peak : 0;
      if (needed > memory) {
        const note = `not measured: it needs ${mebibytes(needed)}, and ${mebibytes(memory)} are given to it`;
        skip({ ...size, note });
        continue;
      }
      last = { points, time: await measure(size) };
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      skip({ ...size, note: `not measured: ${error.message}` });
      device.trim();
    }
  }
}

/** Prepares and uploads the input, and takes the measurements that are taken only once. */
async function readySubject(
  { model, start }: Passes,
  size: BenchCase,
  options: PassOptions,
): Promise<{ subject: Subject; expected: number }> {
  const { prepared, estimate, ...times } = await measureInput(model, size, options);
  const uploaded = await model.upload(prepared);
  let started: Pass | undefined;
  const dispose = () => {
    started?.dispose();
    uploaded.dispose();
  };
  try {
    const pass = start(uploaded);
    started = pass;
    const { take, expected, span, ...found } = await measureOnce(model.device, pass, options);
    const { memory } = model.device;
    const { peak } = memory;
    let before: { current: number; buffersCreated: number } | undefined;
    const takeFromNow = () => {
      before ??= { current: memory.current, buffersCreated: memory.buffersCreated };
      return take();
    };
    const { roofline } = options;
    const floor = roofline && rooflineTime(found.work, roofline);
    const summarise = (time: Timing): BenchCase => ({
      ...size,
      time,
      pass: {
        first: found.first,
        ...found.work,
        gigaflops: found.work.operations / time.median / 1e6,
        floor: floor === undefined ? undefined : { time: floor, reached: floor / time.median },
        kernels: found.operators?.reduce((sum, operator) => sum + operator.time, 0),
        clock: found.clock,
        profile: options.profile ? found.operators : undefined,
        ...times,
        memory: {
          peak,
          estimate,
          grown: before ? memory.current - before.current : 0,
          buffersCreated: before ? memory.buffersCreated - before.buffersCreated : 0,
        },
      },
    });
    return { subject: { description: size, take: takeFromNow, span, summarise, check: pass.check, dispose }, expected };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Makes the input of a size, and measures how long the host takes for its parts and for its upload. */
async function measureInput(model: ErwinTransformer, { clouds, points }: BenchCase, { seconds, brief }: PassOptions) {
  const batch = caseClouds(model.config, clouds, points);
  const { dimensionality } = model.config;
  const repeats = { seconds: brief ? BRIEFLY : seconds / 20 };
  const buildGraph = () => knnGraph(batch.nodePositions, { dimensionality, offsets: batch.offsets, ...caseGraph });
  const graph = await timeOnHost(buildGraph, repeats);
  const input = { ...batch, edgeIndex: await buildGraph() };
  const prepare = await timeOnHost(() => model.prepare(input), repeats);
  const prepared = await model.prepare(input);
  const estimate = model.estimateMemory(prepared).peak;
  return { prepared, estimate, prepare, upload: await timeUpload(model, prepared, repeats), graph };
}

/** Warms up, and measures what needs no repetition: the first pass, the work, the times of operators and of the device's clock. */
async function measureOnce(device: Device, { run }: Pass, { brief }: PassOptions) {
  let work!: Work;
  const first = await timed(async () => {
    work = await countWork(device, run);
    await device.finished();
  });
  await run();
  await device.finished();
  const calibrated = await calibrateOnDevice(device, run);
  const operators = brief ? undefined : await profile(device, run);
  const clock = await timeByDevice(device, run);
  await device.finished();
  return { ...calibrated, first, work, operators, clock };
}

/** Max bytes of several uploads together: on the host they wait in memory until the device takes them. */
const WAITING_BYTES = 2 ** 28;

async function timeUpload(model: ErwinTransformer, prepared: PreparedInput, repeats: Repeats): Promise<Timing> {
  const { device } = model;
  const before = device.memory.current;
  let bytes = 0;
  const upload = async () => {
    using uploaded = await model.upload(prepared);
    bytes = uploaded.device.memory.current - before;
  };
  await upload();
  return await timeOnDevice(device, upload, { ...repeats, together: WAITING_BYTES / bytes });
}

/** Formats the cases as a table for people, with the profiles that were asked for. */
export function formatPasses(cases: readonly BenchCase[], roofline: Roofline | undefined): string[] {
  const heading = [
    "clouds x points",
    "first",
    "median (quartiles)",
    "kernels alone",
    "GFLOP/s",
    "roofline",
    "prepare",
    "upload",
    "graph",
    "peak memory (estimate)",
    "grown, buffers created",
  ];
  const rows = cases.flatMap(({ clouds, points, time, pass }) => {
    if (!time || !pass) return [];
    const { first, kernels, gigaflops, floor, prepare, upload, graph, memory } = pass;
    return [
      [
        `${clouds} x ${points}`,
        `${first.toFixed(0)} ms`,
        `${formatTiming(time)} x ${time.repetitions}`,
        kernels === undefined ? "-" : `${kernels.toFixed(2)} ms`,
        gigaflops.toFixed(1),
        floor ? `${floor.time.toFixed(2)} ms, ${(100 * floor.reached).toFixed(0)} %` : "-",
        `${prepare.median.toFixed(2)} ms`,
        upload ? `${upload.median.toFixed(2)} ms` : "-",
        `${graph.median.toFixed(2)} ms`,
        `${mebibytes(memory.peak)} (${mebibytes(memory.estimate)})`,
        `${memory.grown} bytes, ${memory.buffersCreated}`,
      ],
    ];
  });
  const notes = cases.flatMap(({ name, note }) => (note ? [`${name}: ${note}`] : []));
  const profiles = cases.flatMap(({ name, pass }) =>
    pass?.profile ? ["", name, ...formatProfile(pass.profile, roofline)] : [],
  );
  return [...(rows.length > 0 ? formatTable([heading, ...rows]) : []), ...notes, ...profiles];
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
