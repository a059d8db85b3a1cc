// The file of a sample with the predictions for it.

import { addArrays, addableExtensions } from "../../formats/add-arrays.ts";
import { type SafeTensor, type SafeTensorInput, toFloat32 } from "../../formats/bytes/elements.ts";
import type { Cells } from "../../formats/clouds/cells.ts";
import { inSpace, type MeshLocation, pointDataOf } from "../../formats/clouds/mesh.ts";
import { positionNames } from "../../formats/clouds/positions.ts";
import { dottedExtensionOf } from "../../formats/extension.ts";
import { forNumpy } from "../../formats/numpy/elements.ts";
import { noteOnRounding } from "../../formats/rounding.ts";
import { type FileChanges, movedTo, saveVtp, saveVtu } from "../../formats/vtk/vtu-write.ts";
import { type ArrayFormat, encodeArrays, holdsArrays, writeFields } from "../../formats/write-arrays.ts";
import { isOfMesh } from "../array-names.ts";
import type { PredictedField } from "../experiment.ts";
import { expectFinite, namesOfArrays, predictionArrays } from "../prediction.ts";
import type { FolderConfig } from "./config.ts";
import { elseAsDouble, isReadAsSingle } from "./data.ts";
import { type Grid, withAxes } from "./grid.ts";
import { areTexts, labelsOf } from "./labels.ts";
import { readArrays } from "./read.ts";
import type { FieldSample } from "./sample.ts";
import { withCells, withPoints } from "./sample-arrays.ts";

/** Returns the extension of an input's copy with predictions: its own, or .npz if arrays cannot be added to its format. */
export function copyExtension(input: string): string {
  const own = /\.\w+$/.exec(input)?.[0] ?? "";
  return isAddable(own.toLowerCase()) ? own : ".npz";
}

/** Whether arrays can be added to files with this extension, which begins with a dot. */
export function isAddable(extension: string): boolean {
  return addableExtensions.includes(extension.slice(1));
}

/**
 * Returns a remark on truth that cannot be used, or on rounded coordinates. On these training has one, too, but its files may have had
 * others, or another format.
 */
export function noteOn({ file, positions, dimensions, unusable }: FieldSample): string | undefined {
  if (unusable !== undefined)
    return `predicted without the truth: ${unusable.replace(`${file}: `, "").replace(/\.$/, "")}`;
  const note = isReadAsSingle(file) ? noteOnRounding(Float32Array.from(positions), dimensions) : undefined;
  return note && `${note}, ${elseAsDouble}`;
}

/** Why predictions may not be finite after several steps. */
const GROWTH =
  "errors grow from step to step, which noise on the state in training (augmentation: {noise: 0.01}) makes less; or predict fewer steps";

/**
 * Returns the predictions for a sample as arrays of its points. Where the output's format can hold it, those of the whole are one row,
 * and others have the axes of the file's own values.
 * @param step the number of the step of a rollout that predicts them
 * @throws NumericalError for numbers that are not finite, but where they go on from what is missing, and for errors where no truth is known
 */
export function arraysOf(
  fields: readonly PredictedField[],
  { file, targets }: Pick<FieldSample, "file" | "targets">,
  output: string,
  step = 0,
): Map<string, SafeTensorInput> {
  const [what, why] = step > 1 ? [`${file}, step ${step}`, GROWTH] : [file];
  const arraysOf = (fields: readonly PredictedField[]) =>
    pointDataOf(predictionArrays(fields, { wholeOnce: holdsArrays(output) }));
  for (const [name, { shape, data }] of arraysOf(fields.map(withoutGaps)))
    expectFinite(data as Float32Array, shape[1] ?? 1, `${what}: ${name}`, why);
  const arrays: Map<string, SafeTensorInput> = arraysOf(fields);
  if (!holdsArrays(output)) return arrays;
  // NumPy subtracts [n] from [n, 1] without an error, and makes [n, n] of it.
  for (const [i, { name, isWhole }] of fields.entries()) {
    const row = isWhole ? undefined : targets[i]?.row;
    for (const called of row ? namesOfArrays(name, fields.length) : []) {
      const array = arrays.get(called);
      if (array && row) arrays.set(called, { ...array, shape: [array.shape[0], ...row] });
    }
  }
  return arrays;
}

/** Returns a field with 0 in place of missing truth, and of what goes on from missing values. */
function withoutGaps(field: PredictedField): PredictedField {
  const { prediction, truth, state } = field;
  return {
    ...field,
    prediction: state ? prediction.map((value, i) => (Number.isNaN(state[i]) ? 0 : value)) : prediction,
    ...(truth && { truth: truth.map((value) => (Number.isNaN(value) ? 0 : value)) }),
  };
}

/** Encodes an input with arrays added; an output of another format contains what that format supports. */
export async function encode(predicted: PredictedFile, output: string): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, sample, arrays, changes } = predicted;
  const [from, to] = [sample.file, output].map(dottedExtensionOf);
  const location = locationOf(sample);
  if (from === to) {
    const added = sample.grid ? withAxes(arrays, sample.grid) : arrays;
    return addArrays(bytes, added, sample.file, { ...changes, location });
  }
  return writeContents(await contentsOf(predicted), output);
}

/** Returns the labels that a sample's file has as texts at its points, which are in none of its arrays of numbers. */
export function labelsIn(
  { points, inputs, targets }: FieldSample,
  config: Pick<FolderConfig, "inputs" | "targets">,
): Map<string, SafeTensorInput> {
  const found = new Map<string, SafeTensorInput>();
  const fields = [...config.inputs, ...config.targets];
  for (const [i, { data }] of [...inputs, ...targets].map((columns) => columns ?? { data: [] }).entries()) {
    if (!areTexts(fields[i]) || data.length !== points) continue;
    found.set(fields[i].from[0], { shape: [points], data: Int32Array.from(data), labels: labelsOf(fields[i]) });
  }
  return found;
}

/** A file of a sample with what is predicted of it. */
export interface PredictedFile {
  bytes: Uint8Array;
  /** The file's sample, whose coordinates are the points if its format does not tell which array they are. */
  sample: FieldSample;
  arrays: ReadonlyMap<string, SafeTensorInput>;
  /** Those of its labels that are texts. */
  labels?: ReadonlyMap<string, SafeTensorInput> | undefined;
  /** What of the file is not as in the prediction, that is of a frame after it. */
  changes?: FileChanges;
}

const locationOf = ({ corners }: FieldSample): MeshLocation => (corners ? "cells" : "points");

/** What an output of another format than the input's contains. */
export interface Contents {
  /** [n, 2] or [n, 3] */
  points: SafeTensor;
  cells?: Cells | undefined;
  /** [m, 3] the points between which the cells are, where `points` are these cells' centres. */
  corners?: SafeTensor | undefined;
  /** The grid that the points form: formats of named arrays have its axes in place of the points. */
  grid?: Grid | undefined;
  arrays: ReadonlyMap<string, SafeTensorInput>;
  /** Arrays of the whole. */
  wholes: ReadonlyMap<string, SafeTensorInput>;
}

export async function contentsOf(predicted: PredictedFile): Promise<Contents> {
  const { bytes, sample, arrays, labels = new Map(), changes: { without = [], points: moved } = {} } = predicted;
  const { file, points: rows, dimensions, positions, grid } = sample;
  const read = await readArrays(bytes, file, undefined, { grid, location: locationOf(sample) });
  const dtype = positions instanceof Float32Array ? "F32" : "F64";
  // The file may have other points, too, which its config's coordinates are not, and degrees of those on a globe.
  const isOfSample = read.points?.shape[0] === rows && read.points.shape[1] >= dimensions;
  const found = isOfSample ? read : undefined;
  const points: SafeTensor = found?.points ?? { dtype, shape: [rows, dimensions], data: positions };
  const { cells, pointData, wholeData } = grid
    ? withCells({ ...read, grid }, rows)
    : (found ?? withPoints(read, points));
  const known = (of: ReadonlyMap<string, SafeTensor>): [string, SafeTensorInput][] =>
    [...of].map(([name, array]) => [name, forNumpy(array)]);
  const kept = known(pointData).filter(([name]) => !without.includes(name));
  return {
    points: moved ? movedTo(moved, points) : points,
    cells,
    corners: read.corners,
    grid,
    arrays: new Map([...kept, ...labels, ...arrays]),
    wholes: new Map(known(wholeData)),
  };
}

/** Arrays keep their types where the format has these: float32 would make one number of many points' identifiers. */
export function writeContents(contents: Contents, output: string): Uint8Array<ArrayBuffer> {
  const { points, cells, corners, grid, arrays, wholes } = contents;
  const to = dottedExtensionOf(output);
  if (holdsArrays(output)) {
    const all = new Map<string, SafeTensorInput>(grid ? [] : [[positionNames[0], points]]);
    for (const [name, array] of [...wholes, ...(grid ? withAxes(arrays, grid) : arrays)]) all.set(name, array);
    return encodeArrays(all, to as ArrayFormat);
  }
  const columns = (of: Contents["arrays"]) => new Map([...of].filter(([, { shape }]) => shape.length <= 2));
  const [rows, dimensionality] = points.shape;
  if (to === ".vtu" || to === ".vtp") {
    const { data } = points;
    const flat = () => inSpace(data instanceof Float64Array ? data : toFloat32(points), 2);
    const inSpace3 = dimensionality === 3 ? points : { shape: [rows, 3], data: flat() };
    // The cells are those that these arrays list.
    const fieldData = new Map([...columns(wholes)].filter(([name]) => !isOfMesh(name)));
    const mesh = corners
      ? { points: corners, cells, cellData: columns(arrays), fieldData }
      : { points: inSpace3, cells, pointData: columns(arrays), fieldData };
    return (to === ".vtu" ? saveVtu : saveVtp)(mesh);
  }
  const exact = points.data instanceof Float64Array ? points.data : undefined;
  return writeFields({ positions: toFloat32(points), exact, dimensionality }, columns(arrays), output);
}
