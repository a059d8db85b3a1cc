// The contents of a result that the page shows, whether it is from this device, a link, a file or the repository.

import type { BenchCase, BenchResult, DeviceClock, DeviceName, MeasuredDevice } from "erwin/bench";

/** One figure. */
export interface Measure {
  /** The case without its device: "forward 1 x 2048, 32 channels". */
  name: string;
  benchmark: BenchCase["benchmark"];
  clouds: number;
  points: number;
  channels?: number;
  threads?: number;
  device?: DeviceName | "cuda";
  /** Milliseconds; absent if it was not measured. */
  time?: { median: number; interval?: { low: number; high: number } };
  gigaflops?: number;
  /** The share of the roofline that is reached. */
  reached?: number;
  /** The time that the device's own clock has measured. */
  clock?: DeviceClock;
  note?: string;
}

export interface Entry {
  id: string;
  title: string;
  detail: string;
  origin: "this" | "link" | "file" | "committed" | "published";
  devices: readonly MeasuredDevice[];
  measures: readonly Measure[];
  result?: BenchResult;
}

/** Whether the result is the visitor's: measured here or opened. */
export const isOwn = ({ origin }: Entry) => origin !== "committed" && origin !== "published";

/** Returns the names of an entry's devices that computed a wrong result for the golden case. */
export const wrongDevices = ({ devices }: Entry): ReadonlySet<string> =>
  new Set(devices.filter(({ answer }) => answer && !answer.right).map(({ name }) => name));

const deviceTitles: Record<string, string> = {
  webgpu: "WebGPU",
  "webgpu mixed": "WebGPU, mixed",
  cpu: "Processor",
  cuda: "CUDA",
};
export const deviceTitle = (name: string) => deviceTitles[name] ?? name;

/** Identifies a figure across results. */
export const keyOf = ({ name, device }: Measure) => (device ? `${name}, ${device}` : name);

export function measureOf(entry: BenchCase, device = entry.device): Measure {
  const { benchmark, clouds, points, channels, threads, time, pass, note } = entry;
  const suffix = `, ${entry.device}`;
  const name = entry.device && entry.name.endsWith(suffix) ? entry.name.slice(0, -suffix.length) : entry.name;
  return {
    name,
    benchmark,
    clouds,
    points,
    channels,
    threads,
    device,
    time: time && { median: time.median, interval: time.interval },
    gigaflops: pass?.gigaflops,
    reached: pass?.floor?.reached,
    clock: pass?.clock,
    note,
  };
}

/** Returns the device of a result that does not name several. */
function soleDevice({ device, floors }: BenchResult): MeasuredDevice[] {
  if (!device) return [];
  const name = device.backend === "cpu" ? "cpu" : device.precision === "mixed" ? "webgpu mixed" : "webgpu";
  return [{ name, description: device, floors }];
}

export function entryOf(result: BenchResult, origin: Entry["origin"], id: string): Entry {
  const devices = result.devices ?? soleDevice(result);
  const first = devices.find(({ description }) => description)?.description;
  const isOfModel = ({ benchmark }: BenchCase) => benchmark !== "tree" && benchmark !== "graph";
  return {
    id,
    title: titleOf(devices, result.machine?.processor),
    detail: [shortHost(result.host), result.machine && `${result.machine.cores} cores`, result.date.slice(0, 10)]
      .filter(Boolean)
      .join(", "),
    origin,
    devices,
    measures: result.cases.map((entry) =>
      measureOf(entry, entry.device ?? (first && isOfModel(entry) ? devices[0]!.name : undefined)),
    ),
    result,
  };
}

/** Returns the name of the machine's GPU, or of its processor if it has no GPU. */
function titleOf(devices: readonly MeasuredDevice[], processor: string | undefined): string {
  const described = devices.flatMap(({ name, description }) => (description ? { name, ...description } : []));
  const gpu = described.find(({ name, software }) => name !== "cpu" && !software);
  const cpu = described.find(({ name }) => name === "cpu");
  return gpu?.description ?? (cpu && (processor ?? cpu.description)) ?? described[0]?.description ?? "Unknown device";
}

/** Shortens a browser's user agent to "Chrome 156 on Linux"; other names stay. */
export function shortHost(host: string): string {
  const names: [RegExp, string][] = [
    [/Edg\/(\d+)/, "Edge"],
    [/OPR\/(\d+)/, "Opera"],
    [/Firefox\/(\d+)/, "Firefox"],
    [/Chrome\/(\d+)/, "Chrome"],
    [/Version\/(\d+).*Safari/, "Safari"],
  ];
  for (const [pattern, name] of names) {
    const version = pattern.exec(host)?.[1];
    if (version) return `${name} ${version}${systemOf(host)}`;
  }
  return host;
}

function systemOf(userAgent: string): string {
  const system = ["Android", "iPhone", "iPad", "Windows", "Macintosh", "CrOS", "Linux"].find((name) =>
    userAgent.includes(name),
  );
  return system ? ` on ${system === "Macintosh" ? "macOS" : system === "CrOS" ? "ChromeOS" : system}` : "";
}

/** Reads a result, or the results of one machine in the repository's form. @throws Error for other JSON */
export function readEntry(text: string, file: string, origin: Entry["origin"]): Entry {
  let value: { format?: string; erwin?: BenchResult[]; machine?: { processor: string; cores: number } };
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is no JSON: ${(error as Error).message}`);
  }
  if (value?.format === "erwin-machine-1" && Array.isArray(value.erwin)) {
    const entries = value.erwin.map((result) => entryOf(checked(result, file), origin, file));
    const [first] = entries;
    if (!first) throw new Error(`${file} has no results`);
    const measures = entries.flatMap(({ measures }) => measures);
    // Dawn, when it is installed in another host, measures the same cases again: the first of each counts.
    const unique = [...new Map([...measures].reverse().map((measure) => [keyOf(measure), measure])).values()].reverse();
    const described = entries.flatMap(({ devices }) => devices);
    const named = described.map((device) => [`${device.name} ${device.description?.description}`, device] as const);
    const devices = [...new Map(named).values()];
    const processor = `${value.machine?.processor}, ${value.machine?.cores} cores`;
    const detail = first.devices[0]?.name === "cpu" ? first.detail : `${first.detail}, ${processor}`;
    return { ...first, title: titleOf(devices, processor), detail, measures: unique, devices };
  }
  return entryOf(checked(value as BenchResult, file), origin, file);
}

function checked(result: BenchResult, file: string): BenchResult {
  if (result?.format !== "erwin-bench-1" || typeof result.host !== "string" || typeof result.date !== "string")
    throw new Error(`${file} is not a result of erwin bench: its format is ${JSON.stringify(result?.format ?? null)}`);
  if (!Array.isArray(result.cases) || !result.cases.every(isSound))
    throw new Error(`${file}: a case lacks its name, or a size, a time or a speed above 0`);
  const { devices, machine, rounds } = result;
  if (devices !== undefined && !(Array.isArray(devices) && devices.every(isSoundDevice)))
    throw new Error(
      `${file}: its devices are no list, or one lacks its name, a peak rate or how far its answer is off`,
    );
  if (machine !== undefined && !isSoundMachine(machine))
    throw new Error(`${file}: its machine lacks its number of cores or threads, or the step of its clock`);
  if (rounds !== undefined && ![rounds?.rounds, rounds?.void].every(isZeroOrMore))
    throw new Error(`${file}: its rounds lack their number, or that of the void ones`);
  return result;
}

const isNumber = (value: unknown) => typeof value === "number" && value > 0;
const isZeroOrMore = (value: unknown) => value === 0 || isNumber(value);

const isInterval = (interval: NonNullable<Measure["time"]>["interval"]) =>
  interval === undefined || (isZeroOrMore(interval?.low) && isNumber(interval?.high));

function isSoundDevice(device: MeasuredDevice): boolean {
  const { name, floors, answer } = device ?? {};
  return (
    typeof name === "string" &&
    (floors === undefined || (isNumber(floors?.gigaflops) && isNumber(floors?.gigabytes))) &&
    (answer === undefined || isZeroOrMore(answer?.difference))
  );
}

function isSoundMachine(machine: NonNullable<BenchResult["machine"]>): boolean {
  const { cores, threads, memory, clockQuantum, processor } = machine ?? {};
  return (
    [cores, threads].every(isNumber) &&
    isZeroOrMore(clockQuantum) &&
    (memory === undefined || isNumber(memory)) &&
    (processor === undefined || typeof processor === "string")
  );
}

function isSound(entry: BenchCase): boolean {
  const { name, points, clouds, time, pass } = entry ?? {};
  return (
    typeof name === "string" &&
    isNumber(points) &&
    isNumber(clouds) &&
    (time === undefined || (isNumber(time?.median) && isInterval(time.interval))) &&
    (pass === undefined || isNumber(pass?.gigaflops))
  );
}
