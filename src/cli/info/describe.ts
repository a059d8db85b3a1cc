// Describes the contents of a file or a folder as data, which `erwin info --json` prints.

import { basename, join } from "node:path";
import type { DataSource } from "../../experiments/data-source.ts";
import { splitNames } from "../../experiments/experiment.ts";
import { sampleExtensions } from "../../experiments/folder/read.ts";
import { loadCars } from "../../experiments/shapenet/cars.ts";
import { extensionOf } from "../../formats/extension.ts";
import { readTfRecords } from "../../formats/tensorflow/tfrecord.ts";
import { readBytes } from "../files/files.ts";
import { FolderSource } from "../files/folder-source.ts";
import { filesBelow } from "../files/walk.ts";
import { readSamples, type Samples } from "./arrays.ts";
import { describeRun, type RunDescription } from "./run.ts";
import { type ArraySummary, Statistics } from "./statistics.ts";

export interface FileDescription {
  file: string;
  /** The extension without its dot; for a folder "run", the experiment whose data it contains, or "folder". */
  format: string;
  arrays: ArraySummary[];
  /** Why each array that cannot be read is left out, if there are any: its type ("<U6", "text"), or what is wrong with it. */
  leftOut?: Record<string, string>;
  /** The number of samples in a file, or by split in a data set. */
  samples: number | Record<string, number>;
  /** The number of files of each format, for a folder. */
  files?: Record<string, number>;
  /** The description of the run, for a run's folder. */
  run?: RunDescription;
}

/** @throws FormatError for a damaged file or an unknown extension; InputError if there is no such file */
export async function describeFile(file: string): Promise<FileDescription> {
  return describeSamples(file, await readSamples(readBytes(file), file));
}

/** @throws FormatError for a damaged sample of a file of several */
export function describeSamples(file: string, { samples, leftOut }: Samples): FileDescription {
  const statistics = new Map<string, Statistics>();
  let count = 0;
  for (const arrays of samples) {
    count++;
    for (const [name, array] of arrays) {
      let ofName = statistics.get(name);
      if (!ofName) statistics.set(name, (ofName = new Statistics(name, array)));
      ofName.add(array);
    }
  }
  const arrays = [...statistics.values()].map((ofName) => ofName.summary());
  const description = { file, format: extensionOf(file), arrays, samples: count };
  return leftOut?.size ? { ...description, leftOut: Object.fromEntries(leftOut) } : description;
}

/** Counts files and samples without reading arrays, except for a run's weights. */
export async function describeFolder(folder: string): Promise<FileDescription> {
  const paths = filesBelow(folder);
  const files: Record<string, number> = {};
  for (const path of paths) {
    const format = extensionOf(path) || "other";
    files[format] = (files[format] ?? 0) + 1;
  }
  const run = describeRun(folder);
  if (run) {
    const { arrays } = run.weights ? await describeFile(run.weights) : { arrays: [] };
    const samples = run.config.samples as Record<string, number>;
    return { file: folder, format: "run", arrays, samples, files, run };
  }
  const ofOwn = paths.filter((path) => sampleExtensions.includes(extensionOf(path))).length;
  const { format, samples } = (await dataSetIn(folder, paths)) ?? { format: "folder", samples: ofOwn };
  return { file: folder, format, arrays: [], samples, files };
}

/** The published layouts: what a split's list names, or what lies in its folders. */
async function dataSetIn(folder: string, paths: readonly string[]) {
  const linesOf = (path: string) =>
    new TextDecoder()
      .decode(readBytes(join(folder, path)))
      .split("\n")
      .filter((line) => line.trim() !== "").length;
  const lists = Object.fromEntries(
    paths
      .filter((path) => /^splits[\\/][^\\/]+\.txt$/i.test(path))
      .map((path) => [splitOf(basename(path, ".txt")), linesOf(path)]),
  );
  const has = (pattern: RegExp) => paths.some((path) => pattern.test(path));
  if (has(/^polymer_(train|test)[\\/]/)) return { format: "md", samples: lists };
  if (has(/[\\/]sim\.npz$/)) return { format: "eagle", samples: lists };
  if (has(/param\d[\\/][^\\/]+[\\/](quadpress_smpl\.vtk|mesh_points\.th)$/)) {
    return { format: "shapenet", samples: await carsOf(new FolderSource(folder)) };
  }
  const samples: Record<string, number> = {};
  for (const path of paths) {
    const split = /^halos.*(train|val|test).*\.tfrecord$/.exec(path)?.[1];
    if (split !== undefined) samples[split] = (samples[split] ?? 0) + countRecords(join(folder, path));
  }
  return Object.keys(samples).length > 0 ? { format: "cosmology", samples } : undefined;
}

/** Cars are divided by their places in the published set, because there is no list. */
async function carsOf(source: DataSource): Promise<Record<string, number>> {
  const samples: Record<string, number> = {};
  for (const split of splitNames) samples[split] = (await loadCars(source, split, "val"))?.size ?? 0;
  return samples;
}

/** Returns the split of a list; some data sets call test and val "test_class2" and "valid". */
function splitOf(list: string): string {
  return /^(train|val|test)/.exec(list)?.[0] ?? list;
}

function countRecords(path: string): number {
  let count = 0;
  for (const _ of readTfRecords(readBytes(path), { file: path })) count++;
  return count;
}
