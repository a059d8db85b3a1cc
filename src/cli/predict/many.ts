// erwin predict for many files: writes a folder of predictions, which a later call can complete.

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { type Device, ErwinError } from "../../index.ts";
import { readCloudFile } from "../clouds.ts";
import { describeDevice, withDevice } from "../device.ts";
import { describeFailure } from "../failure.ts";
import { makeFolder, readBytes } from "../files.ts";
import { stoppedBySignals } from "../interruption.ts";
import { loadModel, modelInput } from "../model.ts";
import type { ModelChoice } from "../options.ts";
import { checkPredictionFormat, type PredictionFormat } from "../output.ts";
import { printError, withProgress } from "../progress.ts";
import { formatCount, formatPlural, formatTime } from "../text.ts";
import { type FilesDone, predictFiles } from "./files.ts";
import { expectAllDone, findTold } from "./found.ts";
import type { PredictionPaths } from "./inputs.ts";
import { type Shard, takeShard } from "./shard.ts";

export interface PredictManyOptions extends ModelChoice {
  /** Paths of files, folders and lists. */
  inputs: readonly string[];
  outputFolder: string;
  /** The format of the predictions. */
  format: PredictionFormat;
  /** The part of the files that this call predicts. */
  shard: Shard;
  /** Max points of a batch. */
  batchPoints: number;
  /** Whether existing outputs are made again. */
  overwrite: boolean;
}

/** @throws ErwinError at the end, when a file could not be predicted or was not reached */
export async function predictMany(options: PredictManyOptions): Promise<void> {
  const { inputs, outputFolder, format, shard, overwrite } = options;
  const { files: all, unreadable } = findTold(inputs, outputFolder, { extension: format, keep: [options.modelPath] });
  const own = takeShard(all, shard);
  if (shard.count > 1) {
    const share = own.length === 0 ? "none, it is empty" : formatCount(own.length);
    console.log(`shard ${shard.index}/${shard.count} of ${formatPlural(all.length, "file")}: ${share}`);
  }
  const files = overwrite ? own : own.filter(({ output }) => !existsSync(output));
  const skipped = own.length - files.length;

  let done: FilesDone = { predicted: 0, failed: 0, points: 0, time: 0 };
  let rate = "";
  if (files.length > 0) {
    const checkpoint = readBytes(options.modelPath);
    for (const folder of new Set(files.map(({ output }) => dirname(output)))) makeFolder(folder);
    await withDevice(options.device, async (device) => {
      done = await predictOn(device, checkpoint, files, options);
      rate = `; ${formatPlural(done.points, "point")} in ${formatTime(done.time)} (${formatRate(done)}) by ${describeDevice(device)}`;
    });
  }
  const { predicted, failed } = done;
  const counts = [
    `${formatCount(predicted)} predicted`,
    `${formatCount(skipped)} skipped`,
    `${formatCount(failed)} failed`,
  ];
  console.log(`${outputFolder}: ${counts.join(", ")}${rate}`);

  const left = files.length - predicted - failed;
  if (left > 0) {
    const message = `Interrupted with ${formatPlural(left, "file")} left: the same command goes on from there.`;
    throw new ErwinError(message, { left });
  }
  expectAllDone({ failed, files: own.length, unreadable });
}

/** Predicts until all is done or the user interrupts. */
async function predictOn(
  device: Device,
  checkpoint: Uint8Array,
  files: readonly PredictionPaths[],
  { modelPath, mode, features, graph, format, batchPoints }: PredictManyOptions,
): Promise<FilesDone> {
  const model = await loadModel(checkpoint, modelPath, device);
  checkPredictionFormat(format, model.config.decode);
  if (mode === "train") model.train();
  const interruption = new AbortController();
  try {
    return await stoppedBySignals(
      "stopping after this batch",
      () => interruption.abort(),
      () =>
        withProgress("predicting", (report) =>
          predictFiles({
            model,
            files,
            format,
            prepare: async (path) =>
              model.prepare(await modelInput(model, readCloudFile(path, features), graph, device.threads)),
            batchPoints,
            signal: interruption.signal,
            onFailure: (path, error) => printError(describeFailure(path, error)),
            onProgress: (done) => report(done.predicted + done.failed, files.length, formatRate(done)),
          }),
        ),
    );
  } finally {
    model.dispose();
  }
}

function formatRate({ points, time }: FilesDone): string {
  return `${formatCount(Math.round((1000 * points) / time))} points/s`;
}
