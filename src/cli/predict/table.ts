// The table from which a model of a folder's fields takes values of its inputs: the one that is given, or that of the config beside them.

import { dirname, join, resolve } from "node:path";
import { folderExperimentOf } from "../../experiments/folder/experiment.ts";
import { parseSideTable, type SideTable } from "../../experiments/folder/side-table.ts";
import { sha256 } from "../../jobs/job.ts";
import { UsageError } from "../command.ts";
import { isRemote } from "../files/addresses.ts";
import { isFile, isFolder } from "../files/files.ts";
import { readFile } from "../files/remote-files.ts";
import type { FieldsOptions } from "./fields.ts";

/** A table and where it was found. */
export interface FoundTable {
  table: SideTable;
  /** Of its bytes. */
  hash: string;
  /** Whether an input is the table, and no sample. */
  isTable(input: string): boolean;
}

/**
 * Returns the table of a model; undefined if its config has none, or if there is none beside the inputs.
 * @throws UsageError for one that the config does not want; FormatError for one that is damaged
 */
export async function findTable(
  inputs: readonly string[],
  { weights, metadata, table: given }: Pick<FieldsOptions, "weights" | "metadata" | "table">,
): Promise<FoundTable | undefined> {
  const choice = folderExperimentOf(metadata, weights.file).described.table;
  if (!choice) {
    if (given !== undefined) throw new UsageError("--table is for models whose config has a table, and this has none");
    return undefined;
  }
  const path = given ?? inputs.map((input) => besideOf(input, choice.file)).find((found) => found !== undefined);
  if (path === undefined) return undefined;
  const bytes = await readFile(path);
  return {
    table: parseSideTable(bytes, path, choice.key),
    hash: await sha256(bytes),
    isTable: (input) => !isRemote(input) && resolve(input) === resolve(path),
  };
}

/** Returns the path of a table in the folder that an input is, or is in, or in the one around that. */
function besideOf(input: string, file: string): string | undefined {
  if (isRemote(input)) return undefined;
  const folder = isFolder(input) ? input : dirname(input);
  return [folder, join(folder, "..")].map((place) => join(place, file)).find(isThere);
}

/** Whether there is a file, as far as the process may look: the folder around the inputs may be closed to it. */
function isThere(path: string): boolean {
  try {
    return isFile(path);
  } catch {
    return false;
  }
}
