// Reads a sample's file as named arrays: coordinates, cells between the points, and arrays of the points and of the whole.

import { FormatError } from "../../errors.ts";
import { forArrayFiles } from "../../formats/array-files.ts";
import { columnNames, sortAttributes, sortReadable } from "../../formats/attribute-names.ts";
import type { ArrayContents, SafeTensor } from "../../formats/bytes/elements.ts";
import { holdsAtoms } from "../../formats/clouds/atoms.ts";
import { cellCentres } from "../../formats/clouds/cell-centres.ts";
import { type Cells, kinds } from "../../formats/clouds/cells.ts";
import { tableExtensions, textsIn } from "../../formats/clouds/csv.ts";
import { gridCells } from "../../formats/clouds/grid-cells.ts";
import { lammpsExtensions } from "../../formats/clouds/lammps.ts";
import { unpackLaz } from "../../formats/clouds/laz.ts";
import { type Mesh, type MeshLocation, pointDataOf, vertices } from "../../formats/clouds/mesh.ts";
import { hasSteps, type MeshInTime } from "../../formats/clouds/mesh-steps.ts";
import { pdbExtensions } from "../../formats/clouds/pdb.ts";
import { expectUnpacked } from "../../formats/compression/packed.ts";
import { extensionOf } from "../../formats/extension.ts";
import { loadGmsh } from "../../formats/gmsh/gmsh.ts";
import { forMeshesInTime } from "../../formats/meshes-in-time.ts";
import { listNpz, readNpz } from "../../formats/numpy/npz.ts";
import { unknownFormat } from "../../formats/other-formats.ts";
import { type PointCloud, readPointCloud } from "../../formats/pointcloud.ts";
import { loadSafetensors } from "../../formats/safetensors/safetensors.ts";
import { loadTorch, torchTensors } from "../../formats/torch/torch.ts";
import { loadVtk, type VtkFile, vtkNames } from "../../formats/vtk/vtk.ts";
import { loadVtkGrid, loadVtp, loadVtu } from "../../formats/vtk/vtu.ts";
import { isOfMesh, positionNames } from "../array-names.ts";
import { namingFile } from "../arrays.ts";
import { splitPath } from "../data-source.ts";
import { FRAME_EXTENSION } from "./array-frames.ts";
import { findGrid, type GridRule, gridPoints, missingGrid, withRows } from "./grid.ts";
import { columnsOfTexts, type LabelNumbers, wantsTexts, withLabels } from "./label-arrays.ts";
import { componentsOf, type SampleArrays, withCells, withPoints } from "./sample-arrays.ts";

type Reader = (
  bytes: Uint8Array,
  file: string,
  wanted?: readonly string[],
  options?: ContentOptions,
) => SampleArrays | Promise<SampleArrays>;

/** What a config says of files. */
interface ContentOptions {
  /** The numbers of texts, by the names of the columns or arrays that hold them. */
  labels?: LabelNumbers;
  /** The columns of tables in which numbers may be missing. */
  missing?: readonly string[];
  /** The grid that files of named arrays have. */
  grid?: GridRule | undefined;
  /** Where a mesh has the values: at its points unless it says cells, whose centres are then the sample's points. */
  location?: MeshLocation | undefined;
}

const meshesInTime = forMeshesInTime(
  (load): Reader =>
    async (bytes, file, wanted, options) =>
      ofMeshInTime(await load(bytes, { file }), file, wanted, options),
);

/** The readers of files whose cells may have values. */
const cellReaders: Readonly<Record<string, Reader>> = {
  vtu: (bytes, file, wanted, options) => ofMesh(loadVtu(bytes, { file }), file, wanted, options),
  vtp: (bytes, file, wanted, options) => ofMesh(loadVtp(bytes, { file }), file, wanted, options),
  vti: readGrid,
  vtr: readGrid,
  vts: readGrid,
  msh: readGmsh,
  vtk: readVtk,
  ...meshesInTime,
};

/** The extensions of files whose cells may have values, without dots. */
export const cellExtensions: readonly string[] = Object.keys(cellReaders);

const readers: Readonly<Record<string, Reader>> = {
  ...cellReaders,
  ply: readPoints,
  pcd: readPoints,
  las: readLas,
  laz: readLas,
  extxyz: readPoints,
  ...Object.fromEntries([...lammpsExtensions, ...pdbExtensions].map((extension) => [extension, readPoints])),
  ...Object.fromEntries(tableExtensions.map((extension) => [extension, readPoints])),
  npz: (bytes, file, wanted, { labels, grid } = {}) => {
    const names = listNpz(bytes, { file });
    const only = wanted && withKnown(wanted, names);
    const contents = readNpz(bytes, { file, only, texts: wantsTexts(wanted, labels) });
    return ofContents(contents, file, { labels, grid }, names);
  },
  safetensors: readSafetensors,
  pt: (bytes, file, _wanted, { grid } = {}) =>
    ofArrays(torchTensors(loadTorch(bytes, { file })), undefined, file, grid),
  ...forArrayFiles(
    (read): Reader =>
      async (bytes, file, wanted, { labels, grid } = {}) => {
        const contents = await read(bytes, { file, texts: wantsTexts(wanted, labels) });
        return ofContents(contents, file, { labels, grid });
      },
  ),
  // Of meshes, not of named arrays.
  ...meshesInTime,
};

/** The extensions of files that can be samples, without dots. */
export const sampleExtensions: readonly string[] = Object.keys(readers);

/**
 * Reads a file by its extension.
 * @param file its name, with the extension
 * @param wanted the arrays to read; by default all that are numeric. Those that are missing are skipped.
 * @throws FormatError for a damaged file or an unknown extension, and for values of cells in a format without them
 */
export async function readArrays(
  bytes: Uint8Array,
  file: string,
  wanted?: readonly string[],
  options?: ContentOptions,
): Promise<SampleArrays> {
  const extension = extensionOf(file);
  if (Object.hasOwn(readers, extension)) {
    if (options?.location === "cells") expectCellsIn(file, extension);
    expectUnpacked(bytes, file);
    return await readers[extension](bytes, file, wanted, options);
  }
  const known = sampleExtensions.map((name) => `.${name}`);
  throw new FormatError(`${file}: ${unknownFormat(extension, known)}`, { file, expected: known });
}

function expectCellsIn(file: string, extension: string): void {
  // A frame of a mesh's file has the centres of its cells as points.
  const isOfFrame = extension === FRAME_EXTENSION && cellExtensions.includes(extensionOf(splitPath(file).folder));
  if (isOfFrame || cellExtensions.includes(extension)) return;
  const expected = cellExtensions.map((name) => `.${name}`);
  const problem = `values of cells (location: cells) are read from ${expected.join(", ")}, not from .${extension}.`;
  throw new FormatError(`${file}: ${problem}`, { file, expected, found: extension });
}

function ofMesh(
  { points, cells, pointData, cellData, fieldData }: Mesh,
  file: string,
  wanted?: readonly string[],
  { location = "points" }: ContentOptions = {},
): SampleArrays {
  const [data, others] = location === "cells" ? [cellData, pointData] : [pointData, cellData];
  const chosen = <Value>(arrays: ReadonlyMap<string, Value>) =>
    new Map([...arrays].filter(([name]) => !wanted || wanted.includes(name)));
  return {
    file,
    ...placesOf(points, cells, location, file),
    pointData: chosen(data),
    wholeData: chosen(fieldData),
    elsewhere: [...others.keys()],
    names: [...data.keys(), ...fieldData.keys()],
  };
}

/** Returns where the values of a mesh are. */
function placesOf(points: SafeTensor, cells: Cells, location: MeshLocation, file: string) {
  if (location === "points") return { points, cells };
  return { points: namingFile(file, () => cellCentres(points, cells)), cells, corners: points };
}

function readGrid(bytes: Uint8Array, file: string, wanted?: readonly string[], options?: ContentOptions): SampleArrays {
  return ofMesh(loadVtkGrid(bytes, { file }), file, wanted, options);
}

function readGmsh(bytes: Uint8Array, file: string, wanted?: readonly string[], options?: ContentOptions): SampleArrays {
  const { leftOut, ...mesh } = loadGmsh(bytes, { file, only: wanted });
  const arrays = ofMesh(mesh, file, undefined, options);
  return { ...arrays, names: [...arrays.names, ...leftOut.keys()], leftOut };
}

/** Where a mesh has several steps in time, its fields have a row for each, and belong to the whole. */
function ofMeshInTime(
  mesh: MeshInTime,
  file: string,
  wanted?: readonly string[],
  { location }: ContentOptions = {},
): SampleArrays {
  const { points, cells, times, pointData, cellData, fieldData } = mesh;
  const [own, others, rows] =
    location === "cells" ? [cellData, pointData, cells.types.length] : [pointData, cellData, points.shape[0]];
  const part = (ofSteps: boolean) => [...own].filter(([, array]) => hasSteps(array, rows, mesh) === ofSteps);
  const time: SafeTensor = { dtype: "F64", shape: [times.length], data: times };
  const still = new Map(part(false));
  const all = {
    ...mesh,
    pointData: still,
    cellData: still,
    fieldData: new Map([["time", time], ...fieldData, ...part(true)]),
  };
  return { ...ofMesh(all, file, wanted, { location }), elsewhere: [...others.keys()] };
}

function readVtk(
  bytes: Uint8Array,
  file: string,
  wanted?: readonly string[],
  { location = "points" }: ContentOptions = {},
): SampleArrays {
  const { names: all, elsewhere } = vtkNames(bytes, file, location);
  const read = (attributes: readonly string[]) => loadVtk(bytes, { file, attributes, location });
  const { numeric: names, others: leftOut } = wanted ? { numeric: all } : sortReadable(all, file, read);
  const found = read(names.filter((name) => !wanted || wanted.includes(name)));
  const { points, ...arrays } = ofCloud(found, file, names);
  return { ...arrays, ...placesOf(points, cellsOf(found, file), location, file), elsewhere, leftOut };
}

/** Returns the cells of a legacy file, in the order in which the format counts them. */
function cellsOf({ positions, cells, cellTypes, dimensions }: VtkFile, file: string): Cells {
  const points = positions.length / 3;
  if (dimensions) return gridCells(dimensions, file);
  const grid = cells.get("CELLS");
  if (grid && cellTypes) return { ...grid, types: Uint8Array.from(cellTypes) };
  const offsets = [0];
  const connectivity: number[] = [];
  const types: number[] = [];
  for (const section of ["VERTICES", "LINES", "POLYGONS", "TRIANGLE_STRIPS"]) {
    const part = cells.get(section);
    if (!part) continue;
    const first = connectivity.length;
    for (let cell = 0; cell + 1 < part.offsets.length; cell++) {
      const length = part.offsets[cell + 1] - part.offsets[cell];
      types.push(kindOf(section, length));
      offsets.push(first + part.offsets[cell + 1]);
    }
    for (const point of part.connectivity) connectivity.push(point);
  }
  if (types.length === 0) return vertices(points);
  return {
    offsets: Int32Array.from(offsets),
    connectivity: Int32Array.from(connectivity),
    types: Uint8Array.from(types),
  };
}

function kindOf(section: string, length: number): number {
  if (section === "VERTICES") return length === 1 ? kinds.vertex : kinds.polyVertex;
  if (section === "LINES") return kinds.polyLine;
  return section === "TRIANGLE_STRIPS" ? kinds.triangleStrip : kinds.polygon;
}

function readPoints(
  bytes: Uint8Array,
  file: string,
  wanted?: readonly string[],
  { labels, missing = [] }: ContentOptions = {},
): SampleArrays {
  const { names, axes, leftOut } = namesIn(bytes, file, wanted);
  const withParts = (given: readonly string[]) => given.flatMap((name) => [name, ...componentsOf(name, names)]);
  const asked = wanted && new Set(withParts(wanted));
  const isTable = leftOut !== undefined && leftOut.size > 0 && tableExtensions.includes(extensionOf(file));
  const texts =
    isTable && !holdsAtoms(bytes) ? textsIn(bytes, file, [...leftOut.keys()]) : new Map<string, Set<string>>();
  const withGaps = [...texts].flatMap(([name, found]) => (areMeasured(bytes, file, name, found) ? [name] : []));
  for (const name of withGaps) {
    // A column without a cell that is filled may be one of labels, too.
    if ((texts.get(name)?.size ?? 0) > 1) texts.delete(name);
    leftOut?.delete(name);
  }
  const attributes = [...names.filter((name) => !asked || asked.has(name)), ...withGaps];
  const options = { attributes, labels, missing: [...withParts(missing), ...withGaps] };
  const cloud = ofCloud(readPointCloud(bytes, file, options), file, names);
  const [rows] = (cloud.points as SafeTensor).shape;
  return { ...cloud, axes, leftOut, texts: new Map([...texts].map(([name, texts]) => [name, { rows, texts }])) };
}

/** The number of whole numbers in a column beyond which they are no labels. */
const MANY = 100;

/** Whether a column holds numbers of which some, or all, are missing; few whole numbers may be labels. */
function areMeasured(bytes: Uint8Array, file: string, name: string, texts: ReadonlySet<string>): boolean {
  const hasFraction = [...texts].some((text) => Number(text.replace(",", ".")) % 1 !== 0);
  if (texts.size > 1 && !hasFraction && texts.size <= MANY) return false;
  try {
    readPointCloud(bytes, file, { attributes: [name], missing: [name] });
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

async function readLas(bytes: Uint8Array, file: string, wanted?: readonly string[]): Promise<SampleArrays> {
  return readPoints(await unpackLaz(bytes, { file }), file, wanted);
}

/**
 * Returns all names if some are wanted, which are then read; otherwise those that can be read, and why the others cannot. `axes` are
 * those of the coordinates.
 */
function namesIn(bytes: Uint8Array, file: string, wanted: readonly string[] | undefined) {
  const { attributes, coordinates: axes } = columnNames(bytes, file);
  if (wanted) return { names: attributes, axes };
  const { numeric, others } = sortAttributes(bytes, file, attributes);
  return { names: numeric, axes, leftOut: others };
}

function ofCloud(cloud: PointCloud, file: string, names: readonly string[]): SampleArrays & { points: SafeTensor } {
  const { positions, exact, dimensionality, attributes } = cloud;
  const shape = [positions.length / dimensionality, dimensionality];
  const points: SafeTensor = exact ? { dtype: "F64", shape, data: exact } : { dtype: "F32", shape, data: positions };
  const pointData = pointDataOf(attributes);
  for (const [name, { exact }] of attributes ?? []) {
    if (exact) pointData.set(name, { ...(pointData.get(name) as SafeTensor), dtype: "F64", data: exact });
  }
  return { file, points, pointData, wholeData: new Map(), elsewhere: [], names };
}

/** @throws FormatError for a model's file too: its weights have the config of the model in their metadata */
function readSafetensors(
  bytes: Uint8Array,
  file: string,
  _wanted?: readonly string[],
  { grid }: ContentOptions = {},
): SampleArrays {
  const { tensors, metadata } = loadSafetensors(bytes, { file });
  if (metadata.config !== undefined && [...tensors.keys()].some((name) => name.endsWith(".weight"))) {
    const use = "Models are for `erwin train --init`, `erwin predict --model` and the explorer's “Open model”.";
    throw new FormatError(`${file}: expected a sample, found a model: its weights and their config. ${use}`, {
      file,
      expected: "a sample",
      found: "a model",
    });
  }
  return ofArrays(tensors, undefined, file, grid);
}

/** @param all the names of the arrays, if they are known to be more than those that were read */
function ofContents(
  contents: ArrayContents,
  file: string,
  { labels, grid }: ContentOptions,
  all?: readonly string[],
): SampleArrays {
  const { attributes = new Map(), texts, leftOut } = contents;
  const found = ofArrays(withLabels(contents, labels, file), all, file, grid);
  const names = [...new Set([...found.names, ...attributes.keys()])];
  const wholeData = new Map([...attributes, ...found.wholeData]);
  return { ...found, wholeData, names, leftOut, texts: columnsOfTexts(texts) };
}

const withKnown = (wanted: readonly string[], names: readonly string[]) =>
  names.filter((name) => isOfMesh(name) || [...wanted, ...positionNames].includes(name));

/**
 * Interprets arrays of a format without structure: an array that has a row for each point belongs to the points.
 * @throws FormatError if they have not the grid that they should
 */
function ofArrays(
  arrays: ReadonlyMap<string, SafeTensor>,
  all: readonly string[] | undefined,
  file: string,
  gridRule: GridRule | undefined,
): SampleArrays {
  const names = all ?? [...arrays.keys()];
  if (gridRule) {
    const grid = findGrid(arrays, gridRule);
    if (!grid) throw missingGrid(arrays, gridRule, file);
    const rows = withRows(arrays, grid);
    const found = { file, grid, pointData: rows, wholeData: rows, all: rows, elsewhere: [], names };
    return withPoints(found, gridPoints(arrays, grid, file));
  }
  const position = positionNames.find((name) => arrays.has(name));
  const points = position === undefined ? undefined : arrays.get(position);
  const others = new Map([...arrays].filter(([name]) => name !== position));
  const found = { file, pointData: others, wholeData: others, all: arrays, elsewhere: [], names };
  return points ? withCells(withPoints(found, points), points.shape[0]) : found;
}
