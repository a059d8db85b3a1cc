// erwin export: writes a checkpoint as an ONNX file.

import { FOLDER } from "../../experiments/folder/experiment.ts";
import { readTrained } from "../../experiments/folder/trained.ts";
import { exportOnnx, loadSafetensors } from "../../index.ts";
import { exportedBalls } from "../../onnx/balls.ts";
import type { Arguments, Command } from "../command.ts";
import { withDevice } from "../device.ts";
import { checkOutput, readBytes, writeWhole } from "../files/files.ts";
import { modelFile } from "../files/run-folder.ts";
import { loadModel } from "../model.ts";
import { modelOption } from "../options/shared.ts";
import { withProgress } from "../process/progress.ts";
import { formatBytes } from "../text.ts";

export const exportModel: Command = {
  summary: "write a model as an ONNX file, for other runtimes",
  usage: "--model FILE_OR_RUN --onnx FILE [--points N]",
  options: {
    model: modelOption,
    onnx: {
      value: "FILE",
      description:
        "the file to write; its inputs are arrays as `erwin tree` writes them, integers as int64, and of a model of your own files its fields",
    },
    points: {
      value: "N",
      description: "for clouds of N points each, where these are smaller than the model's balls",
    },
  },
  run,
};

async function run(args: Arguments): Promise<void> {
  const [modelPath, output] = [modelFile(args.required("model")), args.required("onnx")];
  const points = args.count("points");
  checkOutput(output, [modelPath]);
  const checkpoint = readBytes(modelPath);
  await withDevice({ backend: "cpu", threads: 1 }, async (device) => {
    const { metadata } = loadSafetensors(checkpoint, { file: modelPath });
    const model =
      metadata.experiment === FOLDER
        ? readTrained({ bytes: checkpoint, file: modelPath }, metadata, device).model
        : await loadModel(checkpoint, modelPath, device);
    const file = await withProgress("export", () => exportOnnx(model, { points }));
    writeWhole(output, file);
    const advice = points === undefined ? "; for smaller ones: --points N" : "";
    console.log(
      `${output}: ${formatBytes(file.length)}, for clouds ${exportedBalls(model.config, points).clouds}${advice}`,
    );
    model.dispose();
  });
}
