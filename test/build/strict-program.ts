// A program that uses every entry with the strictest of TypeScript's settings: what may be undefined is passed on, lists are read-only,
// and numbers come in arrays of any kind. It is compiled (declarations.unit.test.ts), never run.

import {
  AdamW,
  buildBallTree,
  createErwinWorker,
  type Device,
  ErwinError,
  ErwinTransformer,
  fit,
  knnGraph,
  limits,
  mse,
  nn,
  radiusGraph,
  requestDevice,
  setLimits,
} from "erwin";
import { runSuite } from "erwin/bench";
import {
  FOLDER,
  fitOptions,
  folderExperiment,
  MemorySource,
  openRun,
  type PredictedField,
  proposeConfig,
  resolveOptions,
  Surrogate,
  type SurrogateField,
  type SurrogateInput,
  survey,
} from "erwin/experiments";
import { loadHdf5, loadNpz, loadVtu, readPointCloud, saveNpz, writePointCloud } from "erwin/formats";
import { predictClaims } from "erwin/jobs";

const config = {
  cIn: 3,
  cHidden: 32,
  ballSizes: [128, 64],
  strides: [2],
  encNumHeads: [2, 4],
  encDepths: [2, 2],
  decNumHeads: [2],
  decDepths: [2],
} as const;

/** What a program may have or not. */
interface Given {
  signal: AbortSignal | undefined;
  count: number | undefined;
  report: ((text: string) => void) | undefined;
}

const list: readonly number[] = [1, 2, 3];

export async function useModel({ signal, count }: Given): Promise<number | undefined> {
  const device: Device = await requestDevice({ backend: undefined, threads: count });
  const model = await ErwinTransformer.create(config, { device, seed: count });
  const more = { radius: count, batchIdx: undefined, edgeIndex: undefined };
  const output = await model.forward({ nodeFeatures: [1, 2, 3], nodePositions: list, ...more }, { signal });
  await model.forward({ nodeFeatures: new Float64Array(3), nodePositions: new Float64Array(3), radius: 0.1 });
  await knnGraph(list, { dimensionality: 3, k: 2, signal });
  await radiusGraph(new Float64Array(3), { dimensionality: 3, radius: 1, batchIdx: undefined });
  await buildBallTree(list, { dimensionality: 3, strides: undefined, signal });
  const worker = await createErwinWorker({ backend: undefined });
  await worker.load(new Blob([]), { signal });
  const optimizer = new AdamW(model.parameters(), { lr: 1e-3, weightDecay: count });
  const loss = mse(output, list);
  await optimizer.step({ loss, maxNorm: count });
  new nn.Linear(3, 3).initialize({ device, seed: count });
  setLimits({ threads: limits.threads });
  try {
    return await loss.item();
  } catch (error) {
    return error instanceof ErwinError ? Number(error.details["row"]) : undefined;
  }
}

export async function useSurrogate(device: Device, { signal }: Given): Promise<PredictedField | undefined> {
  const surrogate = await Surrogate.load("model.safetensors", { device, signal });
  const inputs: readonly SurrogateField[] = surrogate.inputs;
  const least: number | undefined = inputs.find(({ name }) => name === "speed")?.range?.least[0];
  const mesh = { edgeIndex: undefined, triangles: undefined };
  const input: SurrogateInput = {
    positions: new Float64Array(3),
    normals: [list],
    speed: least,
    label: ["a"],
    ...mesh,
  };
  await surrogate.predictFile(new File([], "a.vtu"), { signal });
  return (await surrogate.predict(input, { signal, earlier: undefined }))["pressure"];
}

export async function train(device: Device, { signal, report }: Given): Promise<string> {
  const experiment = folderExperiment({ inputs: ["normals"], targets: ["pressure"] });
  const options = resolveOptions(experiment.options);
  const source = new MemorySource(new Map([["a.npz", new Uint8Array(3)]]));
  const more = { init: undefined, onBad: undefined, onNote: report };
  const { model, task, trainData, validationData } = await openRun(FOLDER, experiment, {
    device,
    options,
    source,
    ...more,
  });
  await fit({ model, task, trainData, validationData, ...fitOptions(options), signal, onProgress: undefined });
  return proposeConfig(await survey(source, { onBad: report, files: undefined }), "data");
}

export async function useFiles({ report }: Given): Promise<unknown[]> {
  const shape: readonly number[] = [3];
  const bytes: Uint8Array<ArrayBuffer> = saveNpz({ a: { shape, data: new Float64Array(3) } });
  for (const [name, { data }] of loadNpz(bytes, { file: undefined, only: undefined })) report?.(`${name} ${data[0]}`);
  const { positions } = readPointCloud(bytes, "a.ply", { attributes: undefined });
  writePointCloud({ positions, dimensionality: 3, attributes: undefined }, "a.ply");
  return [await loadHdf5(new Blob([bytes]), { file: undefined }), loadVtu(bytes).points.shape[0]];
}

export const others = [runSuite, predictClaims];
