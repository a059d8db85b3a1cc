// Puts this folder's results, one JSON file for each machine from src/bench/machine/measure.ts, into its README as tables.
//
//   node src/bench/results/table.mjs
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { putResults } from "../../build/results.mjs";
import { main } from "../../build/run.mjs";
import { root } from "../../build/steps.mjs";

/** @typedef {import("../machine/result.ts").MachineResult} MachineResult */
/** @typedef {import("../report/measurement.ts").BenchCase} BenchCase */
/** @typedef {import("../peers/pytorch/run.mjs").PyTorchRow} PyTorchRow */
/** @typedef {"forward" | "training"} Pass */

export const readmePath = join(root, "src/bench/results/README.md");

/** A reason that the table itself gives. */
const OUT_OF_MEMORY = "out of memory";

/** @returns {MachineResult[]} in the order of the files' names */
export function readResults() {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const names = readdirSync(folder).filter((name) => name.endsWith(".json") && name !== "schema.json");
  return names.sort().map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
}

/** @param {MachineResult[]} results */
export const formatTables = (results) => results.map(formatMachine).join("\n\n");

/**
 * Formats where and with what the result was measured, a table for each pass, and the figures that are missing.
 * @param {MachineResult} result
 */
export function formatMachine(result) {
  const { erwin, pytorch, machine } = result;
  const first = erwin.find(({ device }) => device);
  const name = first?.device?.description ?? "no device";
  const dawn = erwin.find(({ device }) => device?.dawn);
  const peer = pytorch[0];
  const facts = [
    `${result.channels} channels`,
    `${machine.processor}, ${machine.cores} cores`,
    machine.nvidia,
    first && `erwin ${first.version} in ${first.host}`,
    dawn && `Dawn in ${dawn.host} with ${dawn.device?.dawn?.toggles.join(", ")}`,
    peer && `PyTorch ${peer.torch} on ${peer.deviceName}${peer.device === "cpu" ? `, ${peer.threads} threads` : ""}`,
    result.date.slice(0, 10),
  ];
  const floors = first?.floors;
  const peak = floors && `at best ${figure(floors.gigaflops)} GFLOP/s and ${figure(floors.gigabytes)} GB/s`;
  const heading = `**${name}**${peak ? ` (${peak})` : ""}: ${facts.filter(Boolean).join("; ")}.`;
  const parts = [heading, formatPass(result, "forward"), formatPass(result, "training"), formatMissing(result)];
  return parts.filter((part) => part !== "").join("\n\n");
}

/**
 * Formats the table of a pass, without columns that have no figure.
 * @param {MachineResult} result
 * @param {Pass} pass
 */
function formatPass({ erwin, pytorch }, pass) {
  /** @type {(precision: string, onDawn: boolean) => BenchCase[]} */
  const casesOf = (precision, onDawn) =>
    erwin
      .filter(({ device }) => device?.precision === precision && (device.dawn !== undefined) === onDawn)
      .flatMap(({ cases }) => cases.filter(({ benchmark }) => benchmark === pass));
  const [float32, mixed] = [casesOf("float32", false), casesOf("mixed", false)];
  const [dawnFloat32, dawnMixed] = [casesOf("float32", true), casesOf("mixed", true)];
  const rows = pytorch.flatMap(({ rows }) => rows.filter((row) => row.case === pass));

  const all = [...float32, ...mixed, ...dawnFloat32, ...dawnMixed, ...rows].sort(
    (a, b) => a.clouds - b.clouds || a.points - b.points,
  );
  const sizes = [...new Set(all.map(sizeOf))];
  /** @type {(size: string, precision: string, variant?: string) => PyTorchRow[]} */
  const rowsOf = (size, precision, variant) =>
    rows.filter(
      (row) => sizeOf(row) === size && row.precision === precision && row.variant === (variant ?? row.variant),
    );
  /** @type {(cases: BenchCase[]) => (size: string) => BenchCase | undefined} */
  const at = (cases) => (size) => cases.find((entry) => sizeOf(entry) === size);
  const [full, half, dawnFull, dawnHalf] = [float32, mixed, dawnFloat32, dawnMixed].map(at);

  /** @type {(size: string, precision: string, ours: BenchCase | undefined) => string | undefined} */
  const ratio = (size, precision, ours) => {
    const fastest = Math.min(...rowsOf(size, precision).map(({ timing }) => timing?.median ?? Infinity));
    return ours?.time && Number.isFinite(fastest) ? (fastest / ours.time.median).toFixed(2) : undefined;
  };
  /** @type {(precision: string, variant: string) => (size: string) => string | undefined} */
  const peer = (precision, variant) => (size) => {
    const [row] = rowsOf(size, precision, variant);
    return row?.unavailable === OUT_OF_MEMORY ? OUT_OF_MEMORY : figure(row?.timing?.median);
  };
  const used = (/** @type {number | undefined} */ bytes) => figure(bytes && bytes / 2 ** 20);
  const reached = (/** @type {BenchCase | undefined} */ ours) => ours?.pass?.floor?.reached;

  /** @type {[string, (size: string) => string | undefined][]} */
  const columns = [
    ["erwin", (size) => figure(full(size)?.time?.median)],
    ["erwin, Dawn", (size) => figure(dawnFull(size)?.time?.median)],
    ["erwin mixed", (size) => figure(half(size)?.time?.median)],
    ["erwin mixed, Dawn", (size) => figure(dawnHalf(size)?.time?.median)],
    ["PyTorch eager", peer("strict", "eager")],
    ["PyTorch eager, TF32", peer("tf32", "eager")],
    ["PyTorch compiled", peer("strict", "compile")],
    ["PyTorch compiled, TF32", peer("tf32", "compile")],
    ["PyTorch / erwin", (size) => ratio(size, "strict", full(size))],
    ["TF32 / mixed", (size) => ratio(size, "tf32", half(size) ?? dawnHalf(size))],
    ["erwin, upload", (size) => figure(full(size)?.pass?.upload?.median)],
    ["erwin, MiB", (size) => used(full(size)?.pass?.memory.peak)],
    ["PyTorch eager, MiB", (size) => used(rowsOf(size, "strict", "eager")[0]?.peakMemory)],
    ["of roofline", (size) => percent(reached(full(size)))],
  ];
  const filled = columns.filter(([, cell]) => sizes.some((size) => cell(size) !== undefined));
  if (filled.length === 0) return "";
  const lines = [
    [pass === "forward" ? "forward pass, ms" : "training step, ms", ...filled.map(([title]) => title)],
    ["---", ...filled.map(() => "---")],
    ...sizes.map((size) => [size, ...filled.map(([, cell]) => cell(size) ?? "-")]),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/**
 * Lists why figures are missing, each reason once.
 * @param {MachineResult} result
 */
function formatMissing({ erwin, pytorch, steps }) {
  const notes = erwin.flatMap(({ device, cases }) =>
    cases.flatMap(({ name, time, note }) => {
      if (time || !note) return [];
      const where = `${device?.precision === "mixed" ? ", mixed" : ""}${device?.dawn ? ", Dawn" : ""}`;
      return `${name}${where}: ${note.replace(/^not measured: /, "")}`;
    }),
  );
  const rows = pytorch.flatMap(({ rows }) => rows).filter(({ unavailable }) => unavailable !== OUT_OF_MEMORY);
  const reasons = rows.flatMap(({ input, unavailable }) =>
    unavailable === undefined ? [] : `PyTorch: ${unavailable.replace(`${input}: `, "")}`,
  );
  const problems = steps.flatMap(({ name, problem }) => (problem === undefined ? [] : `step ${name}: ${problem}`));
  const missing = [...new Set([...notes, ...reasons, ...problems])];
  return missing.length === 0 ? "" : `Not measured: ${missing.join("; ")}.`;
}

const sizeOf = (/** @type {{ clouds: number, points: number }} */ { clouds, points }) => `${clouds} x ${points}`;
const threeDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const figure = (/** @type {number | undefined} */ value) =>
  value === undefined ? undefined : threeDigits.format(value);
const percent = (/** @type {number | undefined} */ share) =>
  share === undefined ? undefined : `${(100 * share).toFixed(0)} %`;

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(() => putResults(readmePath, formatTables(readResults())));
}
