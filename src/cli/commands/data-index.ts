// erwin index: lists a folder's files in a file, by which they are found on a server.

import { statSync } from "node:fs";
import { join } from "node:path";
import { type FileSizes, formatIndex, INDEX_FILE } from "../../experiments/sources/http.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { writeWhole } from "../files/files.ts";
import { filesBelow } from "../files/walk.ts";
import { formatBytes, formatPlural } from "../text.ts";

export const index: Command = {
  summary: `list a data set's files in its ${INDEX_FILE}, by which pages read it from a server`,
  usage: "FOLDER",
  options: {},
  notes: ["Write it again when files change. Names that begin with a dot are left out."],
  positionals: 1,
  run,
};

async function run(args: Arguments): Promise<void> {
  const [folder] = args.positionals;
  if (folder === undefined) throw new UsageError("Which folder?");
  const files = writeIndex(folder);
  const bytes = Object.values(files).reduce((sum, size) => sum + size, 0);
  const count = formatPlural(Object.keys(files).length, "file");
  console.log(`${join(folder, INDEX_FILE)}: ${count}, ${formatBytes(bytes)}`);
}

/** Writes a folder's index file. */
export function writeIndex(folder: string): FileSizes {
  const files: Record<string, number> = {};
  for (const path of filesBelow(folder)) {
    if (path !== INDEX_FILE) files[path] = statSync(join(folder, path)).size;
  }
  writeWhole(join(folder, INDEX_FILE), formatIndex(files));
  return files;
}
