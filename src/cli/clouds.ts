// Reads an input file: positions and features, and from a safetensors, npz, HDF5 or MATLAB file also clouds, graph and tree.

import { maxLevels } from "../balltree/job.ts";
import { FormatError } from "../errors.ts";
import { componentsOf } from "../experiments/folder/sample-arrays.ts";
import { arrayFileReaders } from "../formats/array-files.ts";
import { type SafeTensor, toFloat32, toInt32 } from "../formats/bytes/elements.ts";
import { withoutLaz } from "../formats/clouds/laz.ts";
import { expectUnpacked } from "../formats/compression/packed.ts";
import { dottedExtensionOf, extensionOf } from "../formats/extension.ts";
import { loadNpz } from "../formats/numpy/npz.ts";
import {
  type Attribute,
  headExtensions,
  type PointCloud,
  pointCloudExtensions,
  pointCloudOf,
  readPointCloud,
  unknownExtension,
} from "../formats/pointcloud.ts";
import { noteOnRounding, type Rounded } from "../formats/rounding.ts";
import { loadSafetensors } from "../formats/safetensors/safetensors.ts";
import { readBytes } from "./files/files.ts";

export interface CloudFile {
  path: string;
  bytes: Uint8Array;
  /** [n, dimensionality]; where there are `exact` ones, from the first point on: trees, graphs and models depend on differences alone. */
  positions: Float32Array;
  /** The file's positions, where float32 would round them as `PointCloud.exact` says. */
  exact?: Float64Array;
  dimensionality: number;
  points: number;
  /** [n] cloud of each point; all 0 where the file has no clouds. */
  batchIdx: Int32Array;
  /** [n, channels] */
  features?: { data: Float32Array; channels: number };
  /** [2, edges]: sources, then targets. */
  edgeIndex?: Int32Array;
  tree?: { treeIdx: Int32Array; treeMask: Uint8Array; treeIdxRot: Int32Array[] };
  /** What weights the output in `gradients`. */
  probe?: SafeTensor;
}

/** The extensions of files that `readCloudFile` reads, with their dots. */
export const cloudExtensions: readonly string[] = [
  ...pointCloudExtensions,
  ...Object.keys(arrayFileReaders).map((extension) => `.${extension}`),
];

/**
 * @param features names of the file's arrays that become the features, side by side; default: its node_features
 * @throws FormatError for a file that is not what its format demands, or arrays that do not fit each other.
 */
export async function readCloudFile(path: string, features?: readonly string[]): Promise<CloudFile> {
  return await readCloud(readBytes(path), path, features);
}

/** Like `readCloudFile`, for bytes that have been read; messages name the file by `path`, whose extension decides the format. */
export async function readCloud(bytes: Uint8Array, path: string, features?: readonly string[]): Promise<CloudFile> {
  const extension = dottedExtensionOf(path);
  if (![...cloudExtensions, ...headExtensions].includes(extension)) {
    throw unknownExtension(path, extensionOf(path), cloudExtensions);
  }
  expectUnpacked(bytes, path);
  const named = await readNamedArrays(bytes, path);
  const unpacked = await withoutLaz(bytes, path);
  const read = (names?: readonly string[]) =>
    named && !pointCloudExtensions.includes(extension)
      ? pointCloudOf(named, path, names)
      : readPointCloud(unpacked, path, { attributes: names });
  const { columns, cloud } = readColumns(features, read);
  const { positions, exact, dimensionality, attributes } = cloud;
  const points = positions.length / dimensionality;
  const file: CloudFile = {
    path,
    bytes,
    ...placed({ data: positions, exact }, dimensionality),
    dimensionality,
    points,
    batchIdx: new Int32Array(points),
  };
  if (attributes && columns)
    file.features = joinColumns(
      columns.map((name) => attributes.get(name)!),
      points,
    );
  if (!named) return file;

  const arrays = new ArrayReader(named, path);
  const batch = arrays.read("batch_idx", [points]);
  if (batch) file.batchIdx = arrays.toInt32(batch, "batch_idx");
  const given = file.features ? undefined : arrays.read("node_features", [points, undefined]);
  if (given) file.features = { data: arrays.toFloat32(given, "node_features"), channels: given.shape[1] };
  const edges = arrays.read("edge_index", [2, undefined]);
  if (edges) file.edgeIndex = arrays.toInt32(edges, "edge_index");
  file.tree = readTree(arrays);
  file.probe = named.get("probe");
  return file;
}

/** Returns the positions of a `CloudFile`. */
export function placed({ data, exact }: Rounded, dimensionality: number): Pick<CloudFile, "positions" | "exact"> {
  if (!exact) return { positions: data };
  return { positions: Float32Array.from(exact, (value, i) => value - exact[i % dimensionality]), exact };
}

/** Returns a remark if float32 rounds the positions too much that a model sees, as positions or as features. */
export const noteOn = ({ features, exact, positions, dimensionality }: CloudFile): string | undefined =>
  noteOnRounding(exact && !features ? Float32Array.from(exact) : positions, dimensionality);

/** Reads arrays by their names; `velocity` also stands for columns `velocity_0`, `velocity_1`, ..., as a table has a vector. */
function readColumns(columns: readonly string[] | undefined, read: (names?: readonly string[]) => PointCloud) {
  try {
    return { columns, cloud: read(columns) };
  } catch (error) {
    const { tensor, found } = error instanceof FormatError ? error.details : {};
    if (!columns?.includes(`${tensor}`) || !Array.isArray(found)) throw error;
    const known = found.map(String);
    const all = columns.flatMap((name) => {
      const parts = known.includes(name) ? [] : componentsOf(name, known);
      return parts.length > 0 ? parts : [name];
    });
    if (all.every((name) => columns.includes(name))) throw error;
    return { columns: all, cloud: read(all) };
  }
}

/** Joins arrays of the same points side by side. */
function joinColumns(attributes: readonly Attribute[], points: number): CloudFile["features"] {
  const channels = attributes.reduce((sum, attribute) => sum + attribute.channels, 0);
  const data = new Float32Array(points * channels);
  let start = 0;
  for (const { data: values, channels: width } of attributes) {
    for (let i = 0; i < values.length; i++) data[Math.floor(i / width) * channels + start + (i % width)] = values[i];
    start += width;
  }
  return { data, channels };
}

const rotatedPrefix = "tree_idx_rot.";
/** The arrays that an input file may hold besides positions. */
const arrayNames = [
  ...["batch_idx", "node_features", "edge_index", "tree_idx", "tree_mask", "probe"],
  ...Array.from({ length: maxLevels }, (_, level) => `${rotatedPrefix}${level}`),
];

/** Reads the arrays of a file whose format names them. */
async function readNamedArrays(bytes: Uint8Array, path: string): Promise<ReadonlyMap<string, SafeTensor> | undefined> {
  const format = extensionOf(path);
  if (Object.hasOwn(arrayFileReaders, format)) return (await arrayFileReaders[format](bytes, { file: path })).arrays;
  if (format === "safetensors") return loadSafetensors(bytes, { file: path }).tensors;
  return format === "npz" ? loadNpz(bytes, { file: path, only: arrayNames }) : undefined;
}

function readTree(arrays: ArrayReader): CloudFile["tree"] {
  const treeIdx = arrays.read("tree_idx", [undefined]);
  if (!treeIdx) return undefined;
  const treeMask = arrays.require("tree_mask", treeIdx.shape, "tree_idx");
  const rotated = arrays.names.filter((name) => name.startsWith(rotatedPrefix)).length;
  const treeIdxRot = Array.from({ length: rotated }, (_, level) => {
    const name = `${rotatedPrefix}${level}`;
    return arrays.toInt32(arrays.require(name, [undefined], `${rotated} arrays named ${rotatedPrefix}<level>`), name);
  });
  return {
    treeIdx: arrays.toInt32(treeIdx, "tree_idx"),
    treeMask: Uint8Array.from(arrays.toInt32(treeMask, "tree_mask")),
    treeIdxRot,
  };
}

/** The arrays of a file by name, checked against the expected shape (undefined: any length). */
class ArrayReader {
  readonly #tensors: ReadonlyMap<string, SafeTensor>;
  readonly #file: string;

  constructor(tensors: ReadonlyMap<string, SafeTensor>, file: string) {
    this.#tensors = tensors;
    this.#file = file;
  }

  get names(): string[] {
    return [...this.#tensors.keys()];
  }

  read(name: string, shape: readonly (number | undefined)[]): SafeTensor | undefined {
    const tensor = this.#tensors.get(name);
    if (!tensor) return undefined;
    const fits =
      tensor.shape.length === shape.length && shape.every((size, d) => (size ?? tensor.shape[d]) === tensor.shape[d]);
    if (fits) return tensor;
    const expected = shape.map((size) => size ?? "any").join(", ");
    throw new FormatError(`${this.#file}: ${name} has the shape [${tensor.shape}], expected [${expected}].`, {
      file: this.#file,
      tensor: name,
      expected,
      found: tensor.shape,
    });
  }

  require(name: string, shape: readonly (number | undefined)[], because: string): SafeTensor {
    const tensor = this.read(name, shape);
    if (tensor) return tensor;
    throw new FormatError(`${this.#file}: has ${because} but no ${name}.`, { file: this.#file, tensor: name });
  }

  toFloat32(tensor: SafeTensor, name: string): Float32Array {
    return toFloat32(tensor, `${this.#file}: ${name}`);
  }

  toInt32(tensor: SafeTensor, name: string): Int32Array {
    return toInt32(tensor, `${this.#file}: ${name}`);
  }
}
