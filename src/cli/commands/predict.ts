// erwin predict: a checkpoint applied to a file's points.

import { saveSafetensors } from "../../index.ts";
import { readCloudFile } from "../clouds.ts";
import type { Arguments, Command } from "../command.ts";
import { describeDevice, withDevice } from "../device.ts";
import { checkOutput, readBytes, writeWhole } from "../files.ts";
import { loadModel, modelInput, outputTensors } from "../model.ts";
import { modelOptions, modelUsage, readModelChoice } from "../options.ts";
import { withProgress } from "../progress.ts";
import { formatTime } from "../text.ts";

export const predict: Command = {
  summary: "apply a model to points",
  usage: modelUsage,
  options: modelOptions,
  run,
};

async function run(args: Arguments): Promise<void> {
  const { modelPath, input, output, mode, graph, device } = readModelChoice(args);
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
