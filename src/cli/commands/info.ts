// erwin info: describes this machine's device, or the contents of a file.

import process from "node:process";
import { version } from "../../../package.json";
import type { DataField } from "../../experiments/experiment.ts";
import { extensionOf } from "../../formats/extension.ts";
import {
  DeviceError,
  type LogEntry,
  loadSafetensors,
  type MatrixUnits,
  type SafeTensor,
  type SafetensorsFile,
  type Tile,
} from "../../index.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { withDevice } from "../device.ts";
import { isFolder, readBytes } from "../files/files.ts";
import { POSITIONS, readSamples } from "../info/arrays.ts";
import { describeFile, describeFolder, describeSamples } from "../info/describe.ts";
import type { RunDescription } from "../info/run.ts";
import { describeDawn } from "../node-gpu.ts";
import { deviceOptions, readDeviceChoice } from "../options/shared.ts";
import { hostName } from "../process/program.ts";
import { formatBytes, formatCount, formatPlural, formatTable } from "../text.ts";

export const info: Command = {
  summary: "show the device and its limits, or what is in a file or folder",
  usage: "[PATH] [--json] [--backend auto|webgpu|cpu]",
  options: { json: { description: "print what is in PATH as JSON" }, ...deviceOptions },
  positionals: 1,
  run: async (args) => {
    const file = args.positionals[0];
    if (file === undefined && args.has("json")) throw new UsageError("--json is of a file or folder");
    if (file === undefined) await describeMachine(args);
    else if (args.has("json")) {
      const description = await (isFolder(file) ? describeFolder(file) : describeFile(file));
      console.log(JSON.stringify(description, null, 1));
    } else if (extensionOf(file) === "safetensors") describeTensors(file, loadSafetensors(readBytes(file), { file }));
    else await describeOther(file);
  },
};

async function describeMachine(args: Arguments): Promise<void> {
  const choice = readDeviceChoice(args);
  const rows = [
    ["erwin", version],
    ["host", `${hostName()}, ${process.platform} ${process.arch}`],
  ];
  try {
    await withDevice(choice, async (device) => {
      const { backend, info, threads } = device;
      await device.tune();
      rows.push(
        ["backend", backend],
        ["device", info.description + (info.software ? " (software)" : "")],
        ["vendor", [info.vendor, info.architecture].filter(Boolean).join(", ")],
        ["largest binding", formatBytes(info.maxBindingBytes)],
        ["largest buffer", formatBytes(info.maxBufferBytes)],
        ["Dawn with", describeDawn(device)?.toggles.join(", ") ?? ""],
        ["threads", threads === undefined ? "default" : String(threads)],
        ["features", info.features.join(", ")],
        ["matrix units", info.matrixUnits ? describeUnits(info.matrixUnits) : ""],
        ["product tile", info.productTuning ? describeTile(info.productTuning.tile) : ""],
      );
    });
  } catch (error) {
    // A missing device is an answer of this command, not a failure.
    if (!(error instanceof DeviceError)) throw error;
    rows.push(["device", `none: ${error.message}`]);
  }
  console.log(formatTable(rows.filter(([, value]) => value !== "")));
}

const describeUnits = ({ rows, columns, inner, subgroup }: MatrixUnits) =>
  `in use: ${rows} x ${inner} by ${inner} x ${columns}, ${subgroup} threads together`;

const describeTile = ({ rows, columns }: Tile) => `${rows} x ${columns} sums, the fastest of those measured`;

function describeTensors(file: string, { tensors, metadata }: SafetensorsFile): void {
  const count = (tensor: SafeTensor) => tensor.data.length;
  const total = [...tensors.values()].reduce((sum, tensor) => sum + count(tensor), 0);
  console.log(`${file}: ${formatPlural(tensors.size, "tensor")}, ${formatPlural(total, "number")}`);
  const entries = Object.entries(metadata);
  if (entries.length > 0)
    console.log(`\nmetadata\n${formatTable(entries.map(([key, value]) => [key, shorten(value)]))}`);
  const rows = [...tensors]
    .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
    .map(([name, tensor]) => [name, tensor.dtype, `[${tensor.shape.join(", ")}]`]);
  if (rows.length > 0) console.log(`\ntensors\n${formatTable(rows)}`);
}

async function describeOther(path: string): Promise<void> {
  const contents = isFolder(path) ? undefined : await readSamples(readBytes(path), path);
  const isCloud = contents?.isCloud === true;
  if (isCloud) for (const found of contents.samples) describePoints(path, found.get(POSITIONS)!);
  const description = contents ? describeSamples(path, contents) : await describeFolder(path);
  const { format, arrays, leftOut, samples, files, run } = description;
  const counted = typeof samples === "number" ? formatPlural(samples, "sample") : describeSplits(samples);
  if (!isCloud) console.log(`${path}: ${format}, ${counted}`);
  if (run) console.log(formatTable(rowsOf(run)));
  if (files)
    console.log(formatTable(Object.entries(files).map(([kind, count]) => [kind, formatPlural(count, "file")])));
  const rows = (isCloud ? arrays.slice(1) : arrays).map(({ name, dtype, shape, min, max, mean, nan, infinite }) => {
    const range = min === null ? "no finite numbers" : `${short(min)} to ${short(max)}, mean ${short(mean)}`;
    const strange = [
      ...(nan > 0 ? [`${formatCount(nan)} NaN`] : []),
      ...(infinite > 0 ? [`${formatCount(infinite)} infinite`] : []),
    ];
    return [name, dtype, `[${shape.map((size) => size ?? "varies").join(", ")}]`, [range, ...strange].join(", ")];
  });
  // For a run, the number of its weights is enough.
  if (rows.length > 0 && !run) console.log(formatTable(rows));
  const others = Object.entries(leftOut ?? {}).map(([name, held]) => `${name} (${held})`);
  if (others.length > 0) console.log(`left out: ${others.join(", ")}`);
}

function rowsOf({ experiment, step, steps, best, training, validation, test, config }: RunDescription): string[][] {
  const { parameters, version: madeBy, device, leftOut, fields } = config;
  const measured = (entry: LogEntry | undefined) =>
    Object.entries(entry ?? {})
      .filter(([name]) => name !== "kind")
      .map(([name, value]) => `${name} ${typeof value === "number" ? short(value) : value}`)
      .join(", ");
  const rows = [
    ["experiment", experiment],
    ["steps", `${formatCount(step)} of ${formatCount(steps)}`],
    ["parameters", typeof parameters === "number" ? formatCount(parameters) : ""],
    ["inputs", describeFields(fields?.inputs)],
    ["targets", describeFields(fields?.targets)],
    ["training", measured(training)],
    ["validation", measured(validation)],
    ["best", best ? `loss ${short(best.loss)} at step ${formatCount(best.step)}` : ""],
    ["test", measured(test)],
    ["left out", Array.isArray(leftOut) && leftOut.length > 0 ? formatPlural(leftOut.length, "damaged sample") : ""],
    ["made by", `erwin ${madeBy} on ${device}`],
  ];
  return rows.filter(([, text]) => text !== "");
}

/** Lists fields in the order of their columns, with the number of these. */
const describeFields = (fields: readonly DataField[] = []) =>
  fields
    .map(({ name, channels, labels }) => (channels === 1 ? name : `${name} [${labels?.join(", ") ?? channels}]`))
    .join(", ");

function describePoints(file: string, { data, shape: [points, dimensionality] }: SafeTensor): void {
  const at = (i: number) => Number(data[i]);
  console.log(`${file}: ${formatPlural(points, "point")} in ${dimensionality} dimensions`);
  const axes = Array.from({ length: dimensionality }, (_, d) => {
    let [low, high] = [at(d), at(d)];
    for (let i = d; i < data.length; i += dimensionality) {
      if (at(i) < low) low = at(i);
      if (at(i) > high) high = at(i);
    }
    return ["xyz"[d], `${low.toPrecision(6)} to ${high.toPrecision(6)}`];
  });
  console.log(formatTable(axes));
}

const describeSplits = (samples: Record<string, number>) =>
  `samples ${Object.entries(samples)
    .map(([split, count]) => `${split} ${formatCount(count)}`)
    .join(", ")}`;

const short = (value: number | null) => (value === null ? "" : String(Number(value.toPrecision(6))));

function shorten(text: string): string {
  const limit = 600;
  return text.length <= limit ? text : `${text.slice(0, limit)}... (${formatCount(text.length)} characters)`;
}
