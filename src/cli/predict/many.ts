// erwin predict for many files: writes a folder of predictions, which a later call can complete and other calls share.

import type { Device, PreparedInput } from "../../index.ts";
import { predictClaims } from "../../jobs/predict.ts";
import type { SharedWork } from "../../jobs/shared-work.ts";
import { noteOn, readCloud } from "../clouds.ts";
import { describeDevice, withDevice } from "../device.ts";
import { loadModel, modelInput } from "../model.ts";
import type { ModelChoice } from "../options/shared.ts";
import { checkPredictionFormat, encodePrediction, type PredictionFormat } from "../output.ts";
import { withProgress } from "../process/progress.ts";
import { enqueueFiles } from "../queue/enqueue.ts";
import { formatCount, formatPlural, formatTime } from "../text.ts";
import { findTold } from "./found.ts";
import { firstNote } from "./notes.ts";
import { recipeOf } from "./recipe.ts";
import { type ManyFilesOptions, predictShared, WRITES } from "./shared.ts";

export interface PredictManyOptions extends ModelChoice, ManyFilesOptions {
  /** The bytes of the model's file. */
  checkpoint: Uint8Array;
  /** The format of the predictions. */
  format: PredictionFormat;
  /** Max points of a batch. */
  batchPoints: number;
}

/** @throws ErwinError at the end, when a file could not be predicted or was not reached */
export async function predictMany(options: PredictManyOptions): Promise<void> {
  const { inputs, outputFolder, format, modelPath, checkpoint, device } = options;
  const { files, unreadable } = await findTold(inputs, outputFolder, { extension: format, keep: [modelPath] });
  const recipe = await recipeOf(checkpoint, options, format);
  if (options.queue !== undefined) return enqueueFiles(options.queue, { ...options, files, recipe });
  await predictShared({ ...options, files, unreadable, recipe }, (work, signal) =>
    withDevice(device, (device) => predictOn(device, checkpoint, work, signal, options)),
  );
}

/** Predicts until all files are done or the signal is aborted. */
async function predictOn(
  device: Device,
  checkpoint: Uint8Array,
  work: SharedWork,
  signal: AbortSignal,
  { modelPath, mode, features, graph, format, batchPoints }: PredictManyOptions,
): Promise<string> {
  const model = await loadModel(checkpoint, modelPath, device);
  const { decode, dimensionality } = model.config;
  checkPredictionFormat(format, decode);
  if (mode === "train") model.train();
  const start = performance.now();
  const tell = firstNote();
  const exact = new WeakMap<PreparedInput, Float64Array>();
  let points = 0;
  const rate = () => `${formatCount(Math.round((1000 * points) / (performance.now() - start)))} points/s`;
  try {
    await withProgress("predicting", async (report) => {
      for await (const claims of work.passes()) {
        await predictClaims(claims, {
          model,
          prepare: async ({ job, input }) => {
            const cloud = await readCloud(input, job.input, features);
            tell(job.input, noteOn(cloud));
            const prepared = await model.prepare(await modelInput(model, cloud, graph, device.threads));
            if (cloud.exact) exact.set(prepared, cloud.exact);
            return prepared;
          },
          encode: (rows, prepared, { job, input }) => {
            const positions = { positions: prepared.nodePositions, exact: exact.get(prepared), dimensionality };
            return encodePrediction(format, rows, { path: job.input, bytes: input, ...positions }, decode);
          },
          batchPoints,
          parallel: WRITES,
          signal,
          onBatch: (more) => {
            points += more;
            report(work.settled, work.total, rate());
          },
        });
      }
    });
  } finally {
    model.dispose();
  }
  const time = formatTime(performance.now() - start);
  return `; ${formatPlural(points, "point")} in ${time} (${rate()}) by ${describeDevice(device)}`;
}
