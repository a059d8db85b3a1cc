// erwin predict: a checkpoint applied to a file's points.

import { type Device, ErwinError, ErwinTransformer, InputError, saveSafetensors, type Tensor } from "../../index.ts";
import { type CloudFile, readCloudFile } from "../clouds.ts";
import type { Arguments, Command } from "../command.ts";
import { describeDevice, withDevice } from "../device.ts";
import { checkOutput, readBytes, writeWhole } from "../files.ts";
import { buildGraph } from "../graph.ts";
import {
  deviceOptions,
  fileOptions,
  type GraphChoice,
  graphOptions,
  modeOption,
  readDeviceChoice,
  readGraphChoice,
  readMode,
} from "../options.ts";
import { withProgress } from "../progress.ts";
import { formatTime } from "../text.ts";

export const predict: Command = {
  summary: "apply a model to points",
  usage:
    "--model FILE --input FILE --output FILE [--backend auto|webgpu|cpu] [--mode eval|train] [--radius R | --knn K] [--threads N]",
  options: {
    model: { value: "FILE", description: "a checkpoint (.safetensors) with its config in the metadata" },
    ...fileOptions,
    ...modeOption,
    ...graphOptions,
    ...deviceOptions,
  },
  run,
};

async function run(args: Arguments): Promise<void> {
  const [modelPath, input, output] = [args.required("model"), args.required("input"), args.required("output")];
  const mode = readMode(args);
  const graph = readGraphChoice(args);
  const device = readDeviceChoice(args);
  checkOutput(output);
  const cloud = readCloudFile(input);
  const checkpoint = readBytes(modelPath);

  await withDevice(device, async (device) => {
    const model = await loadModel(checkpoint, modelPath, device);
    if (mode === "train") model.train();
    const start = performance.now();
    const prepared = await model.prepare(await modelInput(model, cloud, graph, device.threads));
    const preparedAt = performance.now();
    const out = await withProgress("forward", () => model.forward(prepared));
    const tensors = await outputTensors(out, model.config.decode);
    const end = performance.now();
    writeWhole(output, saveSafetensors(tensors));
    console.log(
      `${output}: out [${out.shape.join(", ")}] by ${describeDevice(device)}; ` +
        `tree and graph ${formatTime(preparedAt - start)}, forward ${formatTime(end - preparedAt)}`,
    );
    out.dispose();
    model.dispose();
  });
}

/** Errors name the checkpoint by its path. */
async function loadModel(bytes: Uint8Array, path: string, device: Device): Promise<ErwinTransformer> {
  try {
    return await withProgress("loading the model", () => ErwinTransformer.load(bytes, { device }));
  } catch (error) {
    if (error instanceof ErwinError) error.message = `${path}: ${error.message}`;
    throw error;
  }
}

/** What the file holds is used as it is; what it lacks is built as the options say. */
async function modelInput({ config }: ErwinTransformer, cloud: CloudFile, graph: GraphChoice, threads?: number) {
  const { path, positions, dimensionality, batchIdx, tree } = cloud;
  if (dimensionality !== config.dimensionality) {
    throw new InputError(
      `${path}: its points have ${dimensionality} dimensions, the model expects ${config.dimensionality}.`,
      {
        file: path,
        expected: config.dimensionality,
        found: dimensionality,
      },
    );
  }
  let edgeIndex = cloud.edgeIndex;
  if (config.mpSteps > 0 && !edgeIndex) {
    if (!graph) {
      throw new InputError(
        `${path}: has no edge_index, and the model passes messages over a graph: give --radius R or --knn K.`,
        { file: path, tensor: "edge_index" },
      );
    }
    edgeIndex = await buildGraph(cloud, graph, threads);
  }
  return { nodeFeatures: featuresOf(cloud, config.cIn), nodePositions: positions, batchIdx, edgeIndex, tree };
}

/** The file's features; where it has none, the positions serve if there are as many coordinates as the model has inputs. */
function featuresOf({ path, features, positions, dimensionality }: CloudFile, cIn: number): Float32Array {
  if (!features && cIn === dimensionality) return positions;
  if (features?.channels === cIn) return features.data;
  const found = features ? `node_features has ${features.channels} channels` : "has no node_features";
  const instead = features ? "" : ` (positions serve as features only where these are ${dimensionality})`;
  throw new InputError(`${path}: ${found}, the model expects ${cIn}${instead}.`, {
    file: path,
    tensor: "node_features",
    expected: cIn,
    found: features?.channels ?? 0,
  });
}

async function outputTensors(out: Tensor, decode: boolean) {
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array | Int32Array }>();
  tensors.set("out", { shape: out.shape, data: await out.data() });
  if (!decode && out.batchIdx) tensors.set("out_batch_idx", { shape: [out.batchIdx.length], data: out.batchIdx });
  return tensors;
}
