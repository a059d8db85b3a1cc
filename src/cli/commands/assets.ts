// erwin assets: copies the library's workers and WebAssembly modules beside a bundle, for bundlers that do not follow them.

import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { makeFolder } from "../files/files.ts";
import { formatPlural } from "../text.ts";

export const assets: Command = {
  summary: "copy workers and WebAssembly modules beside a bundle (esbuild, Rollup)",
  usage: "FOLDER",
  options: {},
  positionals: 1,
  run,
};

/** The files that a bundle loads: workers, their imports, and modules. */
function neededFiles(folder: string): Set<string> {
  const needed = new Set(readdirSync(folder).filter((name) => /-worker\.js$|\.wasm$/.test(name)));
  // The loop also visits the files that it adds.
  for (const name of needed) {
    if (!name.endsWith(".js")) continue;
    const text = readFileSync(join(folder, name), "utf8");
    for (const [, imported] of text.matchAll(/(?:from |import\()"\.\/([^"]+)"/g)) needed.add(imported);
  }
  return needed;
}

async function run(args: Arguments): Promise<void> {
  const [target] = args.positionals;
  if (target === undefined) throw new UsageError("Missing the folder of the bundle");
  const folder = join(dirname(fileURLToPath(import.meta.url)), "assets");
  const names = neededFiles(folder);
  makeFolder(target);
  for (const name of names) copyFileSync(join(folder, name), join(target, name));
  console.log(`${target}: ${formatPlural(names.size, "file")}`);
}
