// Encodes a whole result in a link: its figures with their meaningful digits, compressed, in the part of the address that is not
// sent to the server.

import type { BenchCase, BenchResult, DeviceName, MeasuredDevice } from "erwin/bench";
import { threadsText } from "../../bench/report/measurement.ts";
import { type Entry, entryOf, keyOf, type Measure } from "./entry.ts";

const VERSION = 1;
const PARAMETER = "result";
const benchmarkNames = ["tree", "graph", "forward", "training", "scaling"] as const;

/** [name, description, software, GFLOP/s, GB/s, difference from the golden output, right, note, MiB of memory] */
type PackedDevice = [string, string, 0 | 1, number, number, number, 0 | 1, string, number];
/** Clouds, points, median, the interval's % below and above the median, GFLOP/s, % of the roofline. */
type PackedFigure = number[];
/** [benchmark, device (-1 for none), the common part of the names: channels, threads or the type of graph, figures] */
type PackedGroup = [number, number, string, PackedFigure[]];
type Packed = [
  version: number,
  library: string,
  host: string,
  seconds: number,
  machine: number[],
  rounds: number[],
  devices: PackedDevice[],
  groups: PackedGroup[],
];

/** The max number of characters of a note in a link. */
const NOTE = 60;
/** The max number of characters of a result in a link: ten times those of the largest results, and 15 MB at most when unpacked. */
const MAX_LENGTH = 20_000;

/** The largest number rounds to infinity, which JSON does not have. */
const short = (value: number | undefined, digits = 3) =>
  value === undefined ? 0 : Math.min(Number.MAX_VALUE, Number(value.toPrecision(digits)));

/** Returns the link to a result on the current page. */
export async function linkTo(entry: Entry): Promise<string> {
  const url = new URL(location.href.split(/[?#]/)[0]!);
  url.hash = `${PARAMETER}=${await pack(entry)}`;
  return url.href;
}

export async function pack({ result, devices, measures }: Entry): Promise<string> {
  const names = devices.map(({ name }) => name as string);
  const groups = new Map<string, PackedGroup>();
  for (const measure of measures) {
    if (!measure.time) continue;
    const { benchmark, device = "" } = measure;
    const shared = sharedName(measure);
    const key = [benchmark, device, shared].join();
    const group = groups.get(key) ?? [benchmarkNames.indexOf(benchmark), names.indexOf(device), shared, []];
    groups.set(key, group);
    group[3].push(packedFigure(measure, measure.time));
  }
  const { machine, rounds } = result ?? {};
  const packed: Packed = [
    VERSION,
    result?.version ?? "",
    result?.host ?? "",
    Math.round(Date.parse(result?.date ?? "") / 1000) || 0,
    machine
      ? [machine.cores, machine.threads, machine.shared ? 1 : 0, (machine.memory ?? 0) / 2 ** 30, machine.clockQuantum]
      : [],
    rounds ? [rounds.rounds, rounds.void, short(rounds.slowdown, 4)] : [],
    devices.map(packedDevice),
    [...groups.values()],
  ];
  return toBase64(
    await through(new TextEncoder().encode(JSON.stringify(packed)), new CompressionStream("deflate-raw")),
  );
}

/** Returns the part of a case's name that its sizes do not determine. */
function sharedName({ benchmark, name, channels, threads }: Measure): string {
  if (benchmark === "tree") return String(threads ?? 1);
  if (benchmark !== "graph") return String(channels ?? 0);
  const ofFewer = name.includes(", ") ? " fewer" : "";
  return `${name.split(" ")[1]} ${threads ?? 0}${ofFewer}`;
}

function packedFigure(
  { clouds, points, gigaflops, reached }: Measure,
  { median, interval }: NonNullable<Measure["time"]>,
) {
  const below = interval ? Math.ceil((100 * (median - interval.low)) / median) : 0;
  const above = interval ? Math.ceil((100 * (interval.high - median)) / median) : 0;
  const figures = [clouds, points, short(median, 4), below, above];
  return gigaflops === undefined ? figures : [...figures, short(gigaflops), Math.round(100 * (reached ?? 0))];
}

const packedDevice = ({ name, description, memory = 0, floors, answer, note }: MeasuredDevice): PackedDevice => [
  name,
  description?.description ?? "",
  description?.software ? 1 : 0,
  short(floors?.gigaflops),
  short(floors?.gigabytes),
  short(answer?.difference, 2),
  answer?.right ? 1 : 0,
  note && note.length > NOTE ? `${note.slice(0, NOTE)}…` : (note ?? ""),
  memory / 2 ** 20,
];

/** Returns the result in an address; undefined if there is none. @throws Error for a damaged one */
export async function readLink(hash: string): Promise<Entry | undefined> {
  const text = new URLSearchParams(hash.replace(/^#/, "")).get(PARAMETER);
  return text === null ? undefined : await unpack(text);
}

export async function unpack(text: string): Promise<Entry> {
  let entry: Entry | undefined;
  try {
    if (text.length > MAX_LENGTH) throw new Error(`it has ${text.length} characters, expected at most ${MAX_LENGTH}`);
    const bytes = await through(fromBase64(text), new DecompressionStream("deflate-raw"));
    const packed: Packed = JSON.parse(new TextDecoder().decode(bytes));
    if (packed[0] === VERSION) entry = entryFrom(packed, `link ${text.slice(0, 12)} ${text.length}`);
  } catch (error) {
    throw new Error("The link is damaged: it carries no result that can be read. Was it copied whole?", {
      cause: error,
    });
  }
  if (entry) return entry;
  throw new Error(`The link is of another version of this page, expected version ${VERSION}`);
}

function entryFrom(packed: Packed, id: string): Entry {
  const [, version, host, seconds, machine, rounds, packedDevices, groups] = packed;
  const devices = packedDevices.map(unpackedDevice);
  const figures = new Map<string, { gigaflops?: number; reached?: number }>();
  const cases = groups.flatMap(([benchmark, device, shared, rows]) =>
    rows.map((row) => {
      const entry = unpackedCase(benchmarkNames[benchmark]!, devices[device]?.name, shared, row);
      const [, , , , , gigaflops, percent] = row;
      if (gigaflops) figures.set(entry.name, { gigaflops, reached: percent ? percent / 100 : undefined });
      return entry;
    }),
  );
  const [cores = 0, threads = 1, shares, memory, clockQuantum = 0] = machine;
  const result: BenchResult = {
    format: "erwin-bench-1",
    version,
    host,
    date: new Date(seconds * 1000).toISOString(),
    device: devices[0]?.description,
    floors: devices[0]?.floors,
    rounds: rounds.length > 0 ? { rounds: rounds[0]!, void: rounds[1]!, slowdown: rounds[2] || undefined } : undefined,
    machine:
      machine.length > 0
        ? { cores, threads, shared: shares === 1, memory: memory ? memory * 2 ** 30 : undefined, clockQuantum }
        : undefined,
    devices,
    cases,
  };
  const entry = entryOf(result, "link", id);
  const measures = entry.measures.map((measure) => ({ ...measure, ...figures.get(keyOf(measure)) }));
  return { ...entry, measures };
}

function unpackedDevice([
  name,
  text,
  software,
  gigaflops,
  gigabytes,
  difference,
  right,
  note,
  mebibytes,
]: PackedDevice): MeasuredDevice {
  const known = name as DeviceName;
  const limits = { vendor: "", architecture: "", maxBindingBytes: 0, maxBufferBytes: 0, features: [] };
  const backend = known === "cpu" ? "cpu" : "webgpu";
  const precision = known === "webgpu mixed" ? "mixed" : "float32";
  return {
    name: known,
    description: text ? { backend, description: text, software: software === 1, precision, ...limits } : undefined,
    memory: mebibytes ? mebibytes * 2 ** 20 : undefined,
    floors: gigaflops ? { gigaflops, gigabytes } : undefined,
    answer: text ? { difference, allowed: precision === "mixed" ? 5e-3 : 1e-5, right: right === 1 } : undefined,
    note: note || undefined,
  };
}

function unpackedCase(
  benchmark: BenchCase["benchmark"],
  device: DeviceName | undefined,
  shared: string,
  [clouds = 1, points = 1, median = 1, below = 0, above = 0]: PackedFigure,
): BenchCase {
  const size = `${clouds} x ${points}`;
  const interval = { low: median * (1 - below / 100), high: median * (1 + above / 100) };
  const time = { median, low: interval.low, high: interval.high, best: interval.low, repetitions: 1, interval };
  if (benchmark === "tree") {
    const threads = Number(shared);
    return { name: `tree ${size}, ${threadsText(threads)}`, benchmark, clouds, points, threads, time };
  }
  if (benchmark === "graph") {
    const [kind, count, fewer] = shared.split(" ");
    const threads = Number(count) || undefined;
    const suffix = fewer && threads ? `, ${threadsText(threads)}` : "";
    return { name: `graph ${kind} ${size}${suffix}`, benchmark, clouds, points, threads, time };
  }
  const name = `${benchmark} ${size}, ${shared} channels${device ? `, ${device}` : ""}`;
  return { name, benchmark, clouds, points, channels: Number(shared), device, time };
}

async function through(bytes: Uint8Array<ArrayBuffer>, stream: CompressionStream | DecompressionStream) {
  const piped = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

const toBase64 = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

const fromBase64 = (text: string) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
