// Makes a sample of the arrays that a config asks for, and checks them. Values stay in the file's own units.

import { firstNotFinite } from "../../arguments/numbers.ts";
import { FormatError } from "../../errors.ts";
import type { SafeTensor } from "../../formats/bytes/elements.ts";
import type { Cells } from "../../formats/clouds/cells.ts";
import { dimensionalityOf } from "../../formats/clouds/positions.ts";
import { PREDICTION } from "../prediction.ts";
import { type Field, type FolderConfig, isPositions, type Target } from "./config.ts";
import { type FileNumbers, numbersOf } from "./file-numbers.ts";
import type { Grid } from "./grid.ts";
import { areTexts, numbersOf as classNumbers } from "./labels.ts";
import { areSame, withGaps } from "./missing.ts";
import { componentsOf, edgesOf, type SampleArrays, withCells, withPoints } from "./sample-arrays.ts";

/** Values of each point, or of the whole sample. */
export interface Columns {
  /** [rows, width] */
  readonly data: FileNumbers;
  readonly width: number;
  /** The axes that a row has in the file, where it is one array's: [] of [n], [1] of [n, 1], [3, 3] of [n, 3, 3]. */
  readonly row?: readonly number[];
}

/** A sample of the folder, as its file has it. */
export interface FieldSample {
  /** The file's name in error messages. */
  readonly file: string;
  readonly points: number;
  readonly dimensions: number;
  /** [points, dimensions] */
  readonly positions: FileNumbers;
  /** The inputs of each point, in the config's order. */
  readonly inputs: readonly Columns[];
  /** The targets, of each point or of the whole; undefined if the file has no truth, which a prediction does not need. */
  readonly targets: readonly (Columns | undefined)[];
  /** Values of the whole sample. */
  readonly globals: readonly Columns[];
  /** [2 E] edges of the mesh, if the config asks for that graph. */
  readonly edges?: Int32Array;
  /** The mesh between the points, or between `corners`, if the file has one. */
  readonly cells?: Cells;
  /** [n, 3] The points of the mesh, where those of the sample are the centres of its cells. */
  readonly corners?: SafeTensor;
  /** The grid that the points form, if the file does not list them. */
  readonly grid?: Grid;
  /** What is wrong with the truth that the file has, where it can do without. */
  readonly unusable?: string;
  /** Whether the file is a copy of a sample with the predictions of a model, as `erwin predict` writes it. */
  readonly isPredicted?: true;
}

/** What a config asks for. */
export type Wanted = Pick<
  FolderConfig,
  "location" | "coordinates" | "grid" | "globe" | "table" | "dimensions" | "inputs" | "targets" | "globals" | "graph"
> & {
  readonly sequence?: unknown;
};

/** A sequence goes on from its targets; otherwise a prediction needs no truth, and truth with gaps is none. */
export const needsTruth = ({ sequence }: Wanted) => sequence !== undefined;

/**
 * Returns the sample that arrays are.
 * @param options.unusable what is wrong with the truth that the file has, if that is known already
 * @throws FormatError as `readSample` does
 */
export function sampleOf(
  arrays: SampleArrays,
  config: Wanted,
  { truth, unusable: wrong }: { truth: boolean; unusable?: string | undefined },
): FieldSample {
  const { file, grid, corners } = arrays;
  const { inputs, targets, globals, graph } = config;
  let unusable = wrong;
  const { positions, dimensions } = positionsOf(arrays, config);
  const points = positions.length / dimensions;
  const { cells } = graph.kind === "mesh" ? withCells(arrays, points) : arrays;
  const ofTarget = (field: Field) =>
    isPositions(field) ? { data: positions, width: dimensions } : pointColumns(arrays, field, true);
  return {
    file,
    points,
    dimensions,
    positions,
    inputs: inputs.map((field) => pointColumns(arrays, field)),
    targets: targets.map((field) => {
      if (!truth && !isPositions(field) && !field.from.every((name) => has(arrays, name))) return undefined;
      try {
        return field.whole ? wholeColumns(arrays, field, true) : ofTarget(field);
      } catch (error) {
        if (truth || needsTruth(config) || !(error instanceof FormatError)) throw error;
        unusable = error.message;
        return undefined;
      }
    }),
    globals: globals.map((field) => wholeColumns(arrays, field)),
    ...(graph.kind === "mesh" && { edges: edgesOf({ ...arrays, cells }, points) }),
    ...(cells && { cells }),
    ...(corners && { corners }),
    ...(grid && { grid }),
    ...(unusable !== undefined && { unusable }),
    ...(isPredicted(arrays, config) && { isPredicted: true }),
  };
}

/** Whether a file has predictions that the config does not ask for. */
function isPredicted({ names }: SampleArrays, { inputs, targets, globals }: Wanted): boolean {
  const isPrediction = (name: string) => name === PREDICTION || name.startsWith(`${PREDICTION}_`);
  const asked = [...inputs, ...targets, ...globals].flatMap(({ from }) => from);
  return names.some(isPrediction) && !asked.some(isPrediction);
}

const has = ({ pointData, wholeData }: SampleArrays, name: string) =>
  pointData.has(name) || wholeData.has(name) || componentsOf(name, [...pointData.keys()]).length > 0;

function positionsOf(arrays: SampleArrays, { coordinates, dimensions }: Wanted) {
  const { file, points } = arrays;
  if (!coordinates && points) dimensionalityOf(points, file);
  if (!points) {
    const problem = `holds no array of positions that is known by its name; name it in the config: coordinates: NAME. There are ${list(arrays.names)}.`;
    throw new FormatError(`${file}: ${problem}`, { file, found: [...arrays.names] });
  }
  const { data, width } = columnsOf(points, `${file}:points`);
  if (data.length === 0) throw new FormatError(`${file}: has no points.`, { file, expected: 1, found: 0 });
  const kept = dimensions ?? width;
  if ((width !== 2 && width !== 3) || kept > width) {
    throw new FormatError(`${file}: has ${width} coordinates, expected ${dimensions ?? "2 or 3"}.`, {
      file,
      expected: dimensions ?? [2, 3],
      found: width,
    });
  }
  const positions = kept === width ? data : data.filter((_, i) => i % width < kept);
  expectFinite(positions, kept, file, "coordinates");
  return { positions, dimensions: kept };
}

/** Returns the arrays with the named ones, side by side, as the points. */
export function withCoordinates(arrays: SampleArrays, names: readonly string[]): SampleArrays {
  if (nameOwnPoints(arrays, names)) return arrays;
  const { data, width } = joinPicked(
    { ...arrays, pointData: arrays.all ?? arrays.pointData },
    names,
    ` ${adviceOnGrid(names)}`,
  );
  const dtype = data instanceof Float32Array ? "F32" : "F64";
  return withPoints(arrays, { dtype, shape: [data.length / width, width], data });
}

/** Whether names mean the points that a format defines, which are not among its other arrays: points, x, y and z, or their columns. */
function nameOwnPoints({ points, axes = [], pointData, all }: SampleArrays, names: readonly string[]): boolean {
  if (all || !points || names.some((name) => pointData.has(name))) return false;
  const usual = ["x", "y", "z"].slice(0, points.shape[1]);
  return [usual.join(), "points", axes.join().toLowerCase()].includes(names.join().toLowerCase());
}

/** Returns an array of the points, or its components if they are in separate arrays. */
function pick(arrays: SampleArrays, name: string): Columns {
  const { file, pointData } = arrays;
  const array = pointData.get(name);
  if (array) return columnsOf(array, `${file}:${name}`);
  const parts = componentsOf(name, [...pointData.keys()]);
  if (parts.length > 0)
    return join(
      parts.map((part) => columnsOf(pointData.get(part) as SafeTensor, `${file}:${part}`)),
      file,
    );
  throw missingArray(arrays, name);
}

/** @param of whose array it should be */
function missingArray(arrays: SampleArrays, name: string, of = " of its points"): FormatError {
  const { file, points, corners, wholeData, names, elsewhere, leftOut, grid, noRow } = arrays;
  const whole = wholeData.get(name);
  if (whole && grid) {
    const expected = `expected [${grid.sizes}], the grid of ${grid.axes.join(", ")}, and components after it`;
    const problem = `array "${name}" has the shape [${whole.shape}], ${expected}.`;
    return new FormatError(`${file}: ${problem}`, {
      file,
      tensor: name,
      expected: [...grid.sizes],
      found: whole.shape,
    });
  }
  if (whole && points) return otherRows({ file, name, shape: whole.shape, points: points.shape[0] });
  const reason = leftOut?.get(name);
  if (reason !== undefined) {
    const advice = reason === "text" ? "; list the texts as labels: classes: [NAME, ...]" : "";
    const problem = `array "${name}" cannot be used, it holds ${reason}${advice}.`;
    return new FormatError(`${file}: ${problem}`, { file, tensor: name, expected: name, found: reason });
  }
  const other = corners
    ? "It is of points: leave out location: cells."
    : "It is of cells: set location: cells, or make it data of points (ParaView's Cell Data to Point Data).";
  const advice = elsewhere.includes(name) ? ` ${other}` : "";
  const what = of === "" || !corners ? of : " of its cells";
  const problem = `has no array "${name}"${what}; there are ${list(names)}.${advice}${noRow ? ` ${noRow}` : ""}`;
  return new FormatError(`${file}: ${problem}`, { file, tensor: name, expected: name, found: [...names] });
}

const list = (names: readonly string[]) =>
  names.length === 0
    ? "none"
    : names
        .slice(0, 100)
        .map((name) => `"${name}"`)
        .join(", ");

/** @param mayMiss whether a config could say that values are missing */
const pointColumns = (arrays: SampleArrays, field: Field, mayMiss = false): Columns =>
  checkedValues(joinPicked(arrays, field.from), field, arrays.file, mayMiss);

function otherRows(of: { file: string; name: string; shape: readonly number[]; points: number }) {
  const { file, name, points } = of;
  const [rows = 1, columns] = of.shape;
  const ofWhole = " Numbers of the whole sample are globals, or targets with whole: true.";
  const ofFrames = " Arrays [frames, points, ...] are of a sequence: sequence: true.";
  const advice = rows === 1 ? ofWhole : columns === points ? ofFrames : "";
  const problem = `array "${name}" has ${rows === 1 ? "one row" : `${rows} rows`}, there are ${points} points.${advice}`;
  return new FormatError(`${file}: ${problem}`, { file, tensor: name, expected: points, found: rows });
}

/** Returns values of the whole sample; they may also be stored at the points, if all points have the same values. */
function wholeColumns(arrays: SampleArrays, field: Field, mayMiss = false): Columns {
  const { file, wholeData, pointData } = arrays;
  const parts = field.from.map((array): Columns => {
    const whole = wholeData.get(array);
    if (whole) {
      const data = numbersOf(whole, `${file}:${array}`);
      return { data, width: data.length };
    }
    if (!pointData.has(array)) throw missingArray(arrays, array, "");
    const columns = pick(arrays, array);
    const first = columns.data.subarray(0, columns.width);
    const wrong = columns.data.findIndex((value, i) => !areSame(value, first[i % columns.width]));
    if (wrong < 0) return { data: first, width: columns.width };
    const row = Math.floor(wrong / columns.width);
    const problem = `array "${array}" is a global, but point ${row} has another value than point 0.`;
    throw new FormatError(`${file}: ${problem}`, { file, tensor: array, row });
  });
  return checkedValues(join(parts, file), field, file, mayMiss);
}

/** Returns a field's values, with the classes' numbers in place of labels that are numbers, and NaN in place of missing values. */
function checkedValues(columns: Columns, field: Field, file: string, mayMiss: boolean): Columns {
  if (field.classes !== undefined) return classesIn(columns, field, file);
  const { data, width } = columns;
  const { missing = [] } = field as Partial<Target>;
  const isKnown = (value: number) => !missing.includes(value);
  const known = missing.length > 0 ? data.map((value) => (isKnown(value) ? value : 0)) : data;
  expectFinite(known, width, file, field.name, mayMiss);
  return missing.length > 0 ? { ...columns, data: withGaps(data, missing) } : columns;
}

/** Returns a field's values without the labels that do not count. */
export function counted({ data, width }: Columns, { ignore }: Field): Columns {
  return { data: ignore.length === 0 ? data : data.filter((value) => !ignore.includes(value)), width };
}

/** Returns [n] as one column and [n, width] as `width` columns; an array with more axes has a column for each element of a row. */
function columnsOf(array: SafeTensor, name: string): Columns {
  const [rows = 1, ...row] = array.shape;
  const data = numbersOf(array, name);
  return { data, width: rows === 0 ? 1 : data.length / rows, row };
}

/** Returns arrays of the points side by side, each of which may itself be in components. */
const joinPicked = (arrays: SampleArrays, names: readonly string[], advice = "") =>
  join(
    names.map((name) => pick(arrays, name)),
    arrays.file,
    advice,
  );

/** Says what to do where arrays that a config has for coordinates of points are the axes of a grid. */
function adviceOnGrid(axes: readonly string[]): string {
  const slowestFirst = [...axes].reverse().join(", ");
  return `The axes of a grid are not the coordinates of its points: say which they are, grid: [${slowestFirst}], in the order of the fields' axes.`;
}

/** Joins columns side by side. */
function join(parts: readonly Columns[], file: string, advice = ""): Columns {
  if (parts.length === 1) return parts[0];
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  const rows = parts[0].data.length / parts[0].width;
  const data = new Float64Array(rows * width);
  let first = 0;
  for (const part of parts) {
    if (part.data.length !== rows * part.width) {
      throw new FormatError(
        `${file}: arrays side by side have ${rows} and ${part.data.length / part.width} rows.${advice}`,
        {
          file,
        },
      );
    }
    for (let i = 0; i < part.data.length; i++) {
      data[Math.floor(i / part.width) * width + first + (i % part.width)] = part.data[i];
    }
    first += part.width;
  }
  return { data, width };
}

/** @param mayMiss whether a config can say that NaN stands for a missing value */
function expectFinite(values: FileNumbers, width: number, file: string, name: string, mayMiss = false): void {
  const wrong = firstNotFinite(values);
  if (wrong < 0) return;
  const row = Math.floor(wrong / width);
  const advice = mayMiss && Number.isNaN(values[wrong]) ? "; missing: nan leaves such values out" : "";
  throw new FormatError(
    `${file}: array "${name}", row ${row}: is ${values[wrong]}, expected finite numbers${advice}.`,
    {
      file,
      tensor: name,
      row,
    },
  );
}

function classesIn(columns: Columns, field: Field, file: string): Columns {
  const { data, width } = columns;
  const { name, classes = 0, labels, ignore } = field;
  if (width !== 1) {
    throw new FormatError(`${file}: array "${name}" has ${width} components, expected one number: the class.`, {
      file,
      tensor: name,
    });
  }
  const isClass = (value: number) => Number.isInteger(value) && value >= 0 && value < classes;
  const numbers = labels && !areTexts(field) ? classNumbers(field) : undefined;
  const isKnown = (value: number) => (numbers ? numbers.has(value) : isClass(value) || ignore.includes(value));
  const wrong = data.findIndex((value) => !isKnown(value));
  if (wrong < 0) return numbers ? { ...columns, data: data.map((value) => numbers.get(value) as number) } : columns;
  const expected = numbers ? `one of the classes ${labels?.join(", ")}` : `a class from 0 to ${classes - 1}`;
  const more = !numbers && data[wrong] > 0 ? `classes: ${data[wrong] + 1} has room for it, ` : "";
  const advice = Number.isInteger(data[wrong]) ? `; ${more}ignore: ${data[wrong]} leaves such labels out` : "";
  throw new FormatError(`${file}: array "${name}", row ${wrong}: is ${data[wrong]}, expected ${expected}${advice}.`, {
    file,
    tensor: name,
    row: wrong,
    found: data[wrong],
  });
}
