// Loads the command line's model from a checkpoint, and prepares a file's points for it.

import { FOLDER } from "../experiments/folder/experiment.ts";
import { CheckpointError, type Device, ErwinError, ErwinTransformer, InputError, loadSafetensors } from "../index.ts";
import type { CloudFile } from "./clouds.ts";
import { buildGraph } from "./graph.ts";
import type { GraphChoice } from "./options/shared.ts";
import { withProgress } from "./process/progress.ts";

/** Errors name the checkpoint by its path. */
export async function loadModel(bytes: Uint8Array, path: string, device: Device): Promise<ErwinTransformer> {
  try {
    return await withProgress("loading the model", () => ErwinTransformer.load(bytes, { device }));
  } catch (error) {
    // The library's message suggests an option that commands do not have.
    if (error instanceof CheckpointError && error.details.option === "config") {
      throw new CheckpointError(
        `${path}: carries no config in its metadata, under the key "config" as JSON: save it again with one.`,
        error.details,
      );
    }
    const experiment = error instanceof CheckpointError && loadSafetensors(bytes, { file: path }).metadata.experiment;
    if (experiment) {
      throw new CheckpointError(
        `${path}: is the model of a run of "${experiment}", with layers of its own around the Erwin Transformer; ` +
          "this takes a transformer alone. erwin evaluate --model RUN applies the model to the experiment's data" +
          `${experiment === FOLDER ? ", and erwin predict to other files" : ""}.`,
        { file: path, found: experiment },
      );
    }
    if (error instanceof ErwinError) error.message = `${path}: ${error.message}`;
    throw error;
  }
}

/** Uses the file's own tree and graph unchanged; missing ones are built according to the options. */
export async function modelInput({ config }: ErwinTransformer, cloud: CloudFile, graph: GraphChoice, threads?: number) {
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

/** The file's features; a file without any gives its positions if these have as many coordinates as the model has inputs. */
function featuresOf({ path, features, positions, exact, dimensionality }: CloudFile, cIn: number): Float32Array {
  if (!features && cIn === dimensionality) return exact ? Float32Array.from(exact) : positions;
  if (features?.channels === cIn) return features.data;
  const found = features ? `its features have ${features.channels} channels` : "has no node_features";
  const instead = features
    ? ""
    : ` (positions serve as features only where these are ${dimensionality}; --features NAME,... chooses others)`;
  throw new InputError(`${path}: ${found}, the model expects ${cIn}${instead}.`, {
    file: path,
    tensor: "node_features",
    expected: cIn,
    found: features?.channels ?? 0,
  });
}
