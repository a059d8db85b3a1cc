// The files of one call of erwin predict: calls with the same output folder share the files that are left.

import type { Recipe } from "../../jobs/job.ts";
import { Leases } from "../../jobs/leases.ts";
import { SharedWork } from "../../jobs/shared-work.ts";
import { isRemote } from "../files/addresses.ts";
import { forOutputs } from "../files/folder-store.ts";
import { makeFoldersOf, openOutputs, readFile } from "../files/remote-files.ts";
import { describeFailure } from "../process/failure.ts";
import { interrupted, untilInterrupted } from "../process/interruption.ts";
import { printError } from "../process/progress.ts";
import { formatCount, formatPlural } from "../text.ts";
import { expectAllDone } from "./found.ts";
import type { PredictionPaths } from "./inputs.ts";
import { type Shard, takeShard } from "./shard.ts";

/** With servers: the number of jobs that are read, checked or written at a time, and the milliseconds between checks of other calls. */
const REQUESTS = 16;
const PAUSE = 2000;

/** The number of outputs that are written at a time: disks, too, take their time until a file is safe, but take in many at once. */
export const WRITES = 16;

/** How calls share the files of a folder. */
interface SharingOptions {
  outputFolder: string;
  /** The part of the files that this call predicts. */
  shard: Shard;
  /** Whether existing outputs are predicted again. */
  overwrite: boolean;
  /** The seconds without a renewal after which another call's work is taken over. */
  lease: number;
}

/** What many files are predicted from, and who does it. */
export interface ManyFilesOptions extends SharingOptions {
  /** Paths of files, folders and lists. */
  inputs: readonly string[];
  /** The address of a queue to which the files are added, instead of being predicted here. */
  queue?: string;
}

export interface SharedFilesOptions extends SharingOptions {
  files: readonly PredictionPaths[];
  /** The number of subfolders of the inputs that could not be read. */
  unreadable: number;
  recipe: Recipe;
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
  makeFoldersOf(own.map(({ output }) => output));
  const store = await openOutputs(outputFolder);
  // Requests to a server take their time, but many can be under way.
  const isFar = isRemote(outputFolder) || own.some(({ input }) => isRemote(input));
  const leases = new Leases(store, { owner: crypto.randomUUID(), seconds: lease });
  const { predicted, skipped, failed, note } = await untilInterrupted("stopping after this batch", async (signal) => {
    const work = new SharedWork({
      jobs: own.map(({ input, name }) => ({ input, output: name })),
      inputs: { read: readFile },
      outputs: forOutputs(store),
      recipe,
      leases,
      overwrite,
      ...(isFar ? { parallel: REQUESTS, pause: PAUSE } : {}),
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
  if (left > 0) throw interrupted(left, "file");
  expectAllDone({ failed, files: own.length, unreadable });
}
