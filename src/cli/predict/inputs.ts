// Which files are predicted, and where each one's prediction goes.

import { basename, dirname, isAbsolute, join, normalize, parse, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import { pointCloudExtensions } from "../../formats/pointcloud.ts";
import { isFolder, listFolder, placeOf, readBytes } from "../files.ts";

/** A file of points, and the file for its prediction. */
export interface PredictionPaths {
  input: string;
  output: string;
}

const isList = (path: string) => /\.txt$/i.test(path);
const isPointCloud = (path: string) => pointCloudExtensions.includes(parse(path).ext.toLowerCase());

/** Whether these name one file; its prediction is a file then, not a folder. */
export function isSingleFile(inputs: readonly string[]): boolean {
  return inputs.length === 1 && !isList(inputs[0]) && !isFolder(inputs[0]);
}

/**
 * The files that the inputs stand for, sorted by their outputs.
 *
 * A folder stands for the point clouds in it and below; a .txt file for the paths in it, one a line, relative to its own
 * folder. Paths below such a folder are kept below `outputFolder`.
 * @param options.extension of the outputs, with its dot
 * @param options.keep other files that no output may be written over
 * @throws InputError before any work, where a folder or list holds none, two files have the same output, or an output is an input
 */
export function findInputs(
  inputs: readonly string[],
  outputFolder: string,
  { extension = ".safetensors", keep = [] as readonly string[] } = {},
): PredictionPaths[] {
  const files = inputs.flatMap((input) => expand(input, outputFolder));
  const inputOf = new Map<string, string>();
  for (const { input, name } of files) {
    const { dir, name: stem } = parse(name);
    const output = join(outputFolder, dir, `${stem}${extension}`);
    const other = inputOf.get(output);
    if (other !== undefined) {
      throw new InputError(`"${other}" and "${input}" would both be written to "${output}": rename one of them.`, {
        file: input,
        other,
        output,
      });
    }
    inputOf.set(output, input);
  }
  const taken = new Set([...files.map(({ input }) => input), ...keep].map((path) => placeOf(path) ?? resolve(path)));
  for (const output of inputOf.keys()) {
    if (!taken.has(placeOf(output) ?? resolve(output))) continue;
    throw new InputError(`The input "${output}" would be written over: choose another folder for the output.`, {
      file: output,
    });
  }
  return [...inputOf].map(([output, input]) => ({ input, output })).sort((a, b) => (a.output < b.output ? -1 : 1));
}

/** A file, and what it is called below the folder it was found from. */
interface NamedFile {
  input: string;
  name: string;
}

function expand(input: string, outputFolder: string): NamedFile[] {
  if (isFolder(input)) {
    if (resolve(input) === resolve(outputFolder)) {
      throw new InputError(
        `"${input}" is the output's folder too: what is written there would be an input the next time. Choose another.`,
        { file: input },
      );
    }
    return orNone(walk(input, outputFolder), input, `files of points (${pointCloudExtensions.join(", ")})`);
  }
  if (isList(input)) return orNone(readList(input), input, "paths, one a line");
  return [{ input, name: basename(input) }];
}

function orNone(files: NamedFile[], input: string, expected: string): NamedFile[] {
  if (files.length > 0) return files;
  throw new InputError(`"${input}" holds nothing to predict, expected ${expected}.`, { file: input, expected });
}

/** All point clouds of a folder and its folders, hidden ones and earlier predictions left out. */
function walk(folder: string, outputFolder: string, below = ""): NamedFile[] {
  return listFolder(folder).flatMap((entry) => {
    const [path, name] = [join(folder, entry.name), join(below, entry.name)];
    if (entry.name.startsWith(".") || resolve(path) === resolve(outputFolder)) return [];
    if (entry.isDirectory()) return walk(path, outputFolder, name);
    return isPointCloud(path) ? [{ input: path, name }] : [];
  });
}

function readList(path: string): NamedFile[] {
  const lines = new TextDecoder().decode(readBytes(path)).split("\n");
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const isBelow = !isAbsolute(line) && !normalize(line).startsWith("..");
      return {
        input: isAbsolute(line) ? line : join(dirname(path), line),
        name: isBelow ? normalize(line) : basename(line),
      };
    });
}
