// Reads the points that the page shows from any file that the library supports: positions, fields for colouring, the clouds of a
// batch, and edges if the file has any.

import type { Attribute, SafeTensor, TypedArray } from "erwin/formats";
import * as formats from "erwin/formats";
import { edgeLayout, edgeNames, positionNames } from "../../experiments/array-names.ts";
import { equalCells, meshEdges } from "../../formats/clouds/cells.ts";
import { hasSteps, type MeshInTime, meshEdgeIndex } from "../../formats/clouds/mesh-steps.ts";
import { expectUnpacked } from "../../formats/compression/packed.ts";
import { forExodus } from "../../formats/exodus/extensions.ts";
import { extensionOf } from "../../formats/extension.ts";
import { forHdf5 } from "../../formats/hdf5/extensions.ts";
import { headFormats, unknownFormat } from "../../formats/other-formats.ts";

export interface Cloud {
  name: string;
  /** [points, dimensionality] */
  positions: Float32Array;
  /** 2 or 3. */
  dimensionality: number;
  /** [clouds + 1] the first point of each cloud in a batch, then the number of points. */
  offsets: Int32Array;
  /** The names of further values at each point. */
  fields: readonly string[];
  /** Returns a field's values. @throws FormatError for a field that is not numeric */
  field(name: string): Attribute;
  /** Returns [2, edges], sources, then targets: the file's graph or the sides of its cells; undefined if it has neither. */
  edges(): Int32Array | undefined;
}

/** Formats of named arrays, one of which has to be the positions. */
const arrayFormats: Readonly<Record<string, (bytes: Uint8Array, file: string) => Promise<Arrays> | Arrays>> = {
  ...forHdf5((bytes: Uint8Array, file: string) => formats.loadHdf5(bytes, { file })),
  mat: (bytes, file) => formats.loadMatlab(bytes, { file }),
  ...forExodus(async (bytes: Uint8Array, file: string) => lastStepOf(await formats.loadExodus(bytes, { file }))),
  vtkhdf: async (bytes, file) => lastStepOf(await formats.loadVtkHdf(bytes, { file })),
  pt: readTorch,
  pth: readTorch,
  th: readTorch,
  tfrecord: readFirstRecord,
};

/** The extensions of all files that the page opens, with their dots. */
const cloudExtensions: readonly string[] = [
  ...formats.pointCloudExtensions,
  ...Object.keys(arrayFormats).map((format) => `.${format}`),
];

type Arrays = ReadonlyMap<string, SafeTensor>;

const batchNames = ["batch_idx", "batch"];

/**
 * @param file the file's name, whose extension chooses the format
 * @throws FormatError for a file without points, a damaged file, or one of an unknown format
 */
export async function readCloud(content: Uint8Array, file: string): Promise<Cloud> {
  const format = extensionOf(file);
  if (Object.hasOwn(arrayFormats, format)) {
    expectUnpacked(content, file);
    return cloudOfArrays(await arrayFormats[format](content, file), file);
  }
  if (!cloudExtensions.includes(`.${format}`) && !headFormats.includes(format)) {
    throw new formats.FormatError(`${file}: ${unknownFormat(format, cloudExtensions)}`, {
      file,
      expected: [...cloudExtensions],
      found: format,
    });
  }
  expectUnpacked(content, file);
  const bytes = format === "laz" || format === "las" ? await formats.unpackLaz(content, { file }) : content;
  const { positions, dimensionality } = formats.readPointCloud(bytes, file);
  const names = formats.attributeNames(bytes, file);
  const field = (name: string) =>
    formats.readPointCloud(bytes, file, { attributes: [name] }).attributes!.get(name) as Attribute;
  const points = positions.length / dimensionality;
  const batch = names.find((name) => batchNames.includes(name));
  return {
    name: file,
    positions,
    dimensionality,
    offsets: (batch && offsetsOf(field(batch).data)) || Int32Array.of(0, points),
    fields: names.filter((name) => ![...positionNames, ...batchNames, ...edgeNames].includes(name) && !isTree(name)),
    field,
    edges: () => edgesOf(bytes, file, format, names, points),
  };
}

/** Returns the first field with so many channels; undefined if there is none. Fields that are not numeric are passed over. */
export function fieldWith({ fields, field }: Cloud, channels: number): Attribute | undefined {
  for (const name of fields) {
    try {
      const found = field(name);
      if (found.channels === channels) return found;
    } catch (error) {
      if (!(error instanceof formats.FormatError)) throw error;
    }
  }
  return undefined;
}

const isTree = (name: string) => /^tree_(idx|mask)/.test(name);

/** Returns where each cloud begins; undefined for values that are not a batch index, which ascends from 0 without gaps. */
function offsetsOf(batchIdx: ArrayLike<number>): Int32Array | undefined {
  const starts: number[] = [];
  for (let i = 0; i < batchIdx.length; i++) {
    if (batchIdx[i] === starts.length - 1) continue;
    if (batchIdx[i] !== starts.length) return undefined;
    starts.push(i);
  }
  return Int32Array.from([...starts, batchIdx.length]);
}

function edgesOf(bytes: Uint8Array, file: string, format: string, names: readonly string[], points: number) {
  const name = names.find((one) => edgeNames.includes(one));
  if (name && format === "npz") {
    return edgeIndexOf(formats.loadNpz(bytes, { file, only: [name] }).get(name), name, points, file);
  }
  if (name && format === "safetensors") {
    return edgeIndexOf(formats.loadSafetensors(bytes, { file }).tensors.get(name), name, points, file);
  }
  if (format === "vtu") return formats.meshEdges(formats.loadVtu(bytes, { file, only: [] }).cells, points);
  if (format === "vtp") return formats.meshEdges(formats.loadVtp(bytes, { file, only: [] }).cells, points);
  if (format === "msh") return formats.meshEdges(formats.loadGmsh(bytes, { file, only: [] }).cells, points);
  if (format === "stl") return formats.meshEdges(trianglesOf(formats.loadStl(bytes, { file }).triangles), points);
  return undefined;
}

/** Returns edges of shape [2, M]; some programs write [M, 2]. @throws FormatError for what is no number of a point */
function edgeIndexOf(
  array: SafeTensor | undefined,
  name: string,
  points: number,
  file: string,
): Int32Array | undefined {
  const layout = array && edgeLayout(name, array.shape);
  if (!layout) return undefined;
  const place = `${file}:${name}`;
  const [rows] = array.shape;
  const values = formats.toInt32(array, place);
  const wrong = values.findIndex((point) => point < 0 || point >= points);
  if (wrong >= 0) {
    const problem = `element ${wrong} is the point ${values[wrong]}, there are ${points}, counted from 0.`;
    throw new formats.FormatError(`${place}: ${problem}`, { file: place, row: wrong, found: values[wrong] });
  }
  if (layout === "columns") return values;
  return Int32Array.from({ length: 2 * rows }, (_, i) => values[(i % rows) * 2 + Math.floor(i / rows)]);
}

/** Returns triangles as cells, of VTK's type 5. */
export function trianglesOf(connectivity: Int32Array): formats.Cells {
  return equalCells(connectivity, 3, 5);
}

/** Returns quads as cells, of VTK's type 9. */
export function quadsOf(connectivity: Int32Array): formats.Cells {
  return equalCells(connectivity, 4, 9);
}

function readTorch(bytes: Uint8Array, file: string): Arrays {
  const value = formats.loadTorch(bytes, { file });
  return value instanceof formats.TorchTensor ? new Map([["tensor", value]]) : formats.torchTensors(value);
}

/** Returns a mesh with the fields of the last step in time. */
function lastStepOf(mesh: MeshInTime): Arrays {
  const { points, pointData, cells } = mesh;
  const last = (array: SafeTensor): SafeTensor => {
    if (!hasSteps(array, points.shape[0], mesh)) return array;
    const { dtype, shape, data } = array;
    return { dtype, shape: shape.slice(1), data: data.slice(data.length - data.length / shape[0]) };
  };
  const edges = meshEdgeIndex(() => meshEdges(cells, points.shape[0]));
  return new Map<string, SafeTensor>([
    ...Array.from(pointData, ([name, array]): [string, SafeTensor] => [name, last(array)]),
    ["positions", points],
    ...(typeof edges === "string" ? [] : ([["edge_index", edges]] as const)),
  ]);
}

/** Reads the arrays of the first record. */
function readFirstRecord(bytes: Uint8Array, file: string): Arrays {
  const [record] = formats.readTfRecords(bytes, { file });
  return record ? formats.readExampleArrays(record, file).arrays : new Map();
}

function cloudOfArrays(arrays: Arrays, file: string): Cloud {
  const found = findPositions(arrays);
  if (!found) {
    const names = [...arrays.keys()].slice(0, 20).join(", ") || "none";
    const expected = "an array of positions [points, 2] or [points, 3], or arrays x, y, z";
    throw new formats.FormatError(`${file}: expected ${expected}, found ${names}.`, { file, expected });
  }
  const { positions, dimensionality, names } = found;
  const points = positions.length / dimensionality;
  const isField = ({ shape }: SafeTensor) => shape[0] === points && shape.length <= 2;
  const fields = [...arrays].filter(([name, array]) => !names.includes(name) && isField(array)).map(([name]) => name);
  // Only when a field is shown is it known whether float32 can hold its values.
  const field = (name: string): Attribute => {
    const array = arrays.get(name) as SafeTensor;
    return { data: formats.toFloat32(array, `${file}:${name}`), channels: array.shape[1] ?? 1 };
  };
  const batch = batchNames.find((name) => fields.includes(name));
  const edges = edgeNames.find((name) => arrays.has(name));
  return {
    name: file,
    positions,
    dimensionality,
    offsets: (batch && offsetsOf(field(batch).data)) || Int32Array.of(0, points),
    fields: fields.filter((name) => !batchNames.includes(name)),
    field,
    edges: () => (edges === undefined ? undefined : edgeIndexOf(arrays.get(edges), edges, points, file)),
  };
}

/** Finds the positions: an array with a usual name, else the first of a suitable shape, or one array for each coordinate. */
function findPositions(arrays: Arrays) {
  const suits = ({ shape }: SafeTensor) => shape.length >= 2 && (shape.at(-1) === 2 || shape.at(-1) === 3);
  const lastPart = (name: string) => name.slice(name.lastIndexOf("/") + 1).toLowerCase();
  const candidates = [...arrays].filter(([, array]) => suits(array));
  const [name, array] = candidates.find(([key]) => positionNames.includes(lastPart(key))) ?? candidates[0] ?? [];
  if (name !== undefined && array) {
    const dimensionality = array.shape.at(-1) as number;
    const values = formats.toFloat32(array, name);
    // Of a trajectory [frames, points, dimensionality], the first frame is used.
    const positions = values.slice(0, (array.shape.at(-2) as number) * dimensionality);
    return { positions, dimensionality, names: [name] };
  }
  const columns = ["x", "y", "z"].map((axis) => arrays.get(axis)).filter((column) => column !== undefined);
  if (columns.length < 2 || columns.some(({ data }) => data.length !== columns[0].data.length)) return undefined;
  return { ...interleave(columns.map(({ data }) => data)), names: ["x", "y", "z"] };
}

function interleave(columns: readonly TypedArray[]) {
  const dimensionality = columns.length;
  const positions = Float32Array.from({ length: columns[0].length * dimensionality }, (_, i) =>
    Number(columns[i % dimensionality][Math.floor(i / dimensionality)]),
  );
  return { positions, dimensionality };
}
