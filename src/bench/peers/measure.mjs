// The measurement itself, for pages, Deno and Node: repeats passes, and compares their output with the case's.

/** The path is in a variable because declarations are made from the sources, and the built library is none of them. */
const built = "../../../dist/erwin.js";
export const library = /** @type {typeof import("../../index.ts")} */ (await import(/* @vite-ignore */ built));
const { AdamW, loadSafetensors, mse, requestDevice, Tensor } = library;

/** @typedef {import("../../index.ts").SafeTensor} SafeTensor */
/** @typedef {import("../../index.ts").ErwinTransformer} ErwinTransformer */
/** @typedef {import("../../index.ts").PreparedInput} PreparedInput */

/** Of AdamW, whose other settings are PyTorch's defaults. */
export const learningRate = 1e-4;

/**
 * @typedef {object} Question What is measured.
 * @property {string} backend
 * @property {number} threads
 * @property {number} seconds the time for repetitions
 * @property {boolean} training a step of training in place of a forward pass
 */

/**
 * @param {Uint8Array} checkpoint
 * @param {Uint8Array} file a case of cases.ts
 * @param {Question} question
 */
export async function measureErwin(checkpoint, file, { backend, threads, seconds, training }) {
  const { tensors } = loadSafetensors(file);
  const device = await requestDevice({
    backend: /** @type {import("../../index.ts").BackendName} */ (backend),
    threads,
  });
  const model = await library.ErwinTransformer.load(checkpoint, { device });
  /** @param {string} name */
  const valuesOf = (name) => /** @type {any} */ (tensors.get(name)?.data);
  const rotated = [...tensors.keys()].filter((name) => name.startsWith("tree_idx_rot.")).sort();
  const input = await model.prepare({
    nodeFeatures: valuesOf("node_features"),
    nodePositions: valuesOf("node_positions"),
    batchIdx: valuesOf("batch_idx"),
    edgeIndex: valuesOf("edge_index"),
    tree: { treeIdx: valuesOf("tree_idx"), treeMask: valuesOf("tree_mask"), treeIdxRot: rotated.map(valuesOf) },
  });
  const pass = training ? trainingStep(model, input, tensors) : forwardPass(model, input);
  const measured = await repeat(pass, expectedOf(tensors, training), seconds);
  const { description } = device.info;
  device.dispose();
  return { ...measured, device: description };
}

/** @type {(model: ErwinTransformer, input: PreparedInput) => () => Promise<Float32Array>} */
const forwardPass = (model, input) => async () => {
  const output = await model.forward(input);
  const data = await output.data();
  output.dispose();
  return data;
};

/** @type {(model: ErwinTransformer, input: PreparedInput, tensors: ReadonlyMap<string, SafeTensor>) => () => Promise<Float32Array>} */
function trainingStep(model, input, tensors) {
  model.train();
  const optimizer = new AdamW(model.parameters(), { lr: learningRate });
  const { shape, data } = /** @type {SafeTensor} */ (tensors.get("target"));
  const target = Tensor.from(model.device, /** @type {Float32Array} */ (data), shape);
  return async () => {
    const output = await model.forward(input);
    const loss = mse(output, target);
    await loss.backward();
    await optimizer.step();
    optimizer.zeroGrad();
    const values = await loss.data();
    loss.dispose();
    output.dispose();
    return values;
  };
}

/**
 * @param {any} ort the runtime's module
 * @param {string | Uint8Array} model an ONNX file
 * @param {Uint8Array} file a case of cases.ts
 * @param {{ options: object, seconds: number }} question options of the session
 */
export async function measureOnnx(ort, model, file, { options, seconds }) {
  const { tensors } = loadSafetensors(file);
  const session = await ort.InferenceSession.create(model, options);
  const feeds = feedsOf(ort.Tensor, session.inputNames, tensors);
  const pass = async () => (await session.run(feeds)).out.data;
  const measured = await repeat(pass, expectedOf(tensors, false), seconds);
  await session.release();
  return measured;
}

/**
 * Converts a case's arrays to an ONNX runtime's inputs: indices in 64 bits, and only the arrays that the graph has as inputs.
 * @param {new (type: string, data: unknown, shape: readonly number[]) => unknown} Tensor
 * @param {readonly string[]} names the graph's inputs
 * @param {ReadonlyMap<string, SafeTensor>} tensors
 */
function feedsOf(Tensor, names, tensors) {
  return Object.fromEntries(
    names.map((name) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`the case has no array ${name}, which the graph asks for`);
      const { dtype, shape, data } = tensor;
      if (dtype === "F32") return [name, new Tensor("float32", data, shape)];
      if (dtype === "U8") return [name, new Tensor("uint8", data, shape)];
      return [name, new Tensor("int64", BigInt64Array.from(/** @type {Int32Array} */ (data), BigInt), shape)];
    }),
  );
}

/**
 * What a case says that the first pass gives: the output, or the loss before the first step.
 * @param {ReadonlyMap<string, SafeTensor>} tensors
 * @param {boolean} training
 */
export const expectedOf = (tensors, training) =>
  /** @type {Float32Array} */ (tensors.get(training ? "loss" : "out")?.data);

/**
 * Runs two passes to warm up, then about as many as fit into `seconds`: from 3 to 100, or 1 that takes longer than `seconds`.
 * Times are in milliseconds.
 * @param {() => Promise<Float32Array>} pass runs from the call until the output is on the host
 * @param {Float32Array} expected the first pass's output
 * @param {number} seconds
 */
export async function repeat(pass, expected, seconds) {
  /** @type {number[]} */
  const times = [];
  const timed = async () => {
    const start = performance.now();
    const output = await pass();
    times.push(performance.now() - start);
    return output;
  };
  const difference = differenceOf(await timed(), expected);
  await timed();
  const [first, second] = /** @type {[number, number]} */ (times.splice(0));
  const fitting = Math.min(100, Math.round((seconds * 1000) / second));
  const repetitions = fitting < 1 ? 1 : Math.max(3, fitting);
  for (let i = 0; i < repetitions; i++) await timed();
  return { first, times, difference };
}

/**
 * Returns the max difference between two outputs, relative to the largest expected element.
 * @param {Float32Array} found
 * @param {Float32Array} expected
 */
function differenceOf(found, expected) {
  let largest = 0;
  let difference = 0;
  expected.forEach((number, i) => {
    const gap = Math.abs(/** @type {number} */ (found[i]) - number);
    // A NaN or a missing element must not look like agreement.
    difference = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(difference, gap);
    largest = Math.max(largest, Math.abs(number));
  });
  return difference / largest;
}
