// erwin index: lists a folder's files in a file, by which they are found on a server.

import { statSync } from "node:fs";
import { join } from "node:path";
import { type FileSizes, formatIndex, INDEX_FILE } from "../../experiments/sources/http.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { isFolder, listFolder, writeWhole } from "../files.ts";
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
  const walk = (below: readonly string[]) => {
    for (const { name } of listFolder(join(folder, ...below)).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = [...below, name];
      if (name.startsWith(".") || path.join("/") === INDEX_FILE) continue;
      if (isFolder(join(folder, ...path))) walk(path);
      else files[path.join("/")] = statSync(join(folder, ...path)).size;
    }
  };
  walk([]);
  writeWhole(join(folder, INDEX_FILE), formatIndex(files));
  return files;
}
