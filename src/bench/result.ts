// The result of a benchmark run as data: where, when and with what it ran, and its cases.

import { version } from "../../package.json";
import type { Device, DeviceInfo } from "../backends/device.ts";
import { FormatError } from "../index.ts";
import type { KnownAnswer } from "./answer.ts";
import type { BenchCase, DeviceName } from "./measurement.ts";
import type { Roofline } from "./roofline.ts";
import type { RoundsSummary } from "./rounds.ts";
import { type Exponents, scalingExponents } from "./scaling.ts";

/** The measurements of a machine, as `erwin bench --json` writes them. */
export interface BenchResult {
  format: typeof FORMAT;
  /** Version of this library. */
  version: string;
  /** The runtime with its version, as it reports them. */
  host: string;
  /** Time of writing, in ISO 8601. */
  date: string;
  /** The device that the model ran on; absent where no model ran. */
  device?: DeviceDescription;
  /** The device's roofline. (The format keeps the name that it began with.) */
  floors?: Roofline;
  exponents?: Exponents;
  /** What was measured in rounds, on all devices of a machine: how, and on which. Cases name their device. */
  rounds?: RoundsSummary;
  machine?: MachineDescription;
  devices?: MeasuredDevice[];
  cases: BenchCase[];
}

/** What a host tells of its machine. */
export interface MachineDescription {
  /** The processor's name; browsers do not tell. */
  processor?: string;
  cores: number;
  /** Threads that were used. */
  threads: number;
  /** Whether threads share memory: on a page, whether it is cross-origin isolated. */
  shared: boolean;
  /** Memory in bytes; browsers round it, and name no large memory exactly. Absent where the host does not tell. */
  memory?: number;
  /** The smallest step of the host's clock, in milliseconds. */
  clockQuantum: number;
}

/** One of several devices in a result. */
export interface MeasuredDevice {
  name: DeviceName;
  /** Absent where there is no such device; `note` says why. */
  description?: DeviceDescription;
  floors?: Roofline;
  /** What a golden case came out as. */
  answer?: KnownAnswer;
  /** Why it was not measured, or not to the end. */
  note?: string;
}

/** The device that a result was measured on. */
export interface DeviceDescription extends DeviceInfo {
  backend: string;
  threads?: number;
  /** The enabled toggles where WebGPU is Dawn's in a host that Dawn is no part of; absent elsewhere. */
  dawn?: { toggles: readonly string[] };
}

const FORMAT = "erwin-bench-1";

/** Describes a device for a result. */
export const describeDevice = ({ backend, info, threads }: Device): DeviceDescription => ({
  backend,
  ...info,
  threads,
});

/** Names a device, for example "webgpu: NVIDIA H200" or "webgpu: NVIDIA H200 by Dawn with disable_robustness". */
export const deviceName = ({ backend, description, dawn }: DeviceDescription) =>
  `${backend}: ${description}${dawn ? ` by Dawn with ${dawn.toggles.join(", ")}` : ""}`;

/** Names the host: "Deno/2.9.5", "Node.js/20.16.0", or a browser's user agent. */
export function hostName(): string {
  const node = (globalThis as { process?: typeof process }).process?.versions.node;
  return globalThis.navigator?.userAgent ?? (node === undefined ? "unknown host" : `Node.js/${node}`);
}

/** Puts cases into a result, with the host, the date, and the exponents of those that scale. */
export function benchResult(cases: BenchCase[], device?: DeviceDescription, roofline?: Roofline): BenchResult {
  const date = new Date().toISOString();
  const exponents = scalingExponents(cases);
  return { format: FORMAT, version, host: hostName(), date, device, floors: roofline, exponents, cases };
}

/**
 * Reads a result from its JSON text.
 * @throws FormatError when the text is no result
 */
export function parseBenchResult(text: string, file: string): BenchResult {
  const refuse = (problem: string, cause?: unknown) =>
    new FormatError(`${file} is no result of erwin bench: ${problem}`, { file }, { cause });
  let result: Partial<BenchResult> | null;
  try {
    result = JSON.parse(text);
  } catch (error) {
    throw refuse(`it is no JSON (${(error as Error).message})`, error);
  }
  if (result?.format !== FORMAT) {
    throw refuse(`its format is ${JSON.stringify(result?.format ?? null)}, expected ${JSON.stringify(FORMAT)}`);
  }
  const sound = ({ name, time }: BenchCase) =>
    typeof name === "string" && (time === undefined || typeof time.median === "number");
  if (!Array.isArray(result.cases) || !result.cases.every((entry) => entry && sound(entry))) {
    throw refuse("its cases have no names or times");
  }
  return result as BenchResult;
}
