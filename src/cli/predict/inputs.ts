// Finds the files to predict, and the path of each one's prediction.

import { existsSync } from "node:fs";
import { basename, dirname, isAbsolute, join, normalize, parse, resolve, sep } from "node:path";
import { InputError } from "../../errors.ts";
import { type DataSource, joinPath } from "../../experiments/data-source.ts";
import { matchesPattern } from "../../experiments/folder/files.ts";
import { isRunFolder } from "../../experiments/run-files.ts";
import { textOf } from "../../formats/bytes/utf16.ts";
import { dottedExtensionOf } from "../../formats/extension.ts";
import { cloudExtensions } from "../clouds.ts";
import { folderAndName, isRemote, joinAddress, splitAddress } from "../files/addresses.ts";
import { placeOf } from "../files/files.ts";
import { isFolderPlace, joinPlace, openFolder, readFile, takeUser } from "../files/remote-files.ts";
import { filesBelow, type WalkOptions } from "../files/walk.ts";

/** A file of points, and the file for its prediction. */
export interface PredictionPaths {
  input: string;
  output: string;
  /** The output's path in the folder of the outputs, with slashes. */
  name: string;
}

const isList = (path: string) => /\.txt$/i.test(path);

/** Whether a path is a pattern of paths, which the shells of Windows, and others where it is quoted, leave as it is. */
const isPattern = (path: string) => /[*?]/.test(path) && !isRemote(path) && !existsSync(path);

/** Whether the inputs name a single file, whose prediction is a file and not a folder. */
export function isSingleFile(inputs: readonly string[]): boolean {
  return inputs.length === 1 && ![isList, isPattern, isFolderPlace].some((isMany) => isMany(inputs[0]));
}

export interface FindOptions extends Omit<WalkOptions, "skip"> {
  /** The extension of the outputs with its dot, or a function that returns that of an input's output. */
  extension?: string | ((input: string) => string);
  /** Extensions of the files that are looked for in folders, with their dots. */
  known?: readonly string[];
  /** Other files that no output may be written over. */
  keep?: readonly string[];
}

/**
 * Finds the files that the inputs name, sorted by their outputs.
 *
 * A folder names the point clouds in it and below; a .txt file names the paths in it, one on each line, relative to its own
 * folder; a pattern, such as "runs/*.vtu" or "runs/2?/*.vtu", names the point clouds that it matches. Paths below such a folder
 * are kept below `outputFolder`. All but patterns may be addresses of servers.
 * @throws InputError before any work, where a folder or list holds none, two files have the same output, or an output is an input;
 *   StorageError
 */
export async function findInputs(
  inputs: readonly string[],
  outputFolder: string,
  { extension = ".safetensors", keep = [], known = cloudExtensions, ...walk }: FindOptions = {},
): Promise<PredictionPaths[]> {
  const files: NamedFile[] = [];
  // Not as the arguments of one push: no call takes more than about 120,000.
  for (const input of inputs) for (const file of await expand(input, outputFolder, known, walk)) files.push(file);
  const found = new Map<string, PredictionPaths>();
  for (const { input, name: path } of files) {
    const { dir, name: stem } = parse(path);
    const name = joinPath(dir, stem + (typeof extension === "string" ? extension : extension(path)));
    const output = joinPlace(outputFolder, name);
    const other = found.get(output)?.input;
    // A list may name a file twice.
    if (other !== undefined && identify(other) === identify(input)) continue;
    if (other !== undefined) {
      throw new InputError(`"${other}" and "${input}" would both be written to "${output}": rename one of them.`, {
        file: input,
        other,
        output,
      });
    }
    found.set(output, { input, output, name });
  }
  const taken = new Set([...files.map(({ input }) => input), ...keep].map(identify));
  for (const output of found.keys()) {
    if (!taken.has(identify(output))) continue;
    throw new InputError(`The input "${output}" would be written over: choose another folder for the output.`, {
      file: output,
    });
  }
  return [...found.values()].sort((a, b) => (a.output < b.output ? -1 : 1));
}

/** Returns what is the same for two names of the same file. */
const identify = (path: string) => (isRemote(path) ? path.replace(/\/+$/, "") : (placeOf(path) ?? resolve(path)));

/** A file, and its path below the folder in which it was found. */
interface NamedFile {
  input: string;
  name: string;
}

async function expand(
  input: string,
  outputFolder: string,
  known: readonly string[],
  walk: WalkOptions,
): Promise<NamedFile[]> {
  const isOutput = (path: string) => identify(path) === identify(outputFolder);
  if (isPattern(input)) return orNone(matching(input, known, walk, isOutput), input, "files of points that match it");
  const isListed = isList(input);
  if (!isListed && isFolderPlace(input)) {
    if (isOutput(input)) {
      throw new InputError(
        `"${input}" is the output's folder too: what is written there would be an input the next time. Choose another.`,
        { file: input },
      );
    }
    // Without earlier predictions, and those of trainings.
    const found = isRemote(input)
      ? await namesBelow(openFolder(input), "", (name) => isOutput(joinAddress(input, name)))
      : filesBelow(input, { ...walk, skip: isOutput, skipFolder: isRunFolder });
    const files = found
      .filter((name) => known.includes(dottedExtensionOf(name)))
      .map((name) => ({ input: joinPlace(input, name), name }));
    return orNone(files, input, `files of points (${known.join(", ")})`);
  }
  if (isListed) return orNone(await readList(input), input, "paths, one a line");
  return [{ input, name: isRemote(input) ? folderAndName(input).name : basename(input) }];
}

/** Returns the point clouds that a pattern matches, named below the last folder before its first wildcard. */
function matching(
  input: string,
  known: readonly string[],
  walk: WalkOptions,
  isOutput: (path: string) => boolean,
): NamedFile[] {
  const slashed = withSlashes(input);
  const start = slashed.lastIndexOf("/", slashed.search(/[*?]/)) + 1;
  const [folder, pattern] = [slashed.slice(0, start) || ".", slashed.slice(start)];
  const isDeep = pattern.includes("/");
  const skip = (path: string) => isOutput(path) || (!isDeep && isFolderPlace(path));
  return filesBelow(folder, { ...walk, skip, skipFolder: isRunFolder })
    .filter((name) => matchesPattern(name, pattern) && known.includes(dottedExtensionOf(name)))
    .map((name) => ({ input: join(folder, name), name }));
}

/** A path with slashes, which Windows takes as well as its own separator. Elsewhere a backslash is a letter as any other. */
const withSlashes = (path: string) => path.replaceAll(sep, "/");

/** Lists all files in a folder of a server and below it, but in runs. Names that begin with a dot are left out. */
async function namesBelow(source: DataSource, folder: string, skip: (name: string) => boolean): Promise<string[]> {
  const entries = (await source.list(folder)).filter(({ name }) => !name.startsWith("."));
  const found: string[] = [];
  if (folder !== "" && isRunFolder(entries)) return found;
  for (const entry of entries) {
    const name = joinPath(folder, entry.name);
    if (!entry.folder) found.push(name);
    else if (!skip(name)) for (const inner of await namesBelow(source, name, skip)) found.push(inner);
  }
  return found.sort();
}

function orNone(files: NamedFile[], input: string, expected: string): NamedFile[] {
  if (files.length > 0) return files;
  throw new InputError(`"${input}" holds nothing to predict, expected ${expected}.`, { file: input, expected });
}

async function readList(path: string): Promise<NamedFile[]> {
  return textOf(await readFile(path))
    .split("\n")
    .map((line) => takeUser(line.trim()))
    .filter((line) => line !== "")
    .map((line) => {
      if (isRemote(line)) return { input: line, name: folderAndName(line).name };
      const isBelow = !isAbsolute(line) && !normalize(line).startsWith("..");
      return { input: fromList(path, line), name: isBelow ? withSlashes(normalize(line)) : basename(line) };
    });
}

/** Returns the path of a line in a list, which is relative to the list's folder. */
function fromList(list: string, line: string): string {
  if (!isRemote(list)) return isAbsolute(line) ? line : join(dirname(list), line);
  const { root, path } = splitAddress(list);
  return joinAddress(root, isAbsolute(line) ? line.slice(1) : join(dirname(path), line));
}
