// Exodus II, the files of finite elements of MOOSE, Cubit and Sandia's programs: netCDF, classic or HDF5, with names of its own for the
// points, the elements, and the fields of each step in time.

import { elementCount, type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import { type ArrayContents, arrayTypes, type SafeTensor } from "../bytes/elements.ts";
import { integersOf } from "../bytes/integers.ts";
import type { TextArray } from "../bytes/text-arrays.ts";
import { vertices } from "../clouds/mesh.ts";
import type { MeshInTime } from "../clouds/mesh-steps.ts";
import { Unpacking } from "../compression/unpacking.ts";
import { readHdf5 } from "../hdf5/lazy.ts";
import { cellsOf, ELEMENT_TYPE, numbered } from "./cells.ts";

/** The contents of an Exodus II file. */
export type ExodusFile = MeshInTime;

/** The arrays of texts: the names of fields and of sets of points. */
const isOfNames = (name: string) => /^name_(nod|glo|elem)_var$|^ns_names$/.test(name);

/**
 * Reads a mesh: points, cells of VTK's types, and fields of both in their own types. Point data are [points] if the file has a single
 * step in time, otherwise [steps, points]; sets of points are arrays of 0 and 1, [points]. Cell data are likewise [cells] or [steps, cells],
 * NaN in blocks of elements without such a field. Field data are the global variables, [steps]. Two-dimensional points get a z of 0.
 * @param options.file name used in error messages (default "exo")
 * @throws FormatError for a file that is damaged, or has no points, and for elements whose type is not known. WorkerError if the file is
 *   HDF5 and the library's module, hdf5.wasm, cannot be loaded.
 */
export async function loadExodus(input: FileBytes, options: { file?: string } = {}): Promise<ExodusFile> {
  const { file = "exo" } = options;
  const bytes = toBytes(input);
  const contents = await readHdf5(bytes, { file, texts: isOfNames, note: ELEMENT_TYPE });
  const unpacking = new Unpacking(bytes.length);
  const points = pointsOf(contents, file, unpacking);
  const [count] = points.shape;
  const cells = cellsOf(contents, count, file);
  const fields = fieldsOf(contents, count, file);
  return {
    points,
    cells: cells.types.length > 0 ? cells : vertices(count),
    pointData: new Map([...setsOf(contents, count, file, unpacking), ...fields]),
    cellData: cellFieldsOf(contents, file, unpacking),
    fieldData: globalsOf(contents, file),
    times: Float64Array.from(contents.arrays.get("time_whole")?.data ?? [], Number),
  };
}

/** Returns the coordinates, which are an array for each axis, or in old files one array: [points, 3]. */
function pointsOf({ arrays }: ArrayContents, file: string, unpacking: Unpacking): SafeTensor {
  const together = arrays.get("coord");
  const found = ["coordx", "coordy", "coordz"].map((name) => arrays.get(name)?.data);
  const axes = found.slice(0, found.indexOf(undefined) >>> 0).filter((data) => data !== undefined);
  if (together?.shape.length === 2 && axes.length === 0) {
    const [dimensions, points] = together.shape;
    for (let axis = 0; axis < dimensions; axis++) axes.push(together.data.slice(axis * points, (axis + 1) * points));
  }
  const [first, ...others] = axes;
  if (!first || axes.length > 3 || others.some(({ length }) => length !== first.length)) {
    throw formatError(file, "is no file of Exodus II: it has no points (coordx, coordy, ... or coord).");
  }
  const count = first.length;
  unpacking.take(3 * count * Float64Array.BYTES_PER_ELEMENT, file);
  const single = axes.every((axis) => axis instanceof Float32Array);
  const data = single ? new Float32Array(3 * count) : new Float64Array(3 * count);
  axes.forEach((values, axis) => {
    for (let i = 0; i < count; i++) data[3 * i + axis] = Number(values[i]);
  });
  return { dtype: single ? "F32" : "F64", shape: [count, 3], data };
}

/** Returns the fields of points: an array for each, or in old files one for all. */
function fieldsOf({ arrays, texts }: ArrayContents, points: number, file: string): Map<string, SafeTensor> {
  const fields = new Map<string, SafeTensor>();
  const names = namesIn({ texts }, "name_nod_var");
  const ofAll = arrays.get("vals_nod_var");
  let steps: number | undefined;
  names.forEach((name, i) => {
    const variable = `vals_nod_var${i + 1}`;
    const array = arrays.get(variable) ?? (ofAll && columnOf(ofAll, i, `${file}:vals_nod_var`));
    if (array?.shape[0] === 0) return;
    steps ??= array?.shape[0];
    if (!array || array.shape[0] !== steps || array.shape[1] !== points) {
      const problem = `expected the values of "${name}", [${steps ?? "steps"}, ${points}], found ${array ? `[${array.shape}]` : "none"}.`;
      throw formatError(`${file}:${variable}`, problem, { tensor: variable, found: array?.shape ?? null });
    }
    fields.set(name, withoutOneStep(array));
  });
  return fields;
}

/** Returns the fields of cells, which have an array for each block of elements that has them. */
function cellFieldsOf({ arrays, texts }: ArrayContents, file: string, unpacking: Unpacking): Map<string, SafeTensor> {
  const blocks = numbered(arrays.keys(), "connect").map(([name, number]) => ({
    number,
    rows: arrays.get(name)!.shape[0],
  }));
  const cells = blocks.reduce((sum, { rows }) => sum + rows, 0);
  const fields = new Map<string, SafeTensor>();
  namesIn({ texts }, "name_elem_var").forEach((name, i) => {
    const parts = blocks.map(({ number, rows }) => {
      const variable = `vals_elem_var${i + 1}eb${number}`;
      return { variable, rows, array: arrays.get(variable) };
    });
    const [first] = parts.flatMap(({ array }) => array ?? []);
    if (!first || first.shape[0] === 0) return;
    const [steps] = first.shape;
    const single = parts.every(({ array }) => array === undefined || array.dtype === "F32");
    const Numbers = single ? Float32Array : Float64Array;
    unpacking.take(steps * cells * Numbers.BYTES_PER_ELEMENT, `${file}:${name}`);
    const data = new Numbers(steps * cells).fill(Number.NaN);
    let begin = 0;
    for (const { variable, rows, array } of parts) {
      if (array && (array.shape[0] !== steps || array.shape[1] !== rows)) {
        const problem = `expected the values of "${name}", [${steps}, ${rows}], found [${array.shape}].`;
        throw formatError(`${file}:${variable}`, problem, { tensor: variable, found: array.shape });
      }
      for (let step = 0; array && step < steps; step++) {
        for (let row = 0; row < rows; row++) data[step * cells + begin + row] = Number(array.data[step * rows + row]);
      }
      begin += rows;
    }
    fields.set(name, withoutOneStep({ dtype: single ? "F32" : "F64", shape: [steps, cells], data }));
  });
  return fields;
}

/** Global variables: [steps, variables]. */
function globalsOf({ arrays, texts }: ArrayContents, file: string): Map<string, SafeTensor> {
  const values = arrays.get("vals_glo_var");
  if (!values || values.data.length === 0) return new Map();
  const read = (name: string, i: number) => [name, columnOf(values, i, `${file}:vals_glo_var`)] as const;
  return new Map(namesIn({ texts }, "name_glo_var").map(read));
}

/** Returns the arrays of sets of points: 1 for points in the set, otherwise 0. */
function setsOf(contents: ArrayContents, points: number, file: string, unpacking: Unpacking): Map<string, SafeTensor> {
  const names = namesIn(contents, "ns_names");
  const numbers = contents.arrays.get("ns_prop1")?.data ?? [];
  const sets = new Map<string, SafeTensor>();
  for (const [variable, number] of numbered(contents.arrays.keys(), "node_ns")) {
    const place = `${file}:${variable}`;
    unpacking.take(points, place);
    const data = new Uint8Array(points);
    for (const node of integersOf(contents.arrays.get(variable) as SafeTensor, place)) {
      if (!(node >= 1 && node <= points)) {
        throw formatError(place, `has the point ${node}, there are ${points}, counted from 1.`, { found: node });
      }
      data[node - 1] = 1;
    }
    sets.set(names[number - 1] || `node_set_${numbers[number - 1] ?? number}`, { dtype: "U8", shape: [points], data });
  }
  return sets;
}

/** Returns [steps, ...] of an array [steps, variables, ...]. */
function columnOf({ dtype, shape, data }: SafeTensor, index: number, place: string): SafeTensor {
  const [steps, variables, ...rest] = shape;
  if (!(index < variables))
    throw formatError(place, `has no values of variable ${index}: it is [${shape}].`, { found: shape });
  const size = elementCount(rest);
  const column = new arrayTypes[dtype](steps * size);
  for (let step = 0; step < steps; step++) {
    const start = (step * variables + index) * size;
    (column as Float64Array).set(data.subarray(start, start + size) as Float64Array, step * size);
  }
  return { dtype, shape: [steps, ...rest], data: column };
}

const withoutOneStep = (array: SafeTensor): SafeTensor =>
  array.shape[0] === 1 ? { ...array, shape: array.shape.slice(1) } : array;

/** Returns the names in an array of texts; in HDF5 these are characters, [names, length]. */
function namesIn({ texts }: Pick<ArrayContents, "texts">, variable: string): string[] {
  const array = texts?.get(variable);
  return array ? joined(array).map((name) => name.trim()) : [];
}

function joined({ shape, texts }: TextArray): string[] {
  if (shape.length < 2) return texts;
  const [rows, length] = shape;
  return Array.from({ length: rows }, (_, row) => texts.slice(row * length, (row + 1) * length).join(""));
}
