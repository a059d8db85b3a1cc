// Compares the WebGPU and the CPU backend on one large cloud, on a page. The WebGPU device may bind no more than 128 MiB at a time,
// which is all that browsers guarantee, so that kernels process tensors in parts.
//
//   node src/bench/scripts/large-cloud.mjs [--points N] [--channels C] [--binding-bytes B] [--neighbours K]
import { readArguments } from "../../build/arguments.mjs";
import { build } from "../../build/build.mjs";
import { main } from "../../build/run.mjs";
import { setup } from "../../build/setup.mjs";
import { loadTypeScript } from "./load-typescript.mjs";
import { onPage, pageLibrary } from "./on-page.mjs";

/**
 * Runs on the page, as text.
 * @param {{ library: string, config: import("../../erwin/config.ts").ErwinConfigInput, points: number, neighbours: number,
 *   maxBindingBytes: number }} program
 */
async function largeCloud({ library, config, points, neighbours, maxBindingBytes }) {
  /** @type {typeof import("../../index.ts")} */
  const erwin = await import(library);
  const { dimensionality = 3, cIn } = config;
  // Numerical Recipes' generator gives seeded values without a library.
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const values = (/** @type {number} */ count) => Float32Array.from({ length: count }, uniform);
  const nodePositions = values(points * dimensionality);
  const nodeFeatures = values(points * cIn);
  const edgeIndex = await erwin.knnGraph(nodePositions, { dimensionality, k: neighbours, loop: true });

  const pass = async (/** @type {"webgpu" | "cpu"} */ backend) => {
    const device = await erwin.requestDevice({
      backend,
      maxBindingBytes: backend === "webgpu" ? maxBindingBytes : undefined,
    });
    const model = await erwin.ErwinTransformer.create(config, { device, seed: 0 });
    model.eval();
    const start = performance.now();
    const output = await model.forward({ nodeFeatures, nodePositions, edgeIndex });
    const data = await output.data();
    const seconds = (performance.now() - start) / 1000;
    const { description } = device.info;
    const { peak } = device.memory;
    device.dispose();
    return { backend, description, data, seconds, peak };
  };
  const webgpu = await pass("webgpu");
  const cpu = await pass("cpu");
  await erwin.disposeThreads();
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < cpu.data.length; i++) {
    largest = Math.max(largest, Math.abs(cpu.data[i]));
    // Written so that a NaN on one side is kept as the difference.
    const apart = Math.abs(cpu.data[i] - webgpu.data[i]);
    if (!(apart <= difference)) difference = apart;
  }
  const figures = [webgpu, cpu].map(({ data: _, ...rest }) => rest);
  return { figures, difference: difference / largest };
}

await main(async () => {
  const { values } = readArguments({
    options: {
      points: { type: "string", default: "1048576" },
      channels: { type: "string", default: "8" },
      neighbours: { type: "string", default: "16" },
      "binding-bytes": { type: "string", default: String(2 ** 27) },
    },
  });
  await setup((programs) => build({ programs }));
  /** @type {typeof import("../../erwin/presets.ts")} */
  const { readmeModel } = await loadTypeScript("erwin/presets.ts");
  const program = {
    library: pageLibrary,
    config: readmeModel(Number(values.channels)),
    points: Number(values.points),
    neighbours: Number(values.neighbours),
    maxBindingBytes: Number(values["binding-bytes"]),
  };
  const { result, host } = await onPage(largeCloud, program);
  console.log(`One cloud of ${values.points} points, ${values.channels} channels, ${host}`);
  for (const { backend, description, seconds, peak } of result.figures) {
    console.log(`${backend}, ${description}: ${seconds.toFixed(1)} s, ${(peak / 2 ** 20).toFixed(0)} MiB at most`);
  }
  console.log(`The largest difference is ${result.difference.toExponential(1)} of the largest element`);
});
