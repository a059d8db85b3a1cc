// The data sets of test/golden/experiments in memory, in every host, and the run that the reference made with each.

import { type Device, fit, MemoryLogger } from "erwin";
import {
  type DataSource,
  type ExperimentOptions,
  experiments,
  fitOptions,
  MemorySource,
  openRun,
  resolveOptions,
} from "erwin/experiments";
import { loadFile, loadGoldenBytes } from "./files.ts";

export interface Expected {
  batch_size: number;
  lr: number;
  min_lr: number;
  steps: number;
  losses_f64: number[];
  lr_used: number[];
  clipped: { max_grad_norm: number; losses_f64: number[] };
  final_f64: Record<"val" | "test", { loss: number; mse: number }>;
  cars: Record<"train" | "test", string[]>;
  predictions: { split: "train" | "test"; index: number }[];
}

export interface GoldenRun {
  expected: Expected;
  source: DataSource;
  files: Map<string, Uint8Array>;
  init: { bytes: Uint8Array; file: string };
  final: { bytes: Uint8Array; file: string };
  /** The run's options; `more` in their place. */
  options(more?: Record<string, unknown>): ExperimentOptions;
}

/** @param folder of the data set below `data` */
export async function loadGoldenRun(name: "md" | "shapenet", folder = ""): Promise<GoldenRun> {
  const base = `experiments/${name}`;
  const expected = JSON.parse(new TextDecoder().decode(await loadFile(`${base}/expected.json`))) as Expected;
  const paths = name === "md" ? await chainFiles(`${base}/data`) : carFiles(expected, folder);
  const files = new Map<string, Uint8Array>();
  for (const path of paths) files.set(path, await loadFile(`${base}/data/${folder ? `${folder}/` : ""}${path}`));
  const weights = async (file: string) => ({ bytes: await loadGoldenBytes(`${base}/${file}`), file });
  const { batch_size, lr, min_lr, steps } = expected;
  return {
    expected,
    source: new MemorySource(files, "data"),
    files,
    init: await weights("init"),
    final: await weights("final"),
    options: (more) =>
      resolveOptions(experiments[name].options, {
        ...{ steps, batchSize: batch_size, lr, minLr: min_lr, shuffle: false, logEvery: 1 },
        ...(name === "shapenet" && { validation: "test" }),
        ...more,
      }) as ExperimentOptions,
  };
}

async function chainFiles(base: string): Promise<string[]> {
  const paths: string[] = [];
  for (const [list, folder] of [
    ["train", "polymer_train"],
    ["val", "polymer_train"],
    ["test_class2", "polymer_test"],
  ]) {
    const path = `splits/${list}.txt`;
    const names = new TextDecoder()
      .decode(await loadFile(`${base}/${path}`))
      .trim()
      .split("\n");
    const files = ["position.h5", "ptype.h5", "bond.h5"];
    paths.push(path, ...names.flatMap((name) => files.map((file) => `${folder}/${name.trim()}/${file}`)));
  }
  return paths;
}

function carFiles({ cars }: Expected, folder: string): string[] {
  const files = folder === "raw" ? ["quadpress_smpl.vtk", "press.npy"] : ["mesh_points.th", "pressure.th"];
  return [...cars.train, ...cars.test].flatMap((car) => files.map((file) => `${car}/${file}`));
}

/** The reference's run again: the losses and learning rates of its steps. */
export async function fitGolden(
  name: string,
  { options, source, init }: GoldenRun,
  device: Device,
  more: Record<string, unknown> = {},
): Promise<{ losses: number[]; rates: number[] }> {
  const chosen = options(more);
  const { model, task, trainData } = await openRun(name, experiments[name], { device, options: chosen, source, init });
  try {
    const logger = new MemoryLogger();
    await fit({ ...fitOptions(chosen), model, task, trainData, logger });
    const entries = logger.entries.filter(({ kind }) => kind === "training");
    return { losses: entries.map(({ loss }) => Number(loss)), rates: entries.map(({ lr }) => Number(lr)) };
  } finally {
    model.dispose();
  }
}
