// Reads a sample from the bytes of its file.

import { FormatError } from "../../errors.ts";
import type { Field } from "./config.ts";
import { onGlobe } from "./globe.ts";
import { gridRule } from "./grid.ts";
import { areTexts, numbersOf as classNumbers, type Label } from "./labels.ts";
import { readArrays } from "./read.ts";
import { type FieldSample, needsTruth, sampleOf, type Wanted, withCoordinates } from "./sample.ts";

/**
 * Reads a sample.
 * @param file the file's name, whose extension chooses the format
 * @param options.truth whether a file without targets, or with wrong ones, is an error (default true)
 * @throws FormatError naming the file, the array and the row that is wrong; for a missing array, the message lists those that exist
 */
export async function readSample(
  bytes: Uint8Array,
  file: string,
  config: Wanted,
  { truth = true } = {},
): Promise<FieldSample> {
  const { location, coordinates, globe, inputs, targets, globals } = config;
  const grid = gridRule(config);
  const namesOf = (fields: readonly Field[]) => fields.flatMap(({ from }) => from);
  const known = [...(grid?.axes ?? coordinates ?? []), ...namesOf(inputs), ...namesOf(globals)];
  const options = {
    labels: textLabels([...inputs, ...targets, ...globals]),
    grid,
    location,
    missing: namesOf(targets.filter(({ missing }) => missing?.includes(Number.NaN))),
  };
  let unusable: string | undefined;
  const read = await readArrays(bytes, file, [...known, ...namesOf(targets)], options).catch((error: unknown) => {
    if (truth || needsTruth(config) || !(error instanceof FormatError)) throw error;
    unusable = error.message;
    return readArrays(bytes, file, known, options);
  });
  const arrays = coordinates && !read.grid ? withCoordinates(read, coordinates) : read;
  return sampleOf(globe && coordinates ? onGlobe(arrays, coordinates) : arrays, config, { truth, unusable });
}

/** Returns the numbers of labels that are texts, by the names of the arrays that hold them. */
const textLabels = (fields: readonly Field[]): Map<string, ReadonlyMap<Label, number>> =>
  new Map(fields.filter(areTexts).flatMap((field) => field.from.map((name) => [name, classNumbers(field)] as const)));
