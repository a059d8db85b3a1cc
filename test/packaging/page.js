// What each project runs: a graph, a forward pass, the same in a worker, three training steps, an HDF5 file written and read, and a
// surrogate of fields that predicts a file and its arrays.
// With these the library loads all the files of its own that it has, its workers and WebAssembly modules.
import { AdamW, createErwinWorker, ErwinTransformer, knnGraph, mse, requestDevice } from "erwin";
import { FOLDER, folderExperiment, MemorySource, openRun, resolveOptions, Surrogate } from "erwin/experiments";
import { loadHdf5, saveHdf5, saveNpz } from "erwin/formats";

const count = 300;
const nodePositions = Float32Array.from({ length: 3 * count }, (_, i) => Math.sin(i * i));
const batchIdx = new Int32Array(count);
/** For each point its own x coordinate, in all the 8 numbers that the model gives. */
const target = Float32Array.from({ length: 8 * count }, (_, i) => nodePositions[3 * Math.floor(i / 8)]);
const config = {
  cIn: 3,
  cHidden: [8],
  ballSizes: [16],
  encNumHeads: [2],
  encDepths: [1],
  decNumHeads: [],
  decDepths: [],
  strides: [],
  mpSteps: 1,
};

/** The losses of the training steps; throws where anything is not as it should be. */
export async function run() {
  const edgeIndex = await knnGraph(nodePositions, { dimensionality: 3, k: 4 });
  const input = { nodeFeatures: nodePositions, nodePositions, batchIdx, edgeIndex };
  const device = await requestDevice({ backend: "cpu" });
  const model = await ErwinTransformer.create(config, { device, seed: 1 });
  const output = await forward(model, input);
  const outputOfWorker = await forwardInWorker(input);
  const losses = await train(model, input);
  const { data: read } = (await loadHdf5(await saveHdf5(new Map([["output", tensorOf(output)]])))).get("output");
  const [ofArrays, ofFile] = await predict(device);
  model.dispose();
  device.dispose();

  if (!output.every(Number.isFinite) || output.length !== 8 * count) throw new Error("the model's output is wrong");
  if (output.some((value, i) => value !== outputOfWorker[i])) throw new Error("the worker computes something else");
  if (output.some((value, i) => value !== read[i])) throw new Error("the HDF5 file holds something else");
  if (ofArrays.length !== count || ofArrays.some((value, i) => value !== ofFile[i]))
    throw new Error("the surrogate predicts something else of a file");
  if (!(losses[0] > losses[1] && losses[1] > losses[2])) throw new Error(`the loss does not fall: ${losses}`);
  return losses;
}

const tensorOf = (data) => ({ dtype: "F32", shape: [count, 8], data });

async function forward(model, input) {
  const output = await model.forward(input);
  const data = await output.data();
  output.dispose();
  return data;
}

async function forwardInWorker(input) {
  const worker = await createErwinWorker({ backend: "cpu" });
  await worker.create(config, { seed: 1 });
  const { data } = await worker.forward(input);
  worker.dispose();
  return data;
}

async function train(model, input) {
  const optimizer = new AdamW(model.parameters(), { lr: 0.01 });
  const losses = [];
  for (let step = 0; step < 3; step++) {
    const output = await model.forward(input);
    const loss = mse(output, target);
    await loss.backward();
    optimizer.step();
    optimizer.zeroGrad();
    losses.push((await loss.data())[0]);
    output.dispose();
    loss.dispose();
  }
  optimizer.dispose();
  return losses;
}

/** What a surrogate predicts of arrays, and of the file that holds them; what reads files is loaded while the program runs. */
async function predict(device) {
  const experiment = folderExperiment({
    targets: ["height"],
    splits: { train: ["*"] },
    model: {
      c_in: 4,
      c_hidden: 8,
      ball_sizes: [16],
      strides: [],
      enc_num_heads: [2],
      enc_depths: [1],
      dec_num_heads: [],
      dec_depths: [],
    },
  });
  const height = { shape: [count], data: nodePositions.slice(0, count) };
  const bytes = saveNpz({ positions: { shape: [count, 3], data: nodePositions }, height });
  const source = new MemorySource({ "a.npz": bytes });
  const { model } = await openRun(FOLDER, experiment, { device, options: resolveOptions(experiment.options), source });
  const surrogate = await Surrogate.load(await model.save(), { device });
  const ofFile = await surrogate.predictFile(new File([bytes], "a.npz"));
  const ofArrays = await surrogate.predict({ positions: nodePositions });
  surrogate.dispose();
  model.dispose();
  return [ofArrays.height.prediction, ofFile.height.prediction];
}
