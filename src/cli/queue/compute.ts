// The process that computes for erwin work. It reads jobs from its standard input, one line of JSON each, and answers each with a
// line. It is a separate process, so that its parent can renew the jobs' locks however busy the device is.

import { basename, dirname } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { tableOfPart } from "../../experiments/folder/side-table.ts";
import { extensionOf } from "../../formats/extension.ts";
import { ErwinError } from "../../index.ts";
import { type FileStore, recordOf, sha256 } from "../../jobs/job.ts";
import { readRecord, saveOutput } from "../../jobs/record.ts";
import { isPassing } from "../../jobs/shared-work.ts";
import { withDevice } from "../device.ts";
import { folderAndName, isRemote } from "../files/addresses.ts";
import { forOutputs } from "../files/folder-store.ts";
import { openFolder, readFile } from "../files/remote-files.ts";
import type { DeviceChoice } from "../options/shared.ts";
import { describeFailure } from "../process/failure.ts";
import { openPredictor, type Predictor } from "../serve/predictor.ts";
import { KeptValues } from "./kept.ts";
import type { QueuedPrediction } from "./queue.ts";

/** A job, with a number that identifies its answer. Without a job it only calls for a sign of life. */
export interface ComputeRequest {
  number: number;
  job?: QueuedPrediction;
}

export interface ComputeAnswer {
  number: number;
  /** The reason for a failure. */
  error?: string;
  /** Whether another try would fail, too. */
  isFinal?: boolean;
}

/** So many models stay on the device. */
const MAX_MODELS = 4;

/** Predicts by the model of a job. */
type PredictBy = <Result>(job: QueuedPrediction, predict: (predictor: Predictor) => Promise<Result>) => Promise<Result>;

/** Computes until the standard input ends and the jobs that were read are done. */
export async function computeJobs(choice: DeviceChoice, batchPoints: number): Promise<void> {
  await withDevice(choice, async (device) => {
    const predictors = new KeptValues<Predictor & Disposable>(MAX_MODELS);
    const predictBy: PredictBy = (job, predict) => {
      const key = JSON.stringify([job.model, job.features, job.graph, job.recipe.model]);
      return predictors.use(key, async () => openPredictor(await readModel(job), device, job, batchPoints), predict);
    };
    const running = new Set<Promise<void>>();
    for await (const line of createInterface({ input: process.stdin })) {
      const { number, job } = JSON.parse(line) as ComputeRequest;
      const answer = (more: Partial<ComputeAnswer>) => console.log(JSON.stringify({ number, ...more }));
      if (!job) {
        answer({});
        continue;
      }
      const work = compute(job, predictBy).then(
        () => answer({}),
        (error) =>
          answer({
            error: describeFailure(job.input, error).replace(/^error: /, ""),
            isFinal: error instanceof ErwinError && !isPassing(error),
          }),
      );
      running.add(work);
      void work.finally(() => running.delete(work));
    }
    await Promise.all(running);
    predictors.dispose();
  });
}

const stores = new Map<string, FileStore>();

function storeOf(folder: string): FileStore {
  const store = stores.get(folder) ?? forOutputs(openFolder(folder));
  stores.set(folder, store);
  return store;
}

async function compute(job: QueuedPrediction, predictBy: PredictBy): Promise<void> {
  const { folder, name: output } = isRemote(job.output)
    ? folderAndName(job.output)
    : { folder: dirname(job.output), name: basename(job.output) };
  const store = storeOf(folder);
  const input = await readFile(job.input);
  const record = await recordOf(job.recipe, input);
  // The job was delivered twice, or its previous worker died before it could report that the job was done.
  if (!job.overwrite && (await readRecord(store, output))?.identity === record.identity) return;
  const beside = { table: job.table && tableOfPart(job.table) };
  const formats = { from: extensionOf(job.input), to: job.format.slice(1), path: job.input, beside };
  const bytes = await predictBy(job, (predictor) => predictor.predict(input, formats, new AbortController().signal));
  await saveOutput(store, output, bytes, record);
}

async function readModel({ model, recipe }: QueuedPrediction) {
  const bytes = await readFile(model);
  if ((await sha256(bytes)) === recipe.model) return { bytes, file: model };
  throw new ErwinError(`${model}: has changed since the jobs were queued: queue them again.`, { file: model });
}
