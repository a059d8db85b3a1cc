// Divides the time of a pass by operators, and by the kernels that each consists of.

import type { Device, KernelTime } from "../../backends/device.ts";
import { formatTable } from "../report/table.ts";
import { type OperatorName, operatorNeeds, type Work } from "./operations.ts";
import { type Roofline, rooflineTime } from "./roofline.ts";
import { QUANTA } from "./timing.ts";

/** A kernel's share of a pass. */
export interface KernelProfile {
  kernel: string;
  calls: number;
  /** The sum of all calls, in milliseconds. */
  time: number;
}

/** An operator's share of a pass: its work, and its time in milliseconds. */
export interface OperatorProfile extends Work {
  /** "transfers" are the kernels outside of operators: copies and uploads, as far as they are kernels. */
  operator: OperatorName | "transfers";
  calls: number;
  time: number;
  /** The operator's kernels, in the order of their first calls. */
  kernels: KernelProfile[];
}

/** Returns the total work of all operators that `pass` calls on a device. */
export async function countWork(device: Device, pass: () => unknown): Promise<Work> {
  const total: Work = { operations: 0, bytes: 0 };
  await observe(device, pass, (_, work, run) => {
    addWork(total, work);
    run();
  });
  return total;
}

/**
 * Runs `pass`, which must have run before, and times each of its kernels by itself. Returns the operators, the slowest first, or
 * undefined where the adapter has no timestamps.
 */
export async function profile(device: Device, pass: () => unknown): Promise<OperatorProfile[] | undefined> {
  // A kernel that is still being compiled would be recorded after the operator that called it.
  await device.finished();
  const clock = device.startProfile();
  if (!clock) return undefined;
  const operators = new Map<string, OperatorProfile>();
  const entryOf = (operator: OperatorProfile["operator"]) => {
    const entry = operators.get(operator) ?? { operator, calls: 0, time: 0, operations: 0, bytes: 0, kernels: [] };
    operators.set(operator, entry);
    return entry;
  };
  /** The operator of each kernel. */
  const owners: OperatorProfile[] = [];
  let times: KernelTime[];
  try {
    await observe(device, pass, (operator, work, run) => {
      const entry = entryOf(operator);
      entry.calls++;
      addWork(entry, work);
      const first = clock.kernels;
      run();
      for (let kernel = first; kernel < clock.kernels; kernel++) owners[kernel] = entry;
    });
  } finally {
    times = await clock.stop();
  }
  times.forEach((kernel, i) => addKernel(owners[i] ?? entryOf("transfers"), kernel));
  return [...operators.values()].sort((a, b) => b.time - a.time);
}

/** A time measured by a device's own clock, in milliseconds. */
export interface DeviceClock {
  /** From the start of a pass's first kernel to the end of its last. */
  time: number;
  /** The smallest step of the clock that was observed. Browsers round the clock. */
  quantum: number;
  /** The number of passes that were timed together, so that they took at least 50 such steps. */
  passes: number;
}

const MAX_PASSES = 64;

/** Times passes, which must have run before, by the device's own clock; undefined where the adapter has no timestamps. */
export async function timeByDevice(device: Device, pass: () => unknown): Promise<DeviceClock | undefined> {
  if (!device.info.features.includes("timestamp-query")) return undefined;
  for (let passes = 1; ; passes = Math.min(MAX_PASSES, 4 * passes)) {
    const clock = device.startProfile()!;
    let kernels: KernelTime[];
    try {
      for (let i = 0; i < passes; i++) await pass();
    } finally {
      kernels = await clock.stop();
    }
    const moments = kernels.flatMap(({ start = 0, time }) => [start, start + time]).sort((a, b) => a - b);
    const steps = moments.slice(1).flatMap((moment, i) => (moment > moments[i] ? [moment - moments[i]] : []));
    const span = (moments.at(-1) ?? 0) - (moments[0] ?? 0);
    const quantum = Math.min(...steps);
    if (span >= QUANTA * quantum || passes === MAX_PASSES) return { time: span / passes, quantum, passes };
  }
}

/** Runs `pass` and calls `seen` for each operator that it calls on the device. */
async function observe(
  { operators }: Device,
  pass: () => unknown,
  seen: (operator: OperatorName, work: Work, run: () => void) => void,
): Promise<void> {
  const names = Object.keys(operatorNeeds) as OperatorName[];
  const originals = { ...operators };
  // The methods are replaced only while `pass` runs, so that nothing is slower when nobody observes.
  for (const name of names) {
    const run = originals[name] as (a: never) => void;
    const needs = operatorNeeds[name] as (a: never) => Work;
    Object.assign(operators, { [name]: (a: never) => seen(name, needs(a), () => run(a)) });
  }
  try {
    await pass();
  } finally {
    Object.assign(operators, originals);
  }
}

function addWork(total: Work, { operations, bytes }: Work): void {
  total.operations += operations;
  total.bytes += bytes;
}

function addKernel(owner: OperatorProfile, { kernel, time }: KernelTime): void {
  let entry = owner.kernels.find((known) => known.kernel === kernel);
  if (!entry) owner.kernels.push((entry = { kernel, calls: 0, time: 0 }));
  entry.calls++;
  entry.time += time;
  owner.time += time;
}

/** Formats the profile as a table for people. */
export function formatProfile(operators: readonly OperatorProfile[], roofline: Roofline | undefined): string[] {
  const total = operators.reduce((sum, { time }) => sum + time, 0);
  const percent = (part: number, whole: number) => (whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : "");
  const lines = [["operator and its kernels", "calls", "time", "share", "GFLOP/s", "GB/s", "of roofline"]];
  for (const { operator, calls, time, operations, bytes, kernels } of operators) {
    const rate = (amount: number) => (amount > 0 && time > 0 ? (amount / time / 1e6).toFixed(1) : "");
    const reached = roofline && bytes > 0 ? percent(rooflineTime({ operations, bytes }, roofline), time) : "";
    const share = percent(time, total);
    lines.push([operator, String(calls), `${time.toFixed(2)} ms`, share, rate(operations), rate(bytes), reached]);
    for (const { kernel, calls, time } of kernels) {
      lines.push([`  ${kernel}`, String(calls), `${time.toFixed(2)} ms`, percent(time, total), "", "", ""]);
    }
  }
  return formatTable(lines);
}
