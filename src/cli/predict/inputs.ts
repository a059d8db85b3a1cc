// Finds the files to predict, and the path of each one's prediction.

import { basename, dirname, extname, isAbsolute, join, normalize, parse, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import { pointCloudExtensions } from "../../formats/pointcloud.ts";
import { isFolder, placeOf, readBytes } from "../files.ts";
import { filesBelow, type WalkOptions } from "../walk.ts";

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

export interface FindOptions extends Omit<WalkOptions, "skip"> {
  /** Extension of the outputs, with its dot; null where each keeps that of its input. */
  extension?: string | null;
  /** Extensions of the files that are looked for in folders, with their dots. */
  known?: readonly string[];
  /** Other files that no output may be written over. */
  keep?: readonly string[];
}

/**
 * Finds the files that the inputs name, sorted by their outputs.
 *
 * A folder names the point clouds in it and below; a .txt file names the paths in it, one on each line, relative to its own
 * folder. Paths below such a folder are kept below `outputFolder`.
 * @throws InputError before any work, where a folder or list holds none, two files have the same output, or an output is an input
 */
export function findInputs(
  inputs: readonly string[],
  outputFolder: string,
  { extension = ".safetensors", keep = [], known = pointCloudExtensions, ...walk }: FindOptions = {},
): PredictionPaths[] {
  const files = inputs.flatMap((input) => expand(input, outputFolder, known, walk));
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

function expand(input: string, outputFolder: string, known: readonly string[], walk: WalkOptions): NamedFile[] {
  if (isFolder(input)) {
    const isOutput = (path: string) =>
      (placeOf(path) ?? resolve(path)) === (placeOf(outputFolder) ?? resolve(outputFolder));
    if (isOutput(input)) {
      throw new InputError(
        `"${input}" is the output's folder too: what is written there would be an input the next time. Choose another.`,
        { file: input },
      );
    }
    // Without earlier predictions.
    const found = filesBelow(input, { ...walk, skip: isOutput }).filter((name) =>
      known.includes(extname(name).toLowerCase()),
    );
    const files = found.map((name) => ({ input: join(input, name), name }));
    return orNone(files, input, `files of points (${known.join(", ")})`);
  }
  if (isList(input)) return orNone(readList(input), input, "paths, one a line");
  return [{ input, name: basename(input) }];
}

function orNone(files: NamedFile[], input: string, expected: string): NamedFile[] {
  if (files.length > 0) return files;
  throw new InputError(`"${input}" holds nothing to predict, expected ${expected}.`, { file: input, expected });
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
