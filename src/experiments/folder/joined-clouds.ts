// Clouds that stand one after the other in the same arrays, as data sets of clouds of different sizes have them: `batch_idx`, or `batch`
// in PyTorch Geometric, says of each point which cloud it is of.

import { FormatError } from "../../errors.ts";
import type { SafeTensor } from "../../formats/bytes/elements.ts";
import type { TextArray } from "../../formats/bytes/text-arrays.ts";
import { edgeLayout, edgeNames, isOfMesh } from "../array-names.ts";
import { rowOf, rowsBetween } from "./array-rows.ts";
import { indicesOf } from "./sample-arrays.ts";

/** The name of the array that numbers clouds. */
export const CLOUD_NUMBERS = "batch_idx";
/** Its other name: what has it, and does not number clouds, is a field of points. */
const LIKELY = "batch";

type Arrays = ReadonlyMap<string, SafeTensor>;

/** The clouds in a file's arrays, of which `name` numbers them: each has the points from `starts[cloud]` to `starts[cloud + 1]`. */
export interface JoinedClouds {
  readonly name: string;
  readonly starts: readonly number[];
}

/**
 * Finds the clouds in arrays of so many points.
 * @returns undefined if there are no several ones
 * @throws FormatError if the points of a cloud do not follow one another, or clouds are not counted from 0 on
 */
export function findJoinedClouds(arrays: Arrays, points: number, file: string): JoinedClouds | undefined {
  for (const name of [CLOUD_NUMBERS, LIKELY]) {
    const array = arrays.get(name);
    if (!array || array.shape[0] !== points || array.data.length !== points) continue;
    const { starts, wrong } = startsOf(array);
    if (wrong === undefined) return starts.length > 2 ? { name, starts } : undefined;
    if (name === LIKELY) continue;
    const problem = `array "${name}", row ${wrong}: is ${array.data[wrong]}`;
    const expected = "expected the numbers of clouds, 0, 1, 2, ..., each for all of its points in succession";
    throw new FormatError(`${file}: ${problem}, ${expected}.`, { file, tensor: name, row: wrong });
  }
  return undefined;
}

/** Returns where each cloud begins, and where the last ends; or the first row that does not number one. */
function startsOf({ data }: SafeTensor): { starts: number[]; wrong?: number } {
  const starts: number[] = [];
  for (let row = 0; row < data.length; row++) {
    const cloud = Number(data[row]);
    if (cloud === starts.length) starts.push(row);
    else if (cloud !== starts.length - 1) return { starts, wrong: row };
  }
  return { starts: [...starts, data.length] };
}

/**
 * Refuses several clouds where one is read: its balls and neighbours would be those of all.
 * @throws FormatError for these
 */
export function expectOneCloud(arrays: Arrays, points: number, file: string): void {
  const found = findJoinedClouds(arrays, points, file);
  if (!found) return;
  const clouds = found.starts.length - 1;
  const advice = "write each to a file of its own, or those of all samples to .npz files";
  throw new FormatError(`${file}: holds ${clouds} clouds by its "${found.name}", expected one: ${advice}.`, {
    file,
    tensor: found.name,
    found: clouds,
  });
}

/**
 * Returns a function that gives what an array has of a cloud: the rows of its points, its row of an array with one for each cloud, the
 * edges or triangles between its points, which then count from its first; of other arrays all, of the clouds' numbers nothing.
 * @throws FormatError for an edge between two clouds
 */
export function partsOfClouds(arrays: Arrays, { name: numbers, starts }: JoinedClouds, file: string) {
  const [points, clouds] = [starts[starts.length - 1], starts.length - 1];
  const meshes = new Map<string, (cloud: number) => SafeTensor>();
  for (const [name, array] of arrays) {
    if (!isOfMesh(name) || array.shape.length !== 2) continue;
    const layout = edgeNames.includes(name) ? edgeLayout(name, array.shape) : "rows";
    if (layout) meshes.set(name, meshByCloud(array, layout === "rows", starts, `${file}:${name}`));
  }
  return <Of extends SafeTensor | TextArray>(name: string, array: Of, cloud: number): Of | undefined => {
    if (name === numbers) return undefined;
    const mesh = meshes.get(name);
    if (mesh) return mesh(cloud) as Of;
    if (array.shape[0] === points) return rowsBetween(array, starts[cloud], starts[cloud + 1]);
    return array.shape[0] === clouds ? rowOf(array, cloud) : array;
  };
}

/** @param inRows whether the points of an edge, or a triangle, are a row; otherwise a column */
function meshByCloud(array: SafeTensor, inRows: boolean, starts: readonly number[], file: string) {
  const points = starts[starts.length - 1];
  const indices = indicesOf(array, points, file);
  const [width, count] = inRows ? [array.shape[1], array.shape[0]] : array.shape;
  const pointAt = (part: number, corner: number) => indices[inRows ? part * width + corner : corner * count + part];
  const cloudOf = new Int32Array(points);
  for (let cloud = 0; cloud + 1 < starts.length; cloud++) cloudOf.fill(cloud, starts[cloud], starts[cloud + 1]);
  const parts: number[][] = starts.slice(1).map(() => []);
  for (let part = 0; part < count; part++) {
    const cloud = cloudOf[pointAt(part, 0)];
    for (let corner = 1; corner < width; corner++) {
      const other = cloudOf[pointAt(part, corner)];
      if (other === cloud) continue;
      throw new FormatError(`${file}: ${part} joins points of the clouds ${cloud} and ${other}.`, { file, row: part });
    }
    parts[cloud].push(part);
  }
  return (cloud: number): SafeTensor => {
    const own = parts[cloud];
    const data = new Int32Array(width * own.length);
    for (const [i, part] of own.entries())
      for (let corner = 0; corner < width; corner++)
        data[inRows ? i * width + corner : corner * own.length + i] = pointAt(part, corner) - starts[cloud];
    return { dtype: "I32", shape: inRows ? [own.length, width] : [width, own.length], data };
  };
}
