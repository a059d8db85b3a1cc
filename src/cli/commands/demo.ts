// erwin demo: runs the model on a real mesh and on a ragged batch of its parts, and draws the balls.

import { version } from "../../../package.json";
import { ballsOf } from "../../balltree/balls.ts";
import { readmeModel } from "../../erwin/presets.ts";
import {
  type BallTree,
  buildBallTree,
  type Device,
  ErwinTransformer,
  knnGraph,
  type PreparedInput,
} from "../../index.ts";
import type { Arguments, Command } from "../command.ts";
import { drawBunny } from "../demo/bunny-picture.ts";
import { joinClouds, raggedClouds, smoothFeatures } from "../demo/clouds.ts";
import { describeDevice, withDevice } from "../device.ts";
import { checkOutput, writeWhole } from "../files/files.ts";
import { deviceOptions, readDeviceChoice } from "../options/shared.ts";
import { withProgress } from "../process/progress.ts";
import { formatBytes, formatCount, formatPlural, formatTime } from "../text.ts";

export const demo: Command = {
  summary: "run the model on a real mesh, and draw its balls",
  usage: "[--output erwin-balls.svg] [--channels C] [--backend auto|webgpu|cpu] [--threads N]",
  options: {
    channels: { value: "C", description: "channels of the model's finest level (default 32), a multiple of 4" },
    output: { value: "FILE", description: "the picture, an SVG file (default erwin-balls.svg)" },
    ...deviceOptions,
  },
  run,
};

/** The number of edges that end at each point. */
const neighbours = 16;

async function run(args: Arguments): Promise<void> {
  const choice = readDeviceChoice(args);
  const channels = args.number("channels", "a multiple of 4", (value) => value > 0 && value % 4 === 0) ?? 32;
  const config = readmeModel(channels);
  const output = args.text("output") ?? "erwin-balls.svg";
  checkOutput(output);
  const { default: bunny } = await import("bunny");

  await withDevice(choice, async (device) => {
    console.log(`erwin ${version} on ${describeDevice(device)}\n`);
    const start = performance.now();
    const model = await withProgress("making the model", () => ErwinTransformer.create(config, { device, seed: 0 }));
    const numbers = [...model.parameters().values()].reduce((sum, tensor) => sum + tensor.size, 0);
    const madeIn = formatTime(performance.now() - start);
    console.log(`model: ${formatPlural(numbers, "parameter")}, ${config.ballSizes.length} levels, made in ${madeIn}\n`);

    const vertices = Float32Array.from(bunny.positions.flat());
    const points = formatPlural(bunny.positions.length, "point");
    console.log(`The Stanford bunny, ${points}: the first time threads start and kernels are compiled`);
    await runModel(device, model, [vertices]);
    console.log("The same again");
    const alone = await runModel(device, model, [vertices]);
    const clouds = raggedClouds(bunny, vertices);
    const sizes = clouds.map((cloud) => formatCount(cloud.length / config.dimensionality)).join(", ");
    console.log(
      `\nA ragged batch of ${formatPlural(clouds.length, "cloud")}, the same bunny among them: ${sizes} points`,
    );
    const batch = await runModel(device, model, clouds);
    const difference = alone.reduce((most, value, i) => Math.max(most, Math.abs(value - batch[i])), 0);
    console.log(`  the bunny alone and in the batch: outputs differ by at most ${difference.toExponential(1)}`);
    console.log(
      `\ndevice memory: ${formatBytes(device.memory.current)} held, ${formatBytes(device.memory.peak)} at most`,
    );
    model.dispose();

    const picture = await drawBunny(bunny, choice.threads);
    writeWhole(output, picture);
    console.log(`picture of the balls: ${output}`);
  });
}

/** Builds tree and graph of one batch and runs a forward pass, prints the time of each, and returns the output. */
async function runModel(
  device: Device,
  model: ErwinTransformer,
  clouds: readonly Float32Array[],
): Promise<Float32Array> {
  const { positions, batchIdx } = joinClouds(clouds);
  const points = batchIdx.length;
  const { threads } = device;
  const timed = async <T>(name: string, work: () => Promise<T>, describe: (result: T) => string): Promise<T> => {
    const start = performance.now();
    const result = await withProgress(name, work);
    const time = formatTime(performance.now() - start);
    console.log(`  ${name.padEnd(14)}${time.padStart(8)}  ${describe(result)}`);
    return result;
  };
  const { cIn, dimensionality, strides, ballSizes, rotate } = model.config;
  const tree = await timed(
    "ball tree",
    () => buildBallTree(positions, { dimensionality, batchIdx, strides, ballSizes, rotate, threads }),
    describeBalls,
  );
  const edgeIndex = await timed(
    "graph",
    () => knnGraph(positions, { dimensionality, batchIdx, k: neighbours, loop: true, threads }),
    (edges) => `${formatPlural(edges.length / 2, "edge")}, ${neighbours} a point where there are as many`,
  );
  const nodeFeatures = smoothFeatures(positions, cIn);
  const prepared = await model.prepare({ nodeFeatures, nodePositions: positions, batchIdx, edgeIndex, tree });
  return await timed(
    "forward",
    () => forward(model, prepared),
    (values) => `output [${points}, ${values.length / points}], ${describeSpread(values)}`,
  );
}

async function forward(model: ErwinTransformer, input: PreparedInput): Promise<Float32Array> {
  const out = await model.forward(input);
  const values = await out.data();
  out.dispose();
  return values;
}

/** "balls a level: 32, 16, 8, 4, 2" */
const describeBalls = ({ levels }: BallTree) =>
  `balls a level: ${levels.map((level) => formatCount(ballsOf(level).length / 2)).join(", ")}`;

function describeSpread(values: Float32Array): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return `mean ${mean.toFixed(3)}, standard deviation ${Math.sqrt(variance).toFixed(3)}`;
}
