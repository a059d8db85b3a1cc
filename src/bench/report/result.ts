// The result of a benchmark run as data: where, when and with what it ran, and its cases.

import { version } from "../../../package.json";
import { expectKind } from "../../arguments/kinds.ts";
import type { Device, DeviceInfo } from "../../backends/device.ts";
import { FormatError } from "../../index.ts";
import type { Roofline } from "../rates/roofline.ts";
import { type Exponents, scalingExponents } from "../rates/scaling.ts";
import type { KnownAnswer } from "../suite/answer.ts";
import type { RoundsSummary } from "../suite/rounds.ts";
import type { BenchCase, DeviceName } from "./measurement.ts";

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
  /** The device's roofline. (Its name in the format dates from the first version.) */
  floors?: Roofline;
  exponents?: Exponents;
  /** How the rounds went and on which devices, if cases were measured in rounds. Each case then names its device. */
  rounds?: RoundsSummary;
  machine?: MachineDescription;
  devices?: MeasuredDevice[];
  cases: BenchCase[];
}

/** What a host reports about its machine. */
export interface MachineDescription {
  /** The processor's name; browsers do not report it. */
  processor?: string;
  cores: number;
  /** The number of threads that were used. */
  threads: number;
  /** Whether threads share memory: on a page, whether it is cross-origin isolated. */
  shared: boolean;
  /** Memory in bytes; absent if the host does not report it. Browsers round it and cap it. */
  memory?: number;
  /** The smallest step of the host's clock, in milliseconds. */
  clockQuantum: number;
}

/** One of several devices in a result. */
export interface MeasuredDevice {
  name: DeviceName;
  /** Absent if the machine has no such device; `note` says why. */
  description?: DeviceDescription;
  /** The bytes that the device granted at the same time, when as many were requested as its largest case may take. */
  memory?: number;
  floors?: Roofline;
  /** The comparison with a golden case. */
  answer?: KnownAnswer;
  /** Why the device was not measured, or not completely. */
  note?: string;
}

/** The device that a result was measured on. */
export interface DeviceDescription extends DeviceInfo {
  backend: string;
  threads?: number;
  /** The enabled toggles, if WebGPU is Dawn's in a host that does not use it by default; absent elsewhere. */
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
function hostName(): string {
  const node = (globalThis as { process?: typeof process }).process?.versions.node;
  return globalThis.navigator?.userAgent ?? (node === undefined ? "unknown host" : `Node.js/${node}`);
}

/**
 * Puts cases into a result, with the host, the date, and the exponents of those that scale.
 * @throws InputError for what is no list of cases
 */
export function benchResult(cases: BenchCase[], device?: DeviceDescription, roofline?: Roofline): BenchResult {
  expectKind("cases", cases, "a list of cases", hasCases({ cases }));
  const date = new Date().toISOString();
  const exponents = scalingExponents(cases);
  return { format: FORMAT, version, host: hostName(), date, device, floors: roofline, exponents, cases };
}

function hasCases(result: Partial<BenchResult> | null | undefined): boolean {
  const sound = ({ name, time }: BenchCase) =>
    typeof name === "string" && (time === undefined || typeof time.median === "number");
  return Array.isArray(result?.cases) && result.cases.every((entry) => entry && sound(entry));
}

/** @throws InputError for what is no result */
export function expectResult(result: BenchResult, name = "result"): void {
  expectKind(name, result, "a result of benchmarks: of benchResult, or parseBenchResult", hasCases(result));
}

/**
 * Reads a result from its JSON text.
 * @throws FormatError if the text is not a result
 */
export function parseBenchResult(text: string, file: string): BenchResult {
  const refuse = (problem: string, cause?: unknown) =>
    new FormatError(`${file} is not a result of erwin bench: ${problem}`, { file }, { cause });
  let result: Partial<BenchResult> | null;
  try {
    result = JSON.parse(text);
  } catch (error) {
    throw refuse(`it is no JSON (${(error as Error).message})`, error);
  }
  if (result?.format !== FORMAT) {
    throw refuse(`its format is ${JSON.stringify(result?.format ?? null)}, expected ${JSON.stringify(FORMAT)}`);
  }
  if (!hasCases(result)) throw refuse("its cases have no names or times");
  return result as BenchResult;
}
