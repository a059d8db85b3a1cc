// Reads meshes of Gmsh (.msh) with the fields of their nodes and elements: MSH 2 and 4.1, in text and binary.

import { type FileBytes, toBytes } from "../bytes/bytes.ts";
import type { SafeTensor } from "../bytes/elements.ts";
import { type Mesh, type MeshOptions, vertices } from "../clouds/mesh.ts";
import {
  checkReadOptions,
  missingAttribute,
  type PointCloud,
  type ReadOptions,
  toAttribute,
  toPointCloud,
} from "../clouds/positions.ts";
import { Unpacking } from "../compression/unpacking.ts";
import { readElements } from "./cells.ts";
import { findFields, hindranceOf, readField } from "./fields.ts";
import { type Nodes, readNodes } from "./nodes.ts";
import { GmshSections } from "./reader.ts";
import { TagIndex } from "./tags.ts";

/** A mesh of Gmsh. */
export interface GmshFile extends Mesh {
  /** The fields that are not read, and why: "has 3 steps in time: ...". */
  leftOut: Map<string, string>;
}

/** Why values are not read that each element has at its nodes. */
const OF_CORNERS = "has values at the corners of cells, which differ from cell to cell: save it as values of nodes";

/**
 * Reads a mesh: nodes in the file's order as points, elements as cells of VTK's types, `$NodeData` as point data and `$ElementData`
 * as cell data, both in float64, and NaN where the file has no value. `gmsh:physical` and `gmsh:geometrical` of the cell data are the
 * numbers of each cell's physical group, 0 if it is in none, and of its part of the geometry.
 * @param options.only the names of fields to read (default: all that can be)
 * @throws FormatError for a file that is damaged, of another format or of another version; for elements beyond second order; for a field
 *   of `only` that cannot be read, because it has several steps in time, or has its values at the corners of cells
 */
export function loadGmsh(input: FileBytes, options: MeshOptions = {}): GmshFile {
  const { file = "msh", only } = options;
  const source = new GmshSections(toBytes(input), file);
  const nodes = readNodes(source);
  const elements = readElements(source, nodes);
  const unpacking = new Unpacking(source.size);
  const points = nodes.points.length / 3;
  const leftOut = new Map<string, string>();
  const pointData = readFields(source, "NodeData", placesOfNodes(nodes), { only, unpacking, leftOut });
  const cellData = new Map<string, SafeTensor>();
  if (elements) {
    const { cells, tags, groups, parts } = elements;
    const shape = [cells.types.length];
    if (isWanted(GROUPS, only)) cellData.set(GROUPS, { dtype: "I32", shape, data: groups });
    if (isWanted(PARTS, only)) cellData.set(PARTS, { dtype: "I32", shape, data: parts });
    const places = { index: () => new TagIndex(tags), what: "element", count: tags.length };
    const ofElements = readFields(source, "ElementData", places, { only, unpacking, leftOut });
    for (const [name, array] of ofElements) cellData.set(name, array);
  }
  for (const name of findFields(source, "ElementNodeData").keys()) {
    if (pointData.has(name)) continue;
    if (only?.includes(name)) throw source.error(`"${name}" ${OF_CORNERS}.`, { tensor: name });
    leftOut.set(name, OF_CORNERS);
  }
  return {
    points: tensorOf(nodes),
    cells: elements?.cells ?? vertices(points),
    pointData,
    cellData,
    fieldData: new Map(),
    leftOut,
  };
}

const [GROUPS, PARTS] = ["gmsh:physical", "gmsh:geometrical"];

/** Reads the nodes as points, and requested fields of them; elements are not looked at. */
export function loadGmshPoints(input: FileBytes, options: ReadOptions = {}): PointCloud {
  const { file, attributes } = checkReadOptions(options, "msh");
  const source = new GmshSections(toBytes(input), file);
  const known = [
    ...new Set([...findFields(source, "NodeData").keys(), ...findFields(source, "ElementNodeData").keys()]),
  ];
  const missing = attributes?.find((name) => !known.includes(name));
  if (missing !== undefined) throw missingAttribute(file, missing, known);
  const { points, pointData } = readPoints(source, attributes ?? []);
  const cloud = toPointCloud(points, file);
  if (!attributes) return cloud;
  const read = (name: string) => toAttribute(pointData.get(name) as SafeTensor, points.shape[0], `${file}:${name}`);
  return { ...cloud, attributes: new Map(attributes.map((name) => [name, read(name)])) };
}

/** Reads what `loadGmshPoints` reads, in float64. */
export function loadGmshArrays(
  input: FileBytes,
  { file, only }: Required<MeshOptions>,
): Pick<Mesh, "points" | "pointData"> {
  return readPoints(new GmshSections(toBytes(input), file), only);
}

function readPoints(source: GmshSections, only: readonly string[]): Pick<Mesh, "points" | "pointData"> {
  const nodes = readNodes(source);
  const options = { only, unpacking: new Unpacking(source.size), leftOut: new Map<string, string>() };
  const pointData = readFields(source, "NodeData", placesOfNodes(nodes), options);
  const ofCorners = only.find((name) => !pointData.has(name) && findFields(source, "ElementNodeData").has(name));
  if (ofCorners !== undefined) throw source.error(`"${ofCorners}" ${OF_CORNERS}.`, { tensor: ofCorners });
  return { points: tensorOf(nodes), pointData };
}

const tensorOf = ({ points }: Nodes): SafeTensor => ({ dtype: "F64", shape: [points.length / 3, 3], data: points });

const placesOfNodes = ({ index, points }: Nodes): Places => ({
  index: () => index,
  what: "node",
  count: points.length / 3,
});

interface Places {
  index(): TagIndex;
  what: string;
  count: number;
}

const isWanted = (name: string, only: readonly string[] | undefined) => only?.includes(name) ?? true;

/** @param options.leftOut receives the fields that are not read */
function readFields(
  source: GmshSections,
  kind: "NodeData" | "ElementData",
  places: Places,
  options: { only: readonly string[] | undefined; unpacking: Unpacking; leftOut: Map<string, string> },
): Map<string, SafeTensor> {
  const { only, unpacking, leftOut } = options;
  const fields = new Map<string, SafeTensor>();
  const index = places.index();
  for (const [name, field] of findFields(source, kind)) {
    if (!isWanted(name, only)) continue;
    const hindrance = hindranceOf(field);
    if (hindrance && only) throw source.error(`"${name}" ${hindrance}.`, { tensor: name });
    if (hindrance) leftOut.set(name, hindrance);
    else fields.set(name, readField(field, { ...places, index }, unpacking, `${source.file}:${name}`));
  }
  return fields;
}
