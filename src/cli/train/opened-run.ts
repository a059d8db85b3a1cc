// Opens a run for erwin train: the device, the data set, and the model with its initial weights.

import { addBad } from "../../experiments/bad-samples.ts";
import type { DataSource } from "../../experiments/data-source.ts";
import type { BadSample, OnBad } from "../../experiments/experiment.ts";
import { FOLDER } from "../../experiments/folder/experiment.ts";
import { type ExperimentRun, type InitialWeights, openRun } from "../../experiments/run.ts";
import { type Device, NumericalError } from "../../index.ts";
import { describeDevice, withDevice } from "../device.ts";
import { readBytes } from "../files/files.ts";
import { openSource } from "../options/experiment-choice.ts";
import { advisingSkipBad } from "../options/skip-bad.ts";
import { printError, withProgress } from "../process/progress.ts";
import type { Call } from "./call.ts";

/** A run, and the source of its samples. */
export interface OpenedRun extends ExperimentRun {
  source: DataSource | undefined;
  onBad: OnBad | undefined;
}

/**
 * Opens the data set and creates the model for `work`.
 * @param leftOut receives the samples that are left out
 * @param last the checkpoint from which to continue; it decides the model's shape, whoever wrote it
 */
export async function withRun(
  { name, experiment, options, dataPath, init, partial, skipBad, device: choice }: Call,
  { leftOut, last }: { leftOut: BadSample[]; last?: InitialWeights },
  work: (made: OpenedRun, device: Device) => Promise<void>,
): Promise<void> {
  const weights = last ?? (init === undefined ? undefined : { bytes: readBytes(init), file: init, partial });
  await withDevice(choice, (device) =>
    advisingSkipBad({ skipBad, others: [weights?.file, dataPath] }, async () => {
      const { steps, batchSize, accumulate = 1 } = options;
      const batches = accumulate === 1 ? `${batchSize}` : `${accumulate} batches of ${batchSize}`;
      console.log(`training ${name} on ${describeDevice(device)}: ${steps} steps of ${batches}`);
      const source = dataPath === undefined ? undefined : openSource(dataPath);
      const onBad = (bad: BadSample) => addBad(leftOut, bad);
      const made = await withProgress("reading the samples", () =>
        openRun(name, experiment, {
          device,
          options,
          source,
          init: weights,
          onBad: skipBad ? onBad : undefined,
          onNote: printError,
        }),
      );
      try {
        await advisingSmallerSteps(name, () => work({ ...made, source, onBad: skipBad ? onBad : undefined }, device));
      } finally {
        made.model.dispose();
      }
    }),
  );
}

/** Runs a training. If it ends by numbers that are not finite, the error names the settings that may help, as the command has them. */
async function advisingSmallerSteps(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof NumericalError)) throw error;
    const { tensor, step, lossScale } = error.details;
    if (tensor === undefined || step === undefined || lossScale !== undefined) throw error;
    const settings = name === FOLDER ? "training.lr=X and training.max_grad_norm=1" : "--lr X and --max-grad-norm 1";
    const what = error.message.replace(/: the weights are as they were.*$/s, "");
    throw new NumericalError(
      `${what}: begin anew with a lower learning rate, or with gradients that are clipped (${settings}), in another --out.`,
      error.details,
      { cause: error },
    );
  }
}
