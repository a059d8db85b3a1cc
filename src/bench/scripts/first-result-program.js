// Times each step from the import of the library to the first output. Runs in a page, into which it is put as text, and in Deno
// as a script.

/**
 * @typedef {object} Program
 * @property {string} library URL of dist/erwin.js
 * @property {"auto" | "webgpu" | "cpu"} backend
 * @property {import("../../erwin/config.ts").ErwinConfigInput} config
 * @property {number} points of the one cloud
 * @property {number} neighbours of each point in the graph
 */

/**
 * @typedef {object} FirstResult
 * @property {string} device
 * @property {Record<string, number>} parts milliseconds of each part, in their order
 * @property {number} total milliseconds of all parts
 * @property {number} second milliseconds of a second pass
 */

/**
 * @param {Program} program
 * @returns {Promise<FirstResult>}
 */
export async function firstResult({ library, backend, config, points, neighbours }) {
  const { dimensionality = 3, cIn } = config;
  // The golden ratio's sequence gives values without a library.
  const values = (/** @type {number} */ count) =>
    Float32Array.from({ length: count }, (_, i) => (i * 0.6180339887) % 1);
  const nodePositions = values(points * dimensionality);
  const nodeFeatures = values(points * cIn);

  /** @type {Record<string, number>} */
  const parts = {};
  const start = performance.now();
  let last = start;
  const done = (/** @type {string} */ part) => {
    const now = performance.now();
    parts[part] = now - last;
    last = now;
  };
  /** @type {typeof import("../../index.ts")} */
  const erwin = await import(library);
  done("import");
  const device = await erwin.requestDevice({ backend });
  done("device");
  const model = await erwin.ErwinTransformer.create(config, { device });
  done("model");
  const edgeIndex = await erwin.knnGraph(nodePositions, { dimensionality, k: neighbours, loop: true });
  done("graph");
  const input = await model.prepare({ nodeFeatures, nodePositions, edgeIndex });
  done("tree");
  const output = await model.forward(input);
  done("recording");
  await output.data();
  done("compiling, computing, reading");
  const total = last - start;

  const again = await model.forward(input);
  await again.data();
  done("second");
  const { second, ...before } = parts;
  const description = `${device.backend}: ${device.info.description}`;
  device.dispose();
  await erwin.disposeThreads();
  return { device: description, parts: before, total, second };
}

const host = /** @type {{ Deno?: { args: string[] } }} */ (globalThis).Deno;
if (host) console.log(JSON.stringify(await firstResult(JSON.parse(host.args[0]))));
