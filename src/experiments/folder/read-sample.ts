// Reads a sample from the bytes of its file.

import { FormatError } from "../../errors.ts";
import type { SafeTensor } from "../../formats/bytes/elements.ts";
import type { Field } from "./config.ts";
import { onGlobe } from "./globe.ts";
import { gridRule } from "./grid.ts";
import { CLOUD_NUMBERS, expectOneCloud } from "./joined-clouds.ts";
import { areTexts, numbersOf as classNumbers, type Label } from "./labels.ts";
import { readArrays } from "./read.ts";
import { type FieldSample, needsTruth, sampleOf, type Wanted, withCoordinates } from "./sample.ts";
import type { SampleArrays } from "./sample-arrays.ts";
import { type SideTable, withoutTable, withRow } from "./side-table.ts";

/** See `readSample`. */
export interface SampleOptions {
  truth?: boolean;
  table?: SideTable | undefined;
  values?: ReadonlyMap<string, SafeTensor> | undefined;
  path?: string;
}

/**
 * Reads a sample.
 * @param file the file's name, whose extension chooses the format
 * @param options.truth whether a file without targets, or with wrong ones, is an error (default true)
 * @param options.table the table of the config, from whose row of this sample values of the whole are taken
 * @param options.values globals by their names in the config, which go before those of the table and the file
 * @param options.path the sample's path by which the table names it (default: `file`)
 * @throws FormatError naming the file, the array and the row that is wrong; for a missing array, the message lists those that exist
 */
export async function readSample(
  bytes: Uint8Array,
  file: string,
  wanted: Wanted,
  { truth = true, table, values = new Map(), path = file }: SampleOptions = {},
): Promise<FieldSample> {
  const config = withGiven(wanted, values);
  const { location, coordinates, globe, inputs, targets, globals } = config;
  const grid = gridRule(config);
  const namesOf = (fields: readonly Field[]) => fields.flatMap(({ from }) => from);
  const known = [...(grid?.axes ?? coordinates ?? []), ...namesOf(inputs), ...namesOf(globals)];
  const inFile = [...known, CLOUD_NUMBERS];
  const labels = textLabels([...inputs, ...targets, ...globals]);
  const options = {
    labels,
    grid,
    location,
    missing: namesOf(targets.filter(({ missing }) => missing?.includes(Number.NaN))),
  };
  let unusable: string | undefined;
  const read = await readArrays(bytes, file, [...inFile, ...namesOf(targets)], options).catch((error: unknown) => {
    if (truth || needsTruth(config) || !(error instanceof FormatError)) throw error;
    unusable = error.message;
    return readArrays(bytes, file, inFile, options);
  });
  const placed = coordinates && !read.grid ? withCoordinates(read, coordinates) : read;
  const own = globe && coordinates ? onGlobe(placed, coordinates) : placed;
  if (own.points && !own.grid) expectOneCloud(own.pointData, own.points.shape[0], file);
  const ofPoints = namesOf([...inputs, ...targets.filter(({ whole }) => !whole)]);
  // What a field of points takes from the file is not looked for in the table.
  const isInTable = (name: string) => !ofPoints.includes(name) || !own.pointData.has(name);
  const inTable = [...known, ...namesOf(targets)].filter(isInTable);
  const arrays = table ? withRow(own, table, path, { wanted: inTable, labels }) : withoutTable(own, config.table);
  return sampleOf(withValues(arrays, values), config, { truth, unusable });
}

/** The array that a given global is, beside those of the file, of which another field may be the one of its name. */
const givenName = (name: string) => `values.${name}`;

/** Returns a config whose given globals are the arrays of `withValues`. */
const withGiven = (config: Wanted, values: ReadonlyMap<string, SafeTensor>): Wanted => ({
  ...config,
  globals: config.globals.map((field) =>
    values.has(field.name) ? { ...field, from: [givenName(field.name)] } : field,
  ),
});

const withValues = (arrays: SampleArrays, values: ReadonlyMap<string, SafeTensor>): SampleArrays => ({
  ...arrays,
  wholeData: new Map([...arrays.wholeData, ...[...values].map(([name, value]) => [givenName(name), value] as const)]),
});

/** Returns the numbers of labels that are texts, by the names of the arrays that hold them. */
const textLabels = (fields: readonly Field[]): Map<string, ReadonlyMap<Label, number>> =>
  new Map(fields.filter(areTexts).flatMap((field) => field.from.map((name) => [name, classNumbers(field)] as const)));
