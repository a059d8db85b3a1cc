// Loads the data sets of test/golden/experiments and test/experiments/peer in every host, and repeats PyTorch's run with each.

import { type Device, fit, MemoryLogger } from "erwin";
import {
  type DataSource,
  DataWorkers,
  type ExperimentOptions,
  experiments,
  fitOptions,
  MemorySource,
  openRun,
  resolveOptions,
} from "erwin/experiments";
import { loadFile, loadGoldenBytes } from "./files.ts";

/** What PyTorch made of a data set: the reference (test/golden/experiments), or the peer (test/experiments/peer/train.py). */
export interface Expected {
  batch_size: number;
  lr: number;
  min_lr: number;
  steps: number;
  losses_f64: number[];
  lr_used: number[];
  init_f64: Record<"val" | "test", Evaluation>;
  final_f64: Record<"val" | "test", Evaluation>;
}

/** Numbers by their names, `loss` among them. */
export type Evaluation = Record<string, number> & { rollout?: Record<string, number[]> };

/** What the reference's own files have besides. */
export interface ExpectedOfReference extends Expected {
  clipped: { max_grad_norm: number; losses_f64: number[] };
  cars: Record<"train" | "test", string[]>;
  predictions: { split: "train" | "test"; index: number }[];
}

export type ExperimentName = "cosmology" | "md" | "eagle" | "shapenet";

export interface GoldenRun<Expectation extends Expected = ExpectedOfReference> {
  expected: Expectation;
  source: DataSource;
  files: Map<string, Uint8Array>;
  init: { bytes: Uint8Array; file: string };
  /** The run's options; `more` in their place. */
  options(more?: Record<string, unknown>): ExperimentOptions;
}

const golden = (name: ExperimentName) => `experiments/${name}`;
/** Seen from the golden files' folder. */
const peer = (name: ExperimentName) => `../experiments/peer/${name}`;

/** The reference's run. @param folder of the data set below `data` */
export function loadGoldenRun(name: "md" | "shapenet", folder = ""): Promise<GoldenRun> {
  return loadRun(name, { base: golden(name), folder, expectation: golden(name) });
}

/** The peer's run: over data of its own, or the reference's. */
export function loadPeerRun(name: ExperimentName): Promise<GoldenRun<Expected>> {
  const base = name === "cosmology" || name === "eagle" ? peer(name) : golden(name);
  return loadRun(name, { base, folder: name === "shapenet" ? "preprocessed" : "", expectation: peer(name) });
}

interface Places {
  /** Holds the data, and the weights to begin with. */
  base: string;
  folder: string;
  /** Holds expected.json. */
  expectation: string;
}

async function loadRun<Expectation extends Expected>(
  name: ExperimentName,
  { base, folder, expectation }: Places,
): Promise<GoldenRun<Expectation>> {
  const expected = await loadJson<Expectation>(`${expectation}/expected.json`);
  const { batch_size, lr, min_lr, steps } = expected;
  const files = new Map<string, Uint8Array>();
  const root = folder ? `${base}/data/${folder}` : `${base}/data`;
  const paths = { cosmology: async () => catalogueFiles, md: chainFiles, eagle: flowFiles, shapenet: carFiles }[name];
  for (const path of await paths(root)) files.set(path, await loadFile(`${root}/${path}`));
  return {
    expected,
    source: new MemorySource(files, "data"),
    files,
    init: await loadWeights(`${base}/init`),
    options: (more) =>
      resolveOptions(experiments[name].options, {
        ...{ steps, batchSize: batch_size, lr, minLr: min_lr, shuffle: false, logEvery: 1 },
        ...(name === "shapenet" && { validation: "test" }),
        ...more,
      }) as ExperimentOptions,
  };
}

async function loadWeights(name: string): Promise<GoldenRun["init"]> {
  return { bytes: await loadGoldenBytes(name), file: name };
}

/** Weights after the training: the reference's, or the peer's. */
export const loadFinalWeights = (name: ExperimentName) =>
  loadWeights(`${name === "md" || name === "shapenet" ? golden(name) : peer(name)}/final`);

async function loadText(path: string): Promise<string> {
  return new TextDecoder().decode(await loadFile(path));
}

const loadJson = async <Value>(path: string): Promise<Value> => JSON.parse(await loadText(path)) as Value;

const catalogueFiles = ["train", "val", "test"].flatMap((split) =>
  [0, 1].map((number) => `halos_${split}_${number}.tfrecord`),
);

async function listed(path: string): Promise<string[]> {
  return (await loadText(path)).trim().split("\n");
}

async function chainFiles(root: string): Promise<string[]> {
  const paths: string[] = [];
  for (const [list, folder] of [
    ["train", "polymer_train"],
    ["val", "polymer_train"],
    ["test_class2", "polymer_test"],
  ]) {
    const path = `splits/${list}.txt`;
    const files = ["position.h5", "ptype.h5", "bond.h5"];
    const names = await listed(`${root}/${path}`);
    paths.push(path, ...names.flatMap((name) => files.map((file) => `${folder}/${name.trim()}/${file}`)));
  }
  return paths;
}

async function flowFiles(root: string): Promise<string[]> {
  const paths: string[] = [];
  for (const list of ["train", "valid", "test"]) {
    const path = `Splits/${list}.txt`;
    const names = await listed(`${root}/${path}`);
    paths.push(path, ...names.flatMap((name) => [`${name}/sim.npz`, `${name}/triangles.npy`]));
  }
  return paths;
}

async function carFiles(root: string): Promise<string[]> {
  const { cars } = await loadJson<ExpectedOfReference>(`${golden("shapenet")}/expected.json`);
  const files = root.endsWith("raw") ? ["quadpress_smpl.vtk", "press.npy"] : ["mesh_points.th", "pressure.th"];
  return [...cars.train, ...cars.test].flatMap((car) => files.map((file) => `${car}/${file}`));
}

/**
 * Repeats the reference's run: returns the losses and learning rates of its steps.
 * @param workers make the batches; without workers, they are made in this thread
 * @param first ends the run after so many steps; by default it is repeated to its end
 */
export async function fitGolden(
  name: ExperimentName,
  { options, source, init }: GoldenRun<Expected>,
  device: Device,
  { workers: count = 0, first, ...more }: Record<string, unknown> & { workers?: number; first?: number } = {},
): Promise<{ losses: number[]; rates: number[] }> {
  const chosen = options(more);
  const { model, task, trainData } = await openRun(name, experiments[name], { device, options: chosen, source, init });
  const setup = { name, metadata: model.metadata(), options: chosen, info: device.info, source };
  const workers = count > 0 ? await DataWorkers.start(count, setup) : undefined;
  try {
    const logger = new MemoryLogger();
    await fit({
      ...{ ...fitOptions(chosen), steps: first ?? chosen.steps, model, task, trainData, logger },
      ...(workers && { prefetch: workers.prefetch, loadBatch: (request) => workers.load(request) }),
    });
    const entries = logger.entries.filter(({ kind }) => kind === "training");
    return { losses: entries.map(({ loss }) => Number(loss)), rates: entries.map(({ lr }) => Number(lr)) };
  } finally {
    workers?.stop();
    model.dispose();
  }
}
