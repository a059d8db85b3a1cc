// The common part of the model's benchmarks: runs the sizes one after the other, and measures each.

import type { Device } from "../backends/device.ts";
import type { PreparedInput } from "../erwin/input.ts";
import type { ErwinTransformer } from "../erwin/model.ts";
import type { UploadedInput } from "../erwin/uploaded.ts";
import { knnGraph, OutOfMemoryError } from "../index.ts";
import { caseClouds, caseGraph } from "./case.ts";
import type { BenchCase, BenchmarkName, CaseListener, PassMeasure } from "./measurement.ts";
import type { Work } from "./operations.ts";
import { countWork, formatProfile, profile } from "./profile.ts";
import { type Roofline, rooflineTime } from "./roofline.ts";
import { formatTable } from "./table.ts";
import { formatTiming, type Repeats, type Timing, timed, timeOnDevice, timeOnHost } from "./timing.ts";

export interface PassOptions extends Repeats {
  device: Device;
  points: readonly number[];
  clouds: number;
  /** Channels of the model's finest level. */
  channels: number;
  roofline?: Roofline;
  /** Whether the times of operators and kernels are reported one by one. */
  profile?: boolean;
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

/** The fewest passes of a size: one that compiles kernels, two to warm up, one that counts, one by the device's own clock. */
const FEWEST_PASSES = 5;

/**
 * Measures the sizes from the smallest up, as far as time and memory allow; a note says why a size was not measured. The device
 * should have done nothing larger before, since its peak memory is reported as it is.
 */
export async function measureSizes(
  benchmark: BenchmarkName,
  model: ErwinTransformer,
  options: PassOptions,
  start: (input: UploadedInput) => Pass,
): Promise<BenchCase[]> {
  const { clouds, channels, seconds } = options;
  await options.device.tune();
  const cases: BenchCase[] = [];
  const add = (measured: BenchCase) => {
    cases.push(measured);
    options.onCase?.(measured);
  };
  let last: BenchCase | undefined;
  for (const points of [...options.points].sort((a, b) => a - b)) {
    const name = `${benchmark} ${clouds} x ${points}, ${channels} channels`;
    const size: BenchCase = { name, benchmark, clouds, points, channels };
    const expected = last?.time ? (last.time.median * points) / last.points / 1000 : 0;
    if (FEWEST_PASSES * expected > seconds) {
      const note = `not measured: ${FEWEST_PASSES} passes of about ${expected.toPrecision(2)} s do not fit into ${seconds} s`;
      add({ ...size, note });
      continue;
    }
    try {
      last = { ...size, ...(await measure(model, size, options, start)) };
      add(last);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      add({ ...size, note: `not measured: ${error.message}` });
      options.device.trim();
    }
  }
  return cases;
}

async function measure(
  model: ErwinTransformer,
  { clouds, points }: BenchCase,
  options: PassOptions,
  start: (input: UploadedInput) => Pass,
): Promise<{ time: Timing; pass: PassMeasure }> {
  const { device, config } = model;
  const { memory } = device;
  const { seconds, repeat, roofline } = options;
  const batch = caseClouds(config, clouds, points);
  const { dimensionality } = config;
  const onHost = { seconds: seconds / 20 };
  const buildGraph = () => knnGraph(batch.nodePositions, { dimensionality, offsets: batch.offsets, ...caseGraph });
  const graph = await timeOnHost(buildGraph, onHost);
  const input = { ...batch, edgeIndex: await buildGraph() };
  const prepare = await timeOnHost(() => model.prepare(input), onHost);
  const prepared = await model.prepare(input);

  const estimate = model.estimateMemory(prepared).peak;
  const upload = await timeUpload(model, prepared, onHost);
  using uploaded = await model.upload(prepared);
  const pass = start(uploaded);
  try {
    let work!: Work;
    const first = await timed(async () => {
      work = await countWork(device, pass.run);
      await device.finished();
    });
    await pass.run();
    await device.finished();
    const { current, buffersCreated } = memory;
    const time = await timeOnDevice(device, pass.run, { seconds, repeat });
    const used = {
      peak: memory.peak,
      estimate,
      grown: memory.current - current,
      buffersCreated: memory.buffersCreated - buffersCreated,
    };
    const operators = await profile(device, pass.run);
    await pass.check?.();
    const floor = roofline && rooflineTime(work, roofline);
    return {
      time,
      pass: {
        first,
        ...work,
        gigaflops: work.operations / time.median / 1e6,
        floor: floor === undefined ? undefined : { time: floor, reached: floor / time.median },
        kernels: operators?.reduce((sum, operator) => sum + operator.time, 0),
        profile: options.profile ? operators : undefined,
        prepare,
        upload,
        graph,
        memory: used,
      },
    };
  } finally {
    pass.dispose();
  }
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
