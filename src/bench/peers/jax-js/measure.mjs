// Measures the peer in jax-js: what it needs is made from a case, as the other peers' inputs are.

import { expectedOf, learningRate, library, repeat } from "../measure.mjs";
import { erwinOf } from "./erwin.mjs";

const { loadSafetensors, resolveConfig } = library;

/** @typedef {import("../../../index.ts").SafeTensor} SafeTensor */

/** AdamW's other settings: PyTorch's defaults. */
const [beta1, beta2, epsilon, weightDecay] = [0.9, 0.999, 1e-8, 0.01];

/** The module and its version. It is installed in this folder alone (packages.mjs), so its name leads nowhere. */
export async function importJax() {
  const folder = new URL("node_modules/@jax-js/jax/", import.meta.url);
  const path = `${new URL("dist/index.js", folder)}`;
  const { version } = await (await fetch(new URL("package.json", folder))).json();
  return { jax: await import(/* @vite-ignore */ path), version };
}

/**
 * @param {Awaited<ReturnType<typeof importJax>>} module
 * @param {Uint8Array} checkpoint
 * @param {Uint8Array} file a case of cases.ts
 * @param {import("../measure.mjs").Question} question jax-js takes as many threads as the machine has
 */
export async function measureJax({ jax, version }, checkpoint, file, { backend, seconds, training }) {
  const device = backend === "cpu" ? "wasm" : backend;
  const available = await jax.init(device);
  if (!available.includes(device)) throw new Error(`jax-js finds no ${device} here`);
  jax.defaultDevice(device);
  const { tensors, metadata } = loadSafetensors(checkpoint);
  const { tensors: arrays } = loadSafetensors(file);
  const model = erwinOf(jax, resolveConfig(JSON.parse(metadata.config)));
  const parameters = parametersOf(jax.numpy, tensors, training);
  const input = inputOf(jax, model, arrays, training);
  const target = /** @type {SafeTensor} */ (arrays.get("target"));
  const pass = training
    ? trainingPass(jax, model, parameters, input, arrayOf(jax.numpy, target))
    : forwardPass(jax, model, parameters, input);
  const measured = await repeat(pass, expectedOf(arrays, training), seconds);
  return { ...measured, device, version };
}

/** @type {(jax: any, model: ReturnType<typeof erwinOf>, parameters: any, input: any) => () => Promise<Float32Array>} */
function forwardPass({ jit, tree }, model, parameters, input) {
  const run = jit(model.forward);
  return () => run(tree.ref(parameters), tree.ref(input)).data();
}

/** @type {(jax: any, model: ReturnType<typeof erwinOf>, parameters: any, input: any, target: any) => () => Promise<Float32Array>} */
function trainingPass(jax, model, parameters, input, target) {
  const { jit, numpy: np, tree } = jax;
  const update = jit(trainingStep(jax, model));
  const zeros = () => tree.map((/** @type {any} */ array) => np.zerosLike(array.ref), parameters);
  let moments = [zeros(), zeros()];
  let steps = 0;
  return async () => {
    steps++;
    const corrections = [1 - beta1 ** steps, 1 - beta2 ** steps];
    const result = update(parameters, moments, tree.ref(input), target.ref, corrections);
    ({ parameters, moments } = result);
    await jax.blockUntilReady(parameters);
    return result.loss.data();
  };
}

/**
 * The step of training that all peers take: the mean squared error, its gradients, AdamW.
 * @param {any} jax
 * @param {ReturnType<typeof erwinOf>} model
 */
function trainingStep({ numpy: np, tree, valueAndGrad }, model) {
  const lossOf = valueAndGrad((/** @type {any} */ parameters, /** @type {any} */ input, /** @type {any} */ target) =>
    np.mean(np.square(model.forward(parameters, input).sub(target))),
  );
  /** @param {any[]} arguments_ */
  return (...[parameters, [means, squares], input, target, [correction1, correction2]]) => {
    const [loss, gradients] = lossOf(tree.ref(parameters), input, target);
    const newMeans = tree.map(
      (/** @type {any} */ mean, /** @type {any} */ gradient) => mean.mul(beta1).add(gradient.ref.mul(1 - beta1)),
      means,
      gradients,
    );
    const newSquares = tree.map(
      (/** @type {any} */ square, /** @type {any} */ gradient) =>
        square.mul(beta2).add(np.square(gradient).mul(1 - beta2)),
      squares,
      gradients,
    );
    const newParameters = tree.map(
      (/** @type {any} */ parameter, /** @type {any} */ mean, /** @type {any} */ square) => {
        const scale = np.sqrt(square.ref.div(correction2.ref)).add(epsilon);
        const change = mean.ref.div(correction1.ref).div(scale).mul(learningRate);
        return parameter.mul(1 - learningRate * weightDecay).sub(change);
      },
      parameters,
      newMeans,
      newSquares,
    );
    tree.dispose([correction1, correction2]);
    return { loss, parameters: newParameters, moments: [newMeans, newSquares] };
  };
}

/**
 * @param {any} np
 * @param {SafeTensor} tensor
 */
const arrayOf = (np, { shape, data }) => np.array(data).reshape([...shape]);

/**
 * The checkpoint's parameters, and for evaluation its running statistics. Queries, keys and values get weights of their own: the
 * checkpoint's have them in turns, and products of views with a stride of three take ten times as long.
 * @param {any} np
 * @param {ReadonlyMap<string, SafeTensor>} tensors
 * @param {boolean} training
 */
function parametersOf(np, tensors, training) {
  /** @type {Record<string, any>} */
  const parameters = {};
  for (const [name, tensor] of tensors) {
    if (tensor.dtype !== "F32" || (training && name.includes(".running_"))) continue;
    const array = arrayOf(np, tensor);
    if (!name.includes(".qkv.")) {
      parameters[name] = array;
      continue;
    }
    const turns = array.reshape([tensor.shape[0] / 3, 3, ...tensor.shape.slice(1)]);
    for (const [i, part] of ["q", "k", "v"].entries()) parameters[name.replace("qkv", part)] = turns.ref.slice([], i);
    turns.dispose();
  }
  return parameters;
}

/**
 * What `forward` takes beside parameters; geometry is computed once.
 * @param {any} jax
 * @param {ReturnType<typeof erwinOf>} model
 * @param {ReadonlyMap<string, SafeTensor>} arrays a case of cases.ts
 * @param {boolean} training
 */
function inputOf({ jit, numpy: np, tree }, { place }, arrays, training) {
  /** @param {string} name */
  const tensorOf = (name) => /** @type {SafeTensor} */ (arrays.get(name));
  /** @param {string} name */
  const integersOf = (name) => Int32Array.from(/** @type {Int32Array} */ (tensorOf(name).data));
  /** @param {Int32Array} values */
  const indices = (values) => np.array(values, { dtype: np.int32 });

  const edges = integersOf("edge_index");
  const [sources, targets] = [edges.slice(0, edges.length / 2), edges.slice(edges.length / 2)];
  const [points] = tensorOf("node_positions").shape;
  const neighbours = sources.length / points;
  // Messages are a [points, neighbours] array, since jax-js has no sum over the rows of one index.
  if (targets.some((target, edge) => target !== Math.floor(edge / neighbours)))
    throw new Error("jax-js needs the edges in the order of their targets, with equally many for each");
  const index = integersOf("tree_idx");
  const mask = tensorOf("tree_mask").data;
  const slots = new Int32Array(points);
  index.forEach((point, slot) => {
    if (mask[slot]) slots[point] = slot;
  });
  const orders = [...arrays.keys()]
    .filter((name) => name.startsWith("tree_idx_rot."))
    .sort()
    .map(integersOf);
  const inverses = orders.map((order) => {
    const inverse = new Int32Array(order.length);
    order.forEach((node, i) => {
      inverse[node] = i;
    });
    return inverse;
  });

  const clouds = 1 + Number(tensorOf("batch_idx").data.at(-1));
  const placed = { sources: indices(sources), index: indices(index), orders: orders.map(indices) };
  /** @type {(positions: any, indices: any) => any} */
  const placeClouds = (positions, indices) => place(positions, indices, clouds);
  const geometry = jit(placeClouds)(arrayOf(np, tensorOf("node_positions")), tree.ref(placed));
  const features = arrayOf(np, tensorOf("node_features"));
  const one = training ? { one: np.array([1]) } : {};
  return { ...one, features, ...placed, inverses: inverses.map(indices), slots: indices(slots), ...geometry };
}
