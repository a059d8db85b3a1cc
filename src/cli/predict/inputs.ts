// Finds the files to predict, and the path of each one's prediction.

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

/** Whether the inputs name a single file, whose prediction is a file and not a folder. */
export function isSingleFile(inputs: readonly string[]): boolean {
  return inputs.length === 1 && !isList(inputs[0]) && !isFolder(inputs[0]);
}

/**
 * Finds the files that the inputs name, sorted by their outputs.
 *
 * A folder names the point clouds in it and below; a .txt file names the paths in it, one on each line, relative to its own
 * folder. Paths below such a folder are kept below `outputFolder`.
 * @param options.extension extension of the outputs, with its dot; null where each keeps that of its input
 * @param options.known extensions of the files that are looked for in folders, with their dots
 * @param options.keep other files that no output may be written over
 * @throws InputError before any work, where a folder or list holds none, two files have the same output, or an output is an input
 */
export function findInputs(
  inputs: readonly string[],
  outputFolder: string,
  { extension = ".safetensors" as string | null, keep = [] as readonly string[], known = pointCloudExtensions } = {},
): PredictionPaths[] {
  const files = inputs.flatMap((input) => expand(input, outputFolder, known));
  const inputOf = new Map<string, string>();
  for (const { input, name } of files) {
    const { dir, name: stem, ext } = parse(name);
    const output = join(outputFolder, dir, `${stem}${extension ?? ext}`);
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

/** A file, and its path below the folder in which it was found. */
interface NamedFile {
  input: string;
  name: string;
}

function expand(input: string, outputFolder: string, known: readonly string[]): NamedFile[] {
  if (isFolder(input)) {
    if (resolve(input) === resolve(outputFolder)) {
      throw new InputError(
        `"${input}" is the output's folder too: what is written there would be an input the next time. Choose another.`,
        { file: input },
      );
    }
    return orNone(walk(input, outputFolder, known), input, `files of points (${known.join(", ")})`);
  }
  if (isList(input)) return orNone(readList(input), input, "paths, one a line");
  return [{ input, name: basename(input) }];
}

function orNone(files: NamedFile[], input: string, expected: string): NamedFile[] {
  if (files.length > 0) return files;
  throw new InputError(`"${input}" holds nothing to predict, expected ${expected}.`, { file: input, expected });
}

/** All point clouds in a folder and below it, without hidden ones and earlier predictions. */
function walk(folder: string, outputFolder: string, known: readonly string[], below = ""): NamedFile[] {
  return listFolder(folder).flatMap((entry) => {
    const [path, name] = [join(folder, entry.name), join(below, entry.name)];
    if (entry.name.startsWith(".") || resolve(path) === resolve(outputFolder)) return [];
    if (entry.isDirectory()) return walk(path, outputFolder, known, name);
    return known.includes(parse(path).ext.toLowerCase()) ? [{ input: path, name }] : [];
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
