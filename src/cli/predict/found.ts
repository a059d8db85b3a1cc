// Reports on the files to predict: folders that could not be read or were left out, and the number of files that failed.

import { ErwinError } from "../../index.ts";
import { describeFailure } from "../process/failure.ts";
import { printError } from "../process/progress.ts";
import { formatCount, formatPlural } from "../text.ts";
import { type FindOptions, findInputs, type PredictionPaths } from "./inputs.ts";

export interface Found {
  files: PredictionPaths[];
  /** How many folders below the inputs could not be read. */
  unreadable: number;
}

/** Finds the files that the inputs name, and names the folders that had to be left out. @throws InputError as findInputs does */
export async function findTold(inputs: readonly string[], outputFolder: string, options: FindOptions): Promise<Found> {
  let unreadable = 0;
  const files = await findInputs(inputs, outputFolder, {
    ...options,
    onUnreadable: (path, error) => {
      unreadable++;
      printError(describeFailure(path, error));
    },
    onLoop: (path) => printError(`"${path}" is left out: the link leads back to a folder that it is in.`),
  });
  return { files, unreadable };
}

/** @throws ErwinError where files failed or folders could not be read */
export function expectAllDone({
  failed,
  files,
  unreadable,
}: {
  failed: number;
  files: number;
  unreadable: number;
}): void {
  if (failed + unreadable === 0) return;
  const parts: string[] = [];
  if (failed > 0) parts.push(`${formatCount(failed)} of ${formatPlural(files, "file")} failed`);
  if (unreadable > 0) parts.push(`${formatPlural(unreadable, "folder")} could not be read`);
  throw new ErwinError(`${parts.join(", and ")}.`, { failed, unreadable });
}
