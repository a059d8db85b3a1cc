// The soak: forward passes and training steps of random sizes through many models, while memory is measured. It runs on any host:
// the library and the function that measures the host's memory are parameters. It imports nothing, because it is also sent to pages
// as text.

/**
 * @typedef {object} SoakOptions
 * @property {"cpu" | "webgpu"} backend
 * @property {number} forwards
 * @property {number} steps
 * @property {number} models the number of models that are created, used and disposed of besides those that stay
 * @property {number} points the max points of a cloud; a batch has up to three clouds
 * @property {number} samples the number of times that memory is measured
 * @property {number} seed
 */

/**
 * Memory at one moment, in bytes. `host` and `heap` are undefined if the host does not report them.
 * @typedef {object} SoakSample
 * @property {number} round
 * @property {number} device held by tensors
 * @property {number} reserved by the device for tensors, held or not
 * @property {number} [heap] of JavaScript, after a collection
 * @property {number} [host] of the process
 * @property {number} [handles] open files
 */

/**
 * @param {typeof import("../../src/index.ts")} erwin
 * @param {SoakOptions} options
 * @param {() => Promise<{ heap?: number, host?: number, handles?: number }>} measure
 * @returns {Promise<{ device: string, samples: SoakSample[], milliseconds: number }>}
 */
export async function soak(erwin, { backend, forwards, steps, models, points: most, samples: wanted, seed }, measure) {
  const CLOUDS = 3;
  const { AdamW, ErwinTransformer, mse, requestDevice, Random } = erwin;
  const begun = performance.now();
  const random = new Random(seed, "soak");
  const device = await requestDevice({ backend, threads: 1 });
  const config = {
    ...{ cIn: 3, cHidden: [8, 16], ballSizes: [8, 8], strides: [2], mpSteps: 1, rotate: 45 },
    ...{ encNumHeads: [2, 2], encDepths: [2, 1], decNumHeads: [2], decDepths: [1] },
  };
  const batchOf = (/** @type {number[]} */ sizes) => {
    const offsets = [0];
    for (const size of sizes) offsets.push(/** @type {number} */ (offsets.at(-1)) + size);
    const points = /** @type {number} */ (offsets.at(-1));
    const nodePositions = Float32Array.from({ length: 3 * points }, () => random.uniform());
    return { points, input: { nodePositions, nodeFeatures: nodePositions, offsets, radius: 0.2 } };
  };
  const upTo = (/** @type {number} */ most) => 1 + Math.floor(most * random.uniform());
  const batch = () => batchOf(Array.from({ length: upTo(CLOUDS) }, () => upTo(most)));
  const evaluated = await ErwinTransformer.create(config, { device, seed });
  const trained = await ErwinTransformer.create(config, { device, seed });
  trained.train();
  const optimizer = new AdamW(trained.parameters(), { lr: 1e-4 });

  const forward = async (/** @type {InstanceType<typeof ErwinTransformer>} */ model, { input } = batch()) => {
    const output = await model.forward(input);
    const data = await output.data();
    output.dispose();
    if (!data.every(Number.isFinite)) throw new Error("an output is not finite");
  };
  const step = async ({ points, input } = batch()) => {
    const output = await trained.forward(input);
    const loss = mse(output, new Float32Array(points * 8));
    await loss.backward();
    await optimizer.step({ loss, maxNorm: 1 });
    optimizer.zeroGrad();
    loss.dispose();
    output.dispose();
  };
  const another = async () => {
    const created = await ErwinTransformer.create(config, { device, seed });
    const loaded = await ErwinTransformer.load(await created.save(), { device });
    created.dispose();
    await forward(loaded);
    loaded.dispose();
  };

  // The largest batch comes first, because a device keeps the memory that the largest one needed.
  const largest = batchOf(new Array(CLOUDS).fill(most));
  await forward(evaluated, largest);
  await step(largest);
  await another();
  const rounds = Math.max(forwards, steps, models);
  /** @type {SoakSample[]} */
  const samples = [];
  const due = (/** @type {number} */ count, /** @type {number} */ round) =>
    Math.floor((count * (round + 1)) / rounds) > Math.floor((count * round) / rounds);
  for (let round = 0; round < rounds; round++) {
    if (due(forwards, round)) await forward(evaluated);
    if (due(steps, round)) await step();
    if (due(models, round)) await another();
    if (!due(wanted, round)) continue;
    await device.finished();
    const { current, reserved } = device.memory;
    samples.push({ round: round + 1, device: current, reserved, ...(await measure()) });
  }
  optimizer.dispose();
  evaluated.dispose();
  trained.dispose();
  const left = device.memory.current;
  device.dispose();
  await erwin.disposeThreads();
  if (left !== 0) throw new Error(`${left} bytes of device memory are held by nothing`);
  return { device: device.info.description, samples, milliseconds: performance.now() - begun };
}
