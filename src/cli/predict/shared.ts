// The files of one call of erwin predict: calls with the same output folder share the files that are left.

import { dirname, relative } from "node:path";
import { ErwinError } from "../../index.ts";
import type { Recipe } from "../../jobs/job.ts";
import { Leases } from "../../jobs/leases.ts";
import { SharedWork } from "../../jobs/shared-work.ts";
import { describeFailure } from "../failure.ts";
import { makeFolder, readBytes } from "../files.ts";
import { FolderStore } from "../folder-store.ts";
import { untilInterrupted } from "../interruption.ts";
import { printError } from "../progress.ts";
import { formatCount, formatPlural } from "../text.ts";
import { expectAllDone } from "./found.ts";
import type { PredictionPaths } from "./inputs.ts";
import { type Shard, takeShard } from "./shard.ts";

export interface SharedFilesOptions {
  files: readonly PredictionPaths[];
  /** The number of subfolders of the inputs that could not be read. */
  unreadable: number;
  outputFolder: string;
  recipe: Recipe;
  /** The part of the files that this call predicts. */
  shard: Shard;
  /** Whether existing outputs are predicted again. */
  overwrite: boolean;
  /** The seconds without a renewal after which another call's work is taken over. */
  lease: number;
}

/**
 * Predicts the files that are left.
 * @param predict does the work, if there is any, until the signal is aborted; returns a note for the summary
 * @throws ErwinError at the end, if a file could not be predicted or was not reached
 */
export async function predictShared(
  { files, unreadable, outputFolder, recipe, shard, overwrite, lease }: SharedFilesOptions,
  predict: (work: SharedWork, signal: AbortSignal) => Promise<string>,
): Promise<void> {
  const own = takeShard(files, shard);
  if (shard.count > 1) {
    const share = own.length === 0 ? "none, it is empty" : formatCount(own.length);
    console.log(`shard ${shard.index}/${shard.count} of ${formatPlural(files.length, "file")}: ${share}`);
  }
  for (const folder of new Set(own.map(({ output }) => dirname(output)))) makeFolder(folder);
  const outputs = new FolderStore(outputFolder);
  const leases = new Leases(outputs, { owner: crypto.randomUUID(), seconds: lease });
  const { predicted, skipped, failed, note } = await untilInterrupted("stopping after this batch", async (signal) => {
    const work = new SharedWork({
      jobs: own.map(({ input, output }) => ({ input, output: relative(outputFolder, output) })),
      inputs: { read: async (path) => readBytes(path) },
      outputs,
      recipe,
      leases,
      overwrite,
      signal,
      onFailure: ({ input }, error) => printError(describeFailure(input, error)),
    });
    try {
      const note = (await work.skipDone()) > 0 ? await predict(work, signal) : "";
      return { ...work.counts, note };
    } finally {
      await leases.stop();
    }
  });
  const counts = [
    `${formatCount(predicted)} predicted`,
    `${formatCount(skipped)} skipped`,
    `${formatCount(failed)} failed`,
  ];
  console.log(`${outputFolder}: ${counts.join(", ")}${note}`);
  const left = own.length - predicted - skipped - failed;
  if (left > 0) {
    const message = `Interrupted with ${formatPlural(left, "file")} left: the same command continues with them.`;
    throw new ErwinError(message, { left });
  }
  expectAllDone({ failed, files: own.length, unreadable });
}
