// erwin gradients: writes the gradients of sum(out * probe), for comparison with other frameworks.

import { encodeArrays } from "../../formats/write-arrays.ts";
import { type Device, FormatError, Tensor, toFloat32 } from "../../index.ts";
import { readOutput } from "../../jobs/rows.ts";
import { readTensors } from "../../tensor/read.ts";
import { type CloudFile, readCloudFile } from "../clouds.ts";
import type { Arguments, Command } from "../command.ts";
import { describeDevice, withDevice } from "../device.ts";
import { checkOutput, readBytes, writeWhole } from "../files/files.ts";
import { modelFile } from "../files/run-folder.ts";
import { loadModel, modelInput } from "../model.ts";
import { fileOptions, modelOptions, modelUsage, readModelChoice } from "../options/shared.ts";
import { arrayFormat, outputTensors } from "../output.ts";
import { withProgress } from "../process/progress.ts";
import { formatTime } from "../text.ts";

export const gradients: Command = {
  summary: "gradients of sum(out * probe) with respect to parameters and features",
  usage: `--model FILE_OR_RUN --input FILE --output FILE ${modelUsage}`,
  options: { ...fileOptions, ...modelOptions },
  run,
};

async function run(args: Arguments): Promise<void> {
  const { modelPath: given, mode, features, graph, device } = readModelChoice(args);
  const modelPath = modelFile(given);
  const [input, output] = [args.required("input"), args.required("output")];
  const format = arrayFormat(output);
  checkOutput(output, [input, modelPath]);
  const cloud = await readCloudFile(input, features);
  const checkpoint = readBytes(modelPath);

  await withDevice(device, async (device) => {
    const model = await loadModel(checkpoint, modelPath, device);
    if (mode === "train") model.train();
    const prepared = await modelInput(model, cloud, graph, device.threads);
    const nodeFeatures = Tensor.from(device, prepared.nodeFeatures, [cloud.points, model.config.cIn]).requireGrad();
    const start = performance.now();
    const out = await withProgress("forward", () => model.forward({ ...prepared, nodeFeatures }));
    const probe = readProbe(cloud, device, out.shape);
    await out.backward(probe);

    const tensors = await withProgress("backward", async () =>
      outputTensors(await readOutput(out), model.config.decode),
    );
    const differentiated: [string, Tensor][] = [["grad_features", nodeFeatures]];
    for (const [name, parameter] of model.parameters()) differentiated.push([`grad.${name}`, parameter]);
    const gradients = differentiated.flatMap(([name, { grad }]) => (grad ? [[name, grad] as const] : []));
    for (const [name, gradient] of await readTensors(gradients)) tensors.set(name, gradient);
    const end = performance.now();
    writeWhole(output, encodeArrays(tensors, format));
    console.log(
      `${output}: out [${out.shape.join(", ")}] and ${tensors.size - 1} more tensors by ${describeDevice(device)} ` +
        `in ${formatTime(end - start)}`,
    );
    for (const tensor of [nodeFeatures, probe, out]) tensor.dispose();
    model.dispose();
  });
}

/** The input file's `probe`, which weights the output. */
function readProbe({ path, probe }: CloudFile, device: Device, shape: readonly number[]): Tensor {
  if (!probe) {
    throw new FormatError(`${path}: has no probe, expected an array of the output's shape [${shape.join(", ")}].`, {
      file: path,
      tensor: "probe",
    });
  }
  if (String(probe.shape) !== String(shape)) {
    throw new FormatError(
      `${path}: probe has the shape [${probe.shape.join(", ")}], expected the output's [${shape.join(", ")}].`,
      { file: path, tensor: "probe", expected: [...shape], found: probe.shape },
    );
  }
  return Tensor.from(device, toFloat32(probe, `${path}: probe`), shape);
}
