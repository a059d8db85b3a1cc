// Meshes in VTK's files on HDF5 (.vtkhdf), which VTK 9.2 and ParaView 5.11 and later write: unstructured grids and polygonal data, whose
// pieces are joined, with fields of each step in time. https://docs.vtk.org/en/latest/vtk_file_formats/vtkhdf_file_format/

import { elementCount, expectRows, type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import { arrayTypes, type SafeTensor } from "../bytes/elements.ts";
import { integersOf } from "../bytes/integers.ts";
import { kinds } from "../clouds/cells.ts";
import type { MeshInTime } from "../clouds/mesh-steps.ts";
import { Unpacking } from "../compression/unpacking.ts";
import { readHdf5 } from "../hdf5/lazy.ts";
import { type CellPart, joinCells, polygonalTypes } from "./cell-parts.ts";

/** The group that holds all others. */
const ROOT = "VTKHDF/";

/** The groups that hold cells of polygonal data, in the order in which VTK counts the cells, with their names in VTK's XML files. */
const polygonal = { Vertices: "Verts", Lines: "Lines", Polygons: "Polys", Strips: "Strips" } as const;

/** What an error advises where a file holds what is not read here. */
const CONVERT = "save it by ParaView as .vtu";

/**
 * Reads a mesh: points, cells of VTK's types, and the numeric arrays of both. In a file of several steps in time, whose mesh must stay
 * as it is, arrays of points are [steps, points] or [steps, points, components], and those of cells likewise; in others they are
 * [points] or [points, components].
 * @param options.file name used in error messages (default "vtkhdf")
 * @throws FormatError for a file that is damaged, one of another kind (an image, a tree of blocks), polyhedra, and a mesh that changes
 *   with time. WorkerError if the library's module, hdf5.wasm, cannot be loaded.
 */
export async function loadVtkHdf(input: FileBytes, options: { file?: string } = {}): Promise<MeshInTime> {
  const { file = "vtkhdf" } = options;
  const bytes = toBytes(input);
  const { arrays } = await readHdf5(bytes, { file });
  const source = new VtkHdfFile(arrays, file);
  const pieces = source.integers("NumberOfPoints");
  const times = Float64Array.from(source.get("Steps/Values")?.data ?? [], Number);
  const count = times.length === 0 ? pieces.length : source.piecesOfStep(times.length, pieces.length);
  const ofPieces = pieces.subarray(0, count);
  const points = pointsOf(source, ofPieces, times);
  const [rows] = points.shape;
  const cells = joinCells(partsOf(source, ofPieces), rows, file);
  const unpacking = new Unpacking(bytes.length);
  const fields = (section: string, rows: number) => fieldsOf(source, section, { rows, times, unpacking });
  return {
    points,
    cells,
    pointData: fields("PointData", rows),
    cellData: fields("CellData", cells.types.length),
    fieldData: source.section("FieldData"),
    times,
  };
}

/** The arrays of a file. */
class VtkHdfFile {
  constructor(
    private readonly arrays: ReadonlyMap<string, SafeTensor>,
    readonly file: string,
  ) {}

  get(name: string): SafeTensor | undefined {
    return this.arrays.get(`${ROOT}${name}`);
  }

  /** Returns the arrays of a group, by their own names. */
  section(group: string): Map<string, SafeTensor> {
    const prefix = `${ROOT}${group}/`;
    const own = [...this.arrays].filter(([name]) => name.startsWith(prefix) && !name.includes("/", prefix.length));
    return new Map(own.map(([name, array]) => [name.slice(prefix.length), array]));
  }

  error(name: string, problem: string): Error {
    return formatError(`${this.file}:${ROOT}${name}`, problem, { tensor: `${ROOT}${name}` });
  }

  /** @throws FormatError if there is no such array, or its numbers are not whole */
  integers(name: string): Int32Array {
    const array = this.get(name);
    if (!array) {
      const problem = `holds no mesh that is read here, for it has no ${ROOT}${name}: ${CONVERT}, or an image as .vti`;
      throw formatError(this.file, `${problem}; a tree of blocks is joined by its filter Merge Blocks.`);
    }
    return integersOf(array, `${this.file}:${ROOT}${name}`);
  }

  /**
   * Returns the number of pieces that the mesh of each step has.
   * @param pieces the number of all pieces, of all steps
   * @throws FormatError if the mesh is not the same at all steps
   */
  piecesOfStep(steps: number, pieces: number): number {
    const counts = this.get("Steps/NumberOfParts") ? this.integers("Steps/NumberOfParts") : Int32Array.of(1);
    const starts = ["PartOffsets", "PointOffsets", "CellOffsets", "ConnectivityIdOffsets"]
      .map((name) => `Steps/${name}`)
      .flatMap((name) => (this.get(name) ? [...this.integers(name)] : []));
    const [count] = counts;
    const isSame = counts.every((other) => other === count) && starts.every((offset) => offset === 0);
    if (isSame && count >= 0 && count <= pieces) return count;
    const problem = `has ${steps} steps in time with meshes that differ, which is not read`;
    throw formatError(this.file, `${problem}: save its steps by ParaView as .vtu.`);
  }
}

function pointsOf(source: VtkHdfFile, pieces: Int32Array, times: Float64Array): SafeTensor {
  if (pieces.some((points) => points < 0)) throw source.error("NumberOfPoints", "has a number below 0.");
  const count = pieces.reduce((sum, points) => sum + points, 0);
  expectRows(count, "points", source.file);
  const array = source.get("Points");
  const isOfFloats = array?.dtype === "F32" || array?.dtype === "F64";
  if (!isOfFloats || array.shape.length !== 2 || array.shape[1] !== 3 || !holdsRows(array, count, times)) {
    throw source.error("Points", `expected floats of ${count} points, [${count}, 3], found [${array?.shape ?? ""}].`);
  }
  return { ...array, shape: [count, 3], data: array.data.subarray(0, 3 * count) };
}

/** Whether an array has all rows of the mesh, and no others but those of further steps. */
const holdsRows = ({ shape }: SafeTensor, rows: number, times: Float64Array) =>
  times.length > 0 ? shape[0] >= rows : shape[0] === rows;

/** Returns the cells of all pieces. */
function partsOf(source: VtkHdfFile, pieces: Int32Array): CellPart[] {
  if (source.get("Types")) return topologyOf(source, "", pieces, typesIn(source));
  const groups = Object.entries(polygonal).filter(([group]) => source.get(`${group}/Connectivity`));
  // Of none of them the first is named.
  if (groups.length === 0) source.integers("Polygons/Connectivity");
  const parts = groups.map(([group, name]) =>
    topologyOf(source, `${group}/`, pieces, (_, offsets) => polygonalTypes(name, offsets)),
  );
  // The values of cells are in the order of the pieces.
  return Array.from(pieces, (_, piece) => parts.map((part) => part[piece])).flat();
}

/** Returns a way to find the types of the cells from a first one on. */
function typesIn(source: VtkHdfFile): (first: number, offsets: Int32Array) => Uint8Array {
  const types = source.integers("Types");
  if (types.includes(kinds.polyhedron)) throw source.error("Types", `has polyhedra, which are not read: ${CONVERT}.`);
  return (first, { length }) => Uint8Array.from(types.subarray(first, first + length - 1));
}

/**
 * Returns the cells in one group, those of each piece.
 * @param group with its slash; "" for that of unstructured grids
 * @throws FormatError for cells of other points, and arrays that are too short
 */
function topologyOf(
  source: VtkHdfFile,
  group: string,
  pieces: Int32Array,
  typesOf: (first: number, offsets: Int32Array) => Uint8Array,
): CellPart[] {
  const cellsOf = source.integers(`${group}NumberOfCells`);
  const idsOf = source.integers(`${group}NumberOfConnectivityIds`);
  const allOffsets = source.integers(`${group}Offsets`);
  const allIds = source.integers(`${group}Connectivity`);
  let [firstPoint, firstCell, firstId] = [0, 0, 0];
  return Array.from(pieces, (points, piece) => {
    const [count, ids] = [cellsOf[piece], idsOf[piece]];
    const first = firstCell + piece;
    // Pieces without cells may leave out the one offset that they have.
    const offsets = count === 0 ? new Int32Array(1) : allOffsets.slice(first, first + count + 1);
    const connectivity = allIds.subarray(firstId, firstId + ids);
    const types = typesOf(firstCell, offsets);
    const place = `${group}Offsets`;
    if (!(count >= 0 && offsets.length === count + 1 && types.length === count && connectivity.length === ids))
      throw source.error(place, `piece ${piece} has ${count} cells of ${ids} ends, which its arrays do not hold.`);
    const rises = offsets.every((end, i) => end >= (i === 0 ? 0 : offsets[i - 1]));
    if (offsets[0] !== 0 || offsets[count] !== ids || !rises)
      throw source.error(place, `the offsets of piece ${piece} must rise from 0 to ${ids}.`);
    const wrong = connectivity.find((point) => !(point >= 0 && point < points));
    if (wrong !== undefined)
      throw source.error(`${group}Connectivity`, `piece ${piece} has the point ${wrong}, there are ${points}.`);
    const part: CellPart = { offsets, connectivity, types, firstPoint };
    firstPoint += points;
    firstCell += count;
    firstId += ids;
    return part;
  });
}

/** Returns the arrays of points or cells. */
function fieldsOf(
  source: VtkHdfFile,
  section: string,
  { rows, times, unpacking }: { rows: number; times: Float64Array; unpacking: Unpacking },
): Map<string, SafeTensor> {
  const fields = new Map<string, SafeTensor>();
  const steps = Math.max(1, times.length);
  for (const [name, array] of source.section(section)) {
    const { dtype, shape, data } = array;
    const inSteps = `Steps/${section}Offsets/${name}`;
    // Without offsets the values are the same at all steps.
    const firsts = source.get(inSteps) ? source.integers(inSteps).subarray(0, steps) : new Int32Array(steps);
    const [, ...components] = shape;
    const width = elementCount(components);
    const expected = [rows, ...components];
    const isWithin = (first: number) => first >= 0 && first + rows <= shape[0];
    if (shape.length > 2 || firsts.length < steps || !firsts.every(isWithin) || !holdsRows(array, rows, times)) {
      const problem = `expected ${steps === 1 ? "" : `${steps} times `}[${expected}], found [${shape}].`;
      throw source.error(`${section}/${name}`, problem);
    }
    if (steps === 1 && shape[0] === rows) {
      fields.set(name, array);
      continue;
    }
    unpacking.take(steps * rows * width * data.BYTES_PER_ELEMENT, `${source.file}:${name}`);
    const values = new arrayTypes[dtype](steps * rows * width);
    for (let step = 0; step < steps; step++) {
      const first = width * firsts[step];
      (values as Float64Array).set(data.subarray(first, first + rows * width) as Float64Array, step * rows * width);
    }
    fields.set(name, { dtype, shape: steps === 1 ? expected : [steps, ...expected], data: values });
  }
  return fields;
}
