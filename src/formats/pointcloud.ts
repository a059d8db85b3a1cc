// Reads and writes point clouds in any supported format, which the extension of the file's name chooses.

import { expectKind } from "../arguments/kinds.ts";
import { type FormatError, InputError } from "../errors.ts";
import { type FileBytes, formatError } from "./bytes/bytes.ts";
import type { SafeTensor, SafeTensorInput } from "./bytes/elements.ts";
import { holdsAtoms, loadAtoms } from "./clouds/atoms.ts";
import { checkCloud } from "./clouds/columns.ts";
import { cloudTableExtensions, loadCloudTable, loadCsv, saveCsv } from "./clouds/csv.ts";
import { lammpsExtensions, loadLammps } from "./clouds/lammps.ts";
import { loadLas } from "./clouds/las.ts";
import { meshOf, pointDataOf } from "./clouds/mesh.ts";
import { loadObj } from "./clouds/obj.ts";
import { loadOff } from "./clouds/off.ts";
import { loadPcd } from "./clouds/pcd.ts";
import { loadPdb, pdbExtensions } from "./clouds/pdb.ts";
import { loadPly, savePly } from "./clouds/ply.ts";
import {
  type Attribute,
  checkReadOptions,
  missingAttribute,
  type PointCloud,
  positionNames,
  type ReadOptions,
  toAttribute,
  toPointCloud,
} from "./clouds/positions.ts";
import { loadStl } from "./clouds/stl.ts";
import { expectUnpacked } from "./compression/packed.ts";
import { formatNamed } from "./extension.ts";
import { loadGmshPoints } from "./gmsh/gmsh.ts";
import { loadNpy, saveNpy } from "./numpy/npy.ts";
import { listNpz, loadNpz, saveNpz } from "./numpy/npz.ts";
import { headFormats, noFormat, unknownFormat } from "./other-formats.ts";
import { exactOf } from "./rounding.ts";
import { loadSafetensors, saveSafetensors } from "./safetensors/safetensors.ts";
import { loadVtk, saveVtk } from "./vtk/vtk.ts";
import { loadVtkXmlPoints } from "./vtk/vtu.ts";
import { addPointData, saveVtp, saveVtu } from "./vtk/vtu-write.ts";

export type { Attribute, PointCloud, ReadOptions } from "./clouds/positions.ts";

type Reader = (bytes: FileBytes, options: ReadOptions & { file: string }) => PointCloud;

const readers: Record<string, Reader> = {
  safetensors: (bytes, { file, attributes }) => {
    const { tensors } = loadSafetensors(bytes, { file });
    return chooseArrays(tensors, [...tensors.keys()], file, attributes);
  },
  npy: (bytes, { file, attributes }) => {
    if (attributes?.[0] !== undefined) throw missingAttribute(file, attributes[0], []);
    return toPointCloud(loadNpy(bytes, { file }), file);
  },
  npz: (bytes, { file, attributes = [] }) => {
    // Other arrays in the archive may be large, or not numeric.
    const names = listNpz(bytes, { file });
    const position = choosePositions(names, file);
    return chooseArrays(loadNpz(bytes, { file, only: [position, ...attributes] }), names, file, attributes);
  },
  ply: loadPly,
  pcd: loadPcd,
  las: loadLas,
  // Unpacked by `unpackLaz`; it is told otherwise.
  laz: loadLas,
  obj: loadObj,
  off: loadOff,
  stl: (bytes, options) => {
    const { positions, dimensionality } = loadStl(bytes, options);
    return { positions, dimensionality };
  },
  vtk: (bytes, options) => {
    const { positions, exact, dimensionality, attributes } = loadVtk(bytes, options);
    return { positions, exact, dimensionality, attributes };
  },
  vtu: loadVtkXmlPoints,
  vtp: loadVtkXmlPoints,
  vti: loadVtkXmlPoints,
  vtr: loadVtkXmlPoints,
  vts: loadVtkXmlPoints,
  msh: loadGmshPoints,
  csv: loadCsv,
  tsv: loadCsv,
  ...Object.fromEntries(cloudTableExtensions.map((extension) => [extension, loadCloudTable])),
  xyz: (bytes, options) => (holdsAtoms(bytes) ? loadAtoms : loadCloudTable)(bytes, options),
  extxyz: loadAtoms,
  ...Object.fromEntries(lammpsExtensions.map((extension) => [extension, loadLammps])),
  ...Object.fromEntries(pdbExtensions.map((extension) => [extension, loadPdb])),
};

/** Files that hold no points but refer to other files that do: reading one gives an error that says so. */
const heads: Record<string, Reader> = Object.fromEntries(headFormats.map((head) => [head, loadVtkXmlPoints]));

const writers: Record<string, (cloud: PointCloud) => Uint8Array<ArrayBuffer>> = {
  safetensors: (cloud) => saveSafetensors(arraysOf(cloud)),
  npy: ({ attributes, ...cloud }) => {
    const [name] = attributes?.keys() ?? [];
    if (name === undefined) return saveNpy(arraysOf(cloud).get(positionNames[0]) as SafeTensorInput);
    throw new InputError(`an npy file holds one array, there is no room for "${name}": write npz.`, { tensor: name });
  },
  npz: (cloud) => saveNpz(arraysOf(cloud)),
  ply: savePly,
  vtk: saveVtk,
  vtu: (cloud) => saveVtu(meshOf(cloud)),
  vtp: (cloud) => saveVtp(meshOf(cloud)),
  csv: saveCsv,
};

const withDots = (formats: object): readonly string[] => Object.keys(formats).map((format) => `.${format}`);

/** The extensions that `readPointCloud` supports, with their dots. */
export const pointCloudExtensions: readonly string[] = withDots(readers);

/** The extensions of files that hold no points but refer to other files that do, with their dots. */
export const headExtensions: readonly string[] = withDots(heads);

/** The extensions that `writePointCloud` supports, with their dots. */
export const writableExtensions: readonly string[] = withDots(writers);

/**
 * Reads the points of one cloud.
 * @param name the file's name, whose extension chooses the format and with which error messages begin; or a format alone: "ply"
 * @param options.attributes names of attributes to read: columns of tables (.csv, .tsv, .xyz, ...) and of LAMMPS' dumps, properties
 *   of .ply and .extxyz, fields of .pcd, .las and .laz, what `loadPdb` names of .pdb and .ent, point data of VTK's files (.vtk, .vtu,
 *   .vtp, .vti, .vtr and .vts), fields of the nodes of Gmsh's .msh, arrays of shape [n] or [n, channels] of .npz and .safetensors
 * @param options.labels the numbers of texts in columns of tables
 * @param options.missing names of columns of tables in which numbers may be missing
 * @throws FormatError for an unknown extension, for a file without points or without a requested attribute (the message lists those
 * that exist), or from the format's reader.
 */
export function readPointCloud(bytes: FileBytes, name: string, options: Omit<ReadOptions, "file"> = {}): PointCloud {
  const read = chooseByName({ ...readers, ...heads }, name, pointCloudExtensions, unknownFormat);
  checkReadOptions(options, name);
  expectUnpacked(bytes, name);
  return expectPoints(read(bytes, { ...options, file: name }), name, options.attributes);
}

/**
 * Returns the points of one cloud from a file's arrays, as `readPointCloud` does for .npz and .safetensors.
 * @throws FormatError
 */
export function pointCloudOf(
  arrays: ReadonlyMap<string, SafeTensor>,
  name: string,
  attributes?: readonly string[],
): PointCloud {
  return expectPoints(chooseArrays(arrays, [...arrays.keys()], name, attributes), name, attributes);
}

function expectPoints(cloud: PointCloud, name: string, wanted: readonly string[] | undefined): PointCloud {
  const { positions, exact, dimensionality, attributes } = cloud;
  if (positions.length === 0) throw formatError(name, "holds no points.", { expected: 1, found: 0 });
  return { positions, ...(exact && { exact }), dimensionality, ...(wanted && { attributes }) };
}

/**
 * Writes points and their attributes. In .npz and .safetensors, arrays keep their names and positions are called
 * `node_positions`; a .csv has columns x, y, z and one for each channel; an .npy holds the positions alone.
 * @param name the file's name, whose extension chooses the format; or a format alone: "ply"
 * @throws FormatError for an unknown extension; InputError for arrays that do not fit each other or the format.
 */
export function writePointCloud(cloud: PointCloud, name: string): Uint8Array<ArrayBuffer> {
  const write = chooseByName(writers, name, writableExtensions, noFormat);
  checkCloud(cloud);
  return write(cloud);
}

/**
 * Returns the bytes of a .vtu or .vtp file with additional attributes of its points; everything else stays as it is.
 * @throws FormatError for a file of another format; InputError for attributes that do not fit its points
 */
export function addAttributes(
  bytes: FileBytes,
  attributes: ReadonlyMap<string, Attribute>,
  name: string,
): Uint8Array<ArrayBuffer> {
  return addPointData(bytes, pointDataOf(attributes), { file: name });
}

function chooseByName<T>(
  formats: Readonly<Record<string, T>>,
  name: string,
  known: readonly string[],
  describe: typeof noFormat,
): T {
  expectKind("name", name, "a file's name or a format", typeof name === "string");
  const extension = formatNamed(name);
  if (Object.hasOwn(formats, extension)) return formats[extension];
  throw unknownExtension(name, extension, known, describe);
}

/**
 * @param known the extensions that can be read, or written, with their dots
 * @param describe says what is wrong
 */
export function unknownExtension(
  name: string,
  extension: string,
  known: readonly string[],
  describe = unknownFormat,
): FormatError {
  return formatError(name, describe(extension, known), { expected: [...known], found: extension });
}

function arraysOf({ positions, exact, dimensionality, attributes }: PointCloud): Map<string, SafeTensorInput> {
  const [name] = positionNames;
  if (attributes?.has(name)) throw new InputError(`"${name}" is the name of the positions.`, { tensor: name });
  const shape = [positions.length / dimensionality, dimensionality];
  return new Map<string, SafeTensorInput>([
    [name, { shape, data: exactOf(positions, exact) }],
    ...pointDataOf(attributes),
  ]);
}

/** Returns the array that has a usual name of positions, or else the only one. */
function choosePositions(names: readonly string[], file: string): string {
  const name =
    positionNames.find((candidate) => names.includes(candidate)) ?? (names.length === 1 ? names[0] : undefined);
  if (name !== undefined) return name;
  const others = names.slice(0, 100).join(", ") || "none";
  throw formatError(file, `holds no array named ${positionNames.join(", ")}, but ${others}.`, {
    expected: [...positionNames],
    found: [...names],
  });
}

/** Returns the points and the requested attributes. */
function chooseArrays(
  arrays: ReadonlyMap<string, SafeTensor>,
  found: readonly string[],
  file: string,
  attributes: readonly string[] = [],
): PointCloud {
  const name = choosePositions(found, file);
  const array = arrays.get(name) as SafeTensor;
  const cloud = toPointCloud(array, `${file}:${name}`);
  const read = (attribute: string) => {
    const values = arrays.get(attribute);
    if (!values) throw missingAttribute(file, attribute, found);
    return toAttribute(values, array.shape[0], `${file}:${attribute}`);
  };
  return { ...cloud, attributes: new Map(attributes.map((attribute) => [attribute, read(attribute)])) };
}
