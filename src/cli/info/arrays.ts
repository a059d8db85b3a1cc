// Reads the named arrays of any supported file, one sample after the other.

import { framesIn } from "../../experiments/folder/frames.ts";
import { cellExtensions, readArrays } from "../../experiments/folder/read.ts";
import { forArrayFiles } from "../../formats/array-files.ts";
import { sortAttributes } from "../../formats/attribute-names.ts";
import type { ArrayContents, SafeTensor } from "../../formats/bytes/elements.ts";
import { tableExtensions } from "../../formats/clouds/csv.ts";
import { lasTypes } from "../../formats/clouds/las.ts";
import { withoutLaz } from "../../formats/clouds/laz.ts";
import { OF_CELLS, pointDataOf } from "../../formats/clouds/mesh.ts";
import { pcdTypes } from "../../formats/clouds/pcd.ts";
import { plyTypes } from "../../formats/clouds/ply.ts";
import { expectUnpacked } from "../../formats/compression/packed.ts";
import { extensionOf, torchExtensions } from "../../formats/extension.ts";
import { loadGmshArrays } from "../../formats/gmsh/gmsh.ts";
import { loadNpy } from "../../formats/numpy/npy.ts";
import { readNpz } from "../../formats/numpy/npz.ts";
import { pointCloudExtensions, readPointCloud, unknownExtension } from "../../formats/pointcloud.ts";
import { loadSafetensors } from "../../formats/safetensors/safetensors.ts";
import { readExampleArrays } from "../../formats/tensorflow/example-arrays.ts";
import { readTfRecords } from "../../formats/tensorflow/tfrecord.ts";
import type { Pickled } from "../../formats/torch/pickle.ts";
import { loadTorch, TorchTensor } from "../../formats/torch/torch.ts";
import { vtkTypes } from "../../formats/vtk/vtk.ts";
import { loadVtkXmlArrays } from "../../formats/vtk/vtu.ts";

/** The name of the array of positions in a file of points. */
export const POSITIONS = "positions";

/** The readers of the types that a header names. */
const headerTypes: Readonly<Partial<Record<string, typeof vtkTypes>>> = {
  ...{ ply: plyTypes, pcd: pcdTypes, vtk: vtkTypes, las: lasTypes, laz: lasTypes },
};

type Arrays = ReadonlyMap<string, SafeTensor>;

/** The readers of meshes whose arrays have the file's own types. */
const meshReaders: Readonly<Record<string, typeof loadVtkXmlArrays>> = {
  ...Object.fromEntries(["vtu", "vtp", "vti", "vtr", "vts"].map((format) => [format, loadVtkXmlArrays])),
  msh: loadGmshArrays,
};

/** The arrays of each sample in a file, and when all samples are read, what each array that cannot be read holds instead of numbers. */
export interface Samples {
  samples: Iterable<Arrays>;
  /** Whether the file is one cloud of points, whose positions are its first array. */
  isCloud?: boolean;
  leftOut?: ReadonlyMap<string, string>;
}

type Reader = (bytes: Uint8Array, file: string) => Samples | Promise<Samples>;

const readTorch: Reader = (bytes, file) => ({ samples: [tensorsIn(loadTorch(bytes, { file }))] });

const ofContents = ({ arrays, attributes = new Map(), leftOut }: ArrayContents): Samples => ({
  samples: [new Map([...attributes, ...arrays])],
  leftOut,
});

const readers: Readonly<Record<string, Reader>> = {
  safetensors: (bytes, file) => ({ samples: [loadSafetensors(bytes, { file }).tensors] }),
  npy: (bytes, file) => ({ samples: [new Map([["array", loadNpy(bytes, { file })]])] }),
  npz: (bytes, file) => ofContents(readNpz(bytes, { file })),
  ...Object.fromEntries(torchExtensions.map((extension) => [extension, readTorch])),
  ...forArrayFiles(
    (read): Reader =>
      async (bytes, file) =>
        ofContents(await read(bytes, { file })),
  ),
  tfrecord: readRecords,
};

/** Whether files of a format hold points with attributes, rather than arrays of any names. */
const isPointFormat = (format: string): boolean =>
  !Object.hasOwn(readers, format) && pointCloudExtensions.includes(`.${format}`);

function readerOf(format: string): Reader | undefined {
  if (isPointFormat(format)) return readPoints;
  return Object.hasOwn(readers, format) ? readers[format] : undefined;
}

/**
 * @returns the samples: the records of a TFRecord file, the frames of a file of atoms; other files are a single sample
 * @throws FormatError for an unknown extension, and what the format's reader throws, here or while samples are read
 */
export async function readSamples(bytes: Uint8Array, file: string): Promise<Samples> {
  const read = readerOf(extensionOf(file));
  if (read) {
    expectUnpacked(bytes, file);
    return await read(bytes, file);
  }
  const known = [...new Set([...Object.keys(readers).map((format) => `.${format}`), ...pointCloudExtensions])];
  throw unknownExtension(file, extensionOf(file), known);
}

/** Returns all tensors in dictionaries and lists by their paths: "model_state_dict.embed.weight", "tensors.0". */
function tensorsIn(value: Pickled, name = "", found = new Map<string, SafeTensor>()): Arrays {
  if (value instanceof TorchTensor) found.set(name || "tensor", value);
  const items = value instanceof Map || Array.isArray(value) ? value.entries() : [];
  for (const [key, item] of items) tensorsIn(item as Pickled, name ? `${name}.${key}` : String(key), found);
  return found;
}

function readRecords(bytes: Uint8Array, file: string): Samples {
  const leftOut = new Map<string, string>();
  function* samples(): Generator<Arrays> {
    for (const record of readTfRecords(bytes, { file })) {
      const contents = readExampleArrays(record, file);
      for (const [name, held] of contents.leftOut) leftOut.set(name, held);
      yield contents.arrays;
    }
  }
  return { samples: samples(), leftOut };
}

/** Reads positions, and the numeric attributes of the points: of each frame, where there are several. */
async function readPoints(packed: Uint8Array, file: string): Promise<Samples> {
  const frames = await framesIn(await withoutLaz(packed, file), file);
  const leftOut = new Map<string, string>();
  const read = (frame: (typeof frames)[number]) => readCloud(frame.bytes, frame.file, leftOut);
  if (frames.length === 1) {
    const [{ bytes, file }] = frames;
    for (const name of await arraysOfCells(bytes, file)) leftOut.set(name, OF_CELLS);
    const found = tableExtensions.includes(extensionOf(file)) ? await readTable(bytes, file, leftOut) : read(frames[0]);
    return { samples: [found], isCloud: true, leftOut };
  }
  function* samples(): Generator<Arrays> {
    for (const frame of frames) yield read(frame);
  }
  return { samples: samples(), leftOut };
}

/** Returns the names of a mesh's arrays of cells. */
async function arraysOfCells(bytes: Uint8Array, file: string): Promise<readonly string[]> {
  return cellExtensions.includes(extensionOf(file)) ? (await readArrays(bytes, file)).elsewhere : [];
}

/** Reads a table as training does: empty cells in a column of numbers are NaN. */
async function readTable(bytes: Uint8Array, file: string, leftOut: Map<string, string>): Promise<Arrays> {
  const { points, pointData, leftOut: others = [] } = await readArrays(bytes, file);
  for (const [name, held] of others) leftOut.set(name, held);
  return new Map([[POSITIONS, points as SafeTensor], ...pointData]);
}

function readCloud(bytes: Uint8Array, file: string, leftOut: Map<string, string>): Arrays {
  const { numeric, others } = sortAttributes(bytes, file);
  for (const [name, held] of others) leftOut.set(name, held);
  const format = extensionOf(file);
  if (Object.hasOwn(meshReaders, format)) {
    const { points, pointData } = meshReaders[format](bytes, { file, only: numeric });
    return new Map([[POSITIONS, points], ...pointData]);
  }
  const { positions, exact, dimensionality, attributes } = readPointCloud(bytes, file, { attributes: numeric });
  const shape = [positions.length / dimensionality, dimensionality];
  const arrays = new Map<string, SafeTensor>([
    [POSITIONS, exact ? { dtype: "F64", shape, data: exact } : { dtype: "F32", shape, data: positions }],
    ...pointDataOf(attributes),
  ]);
  for (const [name, { exact }] of attributes ?? []) {
    if (exact) arrays.set(name, { ...(arrays.get(name) as SafeTensor), dtype: "F64", data: exact });
  }
  for (const [name, dtype] of headerTypes[format]?.(bytes, file) ?? []) {
    const of = name === "x" ? POSITIONS : name;
    const array = arrays.get(of);
    if (array) arrays.set(of, { ...array, dtype });
  }
  return arrays;
}
