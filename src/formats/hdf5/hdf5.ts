// Reads HDF5 by h5wasm, which is the HDF5 library compiled to WebAssembly. The first call loads it, 1 MB with gzip, and its script comes
// with this module, so this one should be imported only when an HDF5 file is to be read or written (lazy.ts).

import { elementCount, type FileBytes, formatError, readArray, swapByteOrder, toBytes } from "../bytes/bytes.ts";
import { type ArrayContents, arrayTypes, type SafeTensor, type SafeTensorType } from "../bytes/elements.ts";
import { readField } from "../bytes/records.ts";
import type { TextArray } from "../bytes/text-arrays.ts";
import { Unpacking } from "../compression/unpacking.ts";
import { asInMatlab } from "../matlab/arrays.ts";
import { unpack } from "../netcdf/conventions.ts";
import { blobFile, isBlob, readWhole } from "../sources/partial-file.ts";
import { attributeText, groupNumbers } from "./attributes.ts";
import {
  arraysIn,
  COMPOUND,
  type DatasetArray,
  ENUMERATION,
  elementsName,
  elementType,
  type Halves,
  halvesAmong,
  halvesIn,
  isHalf,
  TEXT,
} from "./elements.ts";
import { checkGlobalHeaps, heapCheck } from "./global-heap.ts";
import { type DatasetMetadata, type H5Module, hasAllFilters, type PartRead } from "./h5wasm.ts";
import { addFilters, allocate, PATH, withLibrary } from "./library.ts";
import { isBareDimension, meaningOf } from "./netcdf.ts";
import { textBytes, textsOf } from "./texts.ts";

export { saveHdf5 } from "./write.ts";

/** Filters that the library has, by their numbers: deflate, shuffle, fletcher32, szip, nbit, scaleoffset, and h5py's LZF. */
const ownFilters: readonly number[] = [1, 2, 3, 4, 5, 6, 32000];
/** Those that it gets when a file needs one of them: Blosc, LZ4, Zstandard. */
const BLOSC = 32001;
const furtherFilters: readonly number[] = [BLOSC, 32004, 32015];
const knownFilters = [...ownFilters, ...furtherFilters];
/** What Blosc packs by, where that is not in the plugin, by its number; and the place of this number in the filter's settings. */
const missingInBlosc: Readonly<Record<number, string>> = { 3: "snappy", 4: "zlib" };
const BLOSC_COMPRESSOR = 6;

/**
 * Groups of numbers that are no data: in "#refs#/a" and the like MATLAB keeps the contents of cells and objects under names of its own,
 * in "_i_table" PyTables (and with it pandas) the index of a table.
 */
const bookkeeping = /^#(refs|subsystem)#\/|(^|\/)_i_[^/]*\//;

/** The attribute of MATLAB's data sets that names their class. */
const MATLAB_CLASS = "MATLAB_class";
/** That of its empty arrays, in whose place their sizes are written. */
const MATLAB_EMPTY = "MATLAB_empty";

/** Where a file is mounted that is read in parts. */
const MOUNT = "/mounted";

/** How to read a file. */
export interface Hdf5Options {
  /** Its name in error messages. Default "hdf5". */
  file?: string;
  /** The names of the data sets to read. Default: all. */
  only?: readonly string[];
  /** @internal Which data sets are read as well, by their names, if they are of texts. */
  texts?: (name: string) => boolean;
  /** @internal The attribute of data sets whose text is read as well. */
  note?: string;
}

/** See lazy.ts. */
export async function loadHdf5(input: FileBytes | Blob, options: Hdf5Options = {}): Promise<Map<string, SafeTensor>> {
  return (await readHdf5(input, options)).arrays;
}

/** See lazy.ts. */
export async function readHdf5(input: FileBytes | Blob, options: Hdf5Options = {}): Promise<ArrayContents> {
  const name = options.file ?? "hdf5";
  const content = isBlob(input) ? await contentOf(input, name) : toBytes(input);
  const size = isBlob(content) ? content.size : content.length;
  // Of a blob only parts are read, wherever the library asks for them; its heaps are checked then.
  if (!isBlob(content)) checkGlobalHeaps(content, name);
  const read = () =>
    withLibrary((library) =>
      withFile(library, content, name, (path) =>
        guarded(name, () => {
          const file = library.open(path, library.H5F_ACC_RDONLY, false, -1, -1);
          if (file <= 0n) throw formatError(name, notOpened(size), { offset: 0 });
          const contents = readDatasets(library, file, { ...options, name, size, content: path });
          if (library.close_file(file) < 0) throw formatError(name, "damaged: the HDF5 library cannot close it.");
          return contents;
        }),
      ),
    );
  const contents = await read();
  if (contents) return contents;
  await addFilters();
  return (await read()) as ArrayContents;
}

/** Says why the library cannot open a file. */
const notOpened = (size: number) =>
  size === 0 ? "is empty." : "not an HDF5 file, or damaged: the HDF5 library cannot open it.";

/** Returns the blob where it can be read in parts, else its bytes. */
const contentOf = async (blob: Blob, file: string): Promise<Blob | Uint8Array> =>
  "FileReaderSync" in globalThis ? blob : readWhole(blobFile(blob, file));

/** Gives the library a file while `use` reads it. */
function withFile<T>({ FS }: H5Module, content: Blob | Uint8Array, file: string, use: (path: string) => T): T {
  if (isBlob(content)) {
    const operations = FS.filesystems.WORKERFS.stream_ops;
    const { read } = operations;
    operations.read = checkedRead(read, content, file);
    FS.mkdir(MOUNT);
    FS.mount(FS.filesystems.WORKERFS, { blobs: [{ name: PATH.slice(1), data: content }] }, MOUNT);
    try {
      return use(`${MOUNT}${PATH}`);
    } finally {
      FS.unmount(MOUNT);
      FS.rmdir(MOUNT);
      operations.read = read;
    }
  }
  FS.writeFile(PATH, content);
  try {
    return use(PATH);
  } finally {
    FS.unlink(PATH);
  }
}

/** What workers of browsers have for reading at once. */
interface SyncReader {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** Returns a way to read parts of a blob that checks the heaps in them before the library walks through these. */
function checkedRead(read: PartRead, blob: Blob, file: string): PartRead {
  const reader = new (globalThis as unknown as { FileReaderSync: new () => SyncReader }).FileReaderSync();
  const part = (start: number, end: number) => new Uint8Array(reader.readAsArrayBuffer(blob.slice(start, end)));
  const check = heapCheck({ size: blob.size, read: part }, file);
  return (stream, buffer, offset, length, position) => {
    const count = read(stream, buffer, offset, length, position);
    check(new Uint8Array(buffer.buffer, buffer.byteOffset + offset, count), position);
    return count;
  };
}

/** Converts whatever the library throws, WebAssembly traps included, to an error about the file. */
function guarded<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof Error && cause.name === "FormatError") throw cause;
    const problem = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw formatError(file, `damaged: the HDF5 library stopped at it (${problem}).`, {}, { cause });
  }
}

/** @returns undefined if the library lacks filters that it can get */
function readDatasets(
  library: H5Module,
  file: bigint,
  { name, size, content, only, texts: wantsTexts, note }: Hdf5Options & { name: string; size: number; content: string },
): ArrayContents | undefined {
  const { datasets, groups, links } = listFile(library, file);
  const metadataOf = (path: string) => library.get_dataset_metadata(file, path);
  /** Finds what is asked for. Compounds can be, too: the error says how their members are. */
  const find = (name: string): DatasetArray | undefined => {
    const dataset = datasets.includes(name) ? metadataOf(name) : undefined;
    if (dataset) return { name, path: name, dataset, elements: dataset };
    const path = datasets.find((other) => name.startsWith(`${other}/`));
    return path === undefined ? undefined : arraysIn(path, metadataOf(path)).find((array) => array.name === name);
  };
  const asked = only?.map(find);
  const missing = only?.find((_, i) => !asked?.[i]);
  if (missing !== undefined) {
    const link = links.get(missing);
    const problem =
      link === undefined
        ? `holds no data set "${missing}", but ${datasets.join(", ") || "none"}.`
        : `"${missing}" is ${link}, which is not read: copy the data set into this file.`;
    throw formatError(name, problem, { tensor: missing, expected: [...(only ?? [])], found: datasets });
  }
  const wanted = (asked ?? datasets.flatMap((path) => arraysIn(path, metadataOf(path)))) as DatasetArray[];
  const sources = new Map(wanted.map(({ path, dataset }) => [path, dataset]));
  const needsMore = (path: string) =>
    library.get_dataset_filters(file, path).some(({ id }) => furtherFilters.includes(id));
  if (!hasAllFilters(library) && [...sources.keys()].some(needsMore)) return undefined;
  const hindrances = new Map(
    Array.from(sources, ([path, dataset]) => [path, hindranceOf(library, file, path, dataset)]),
  );
  const arrays = new Map<string, SafeTensor>();
  const leftOut = new Map(links);
  const unpacking = new Unpacking(size);
  const read = datasetReader(library, file, name, unpacking);
  const texts = new Map<string, TextArray>();
  let halves: Halves | undefined;
  const findHalves = () => {
    halves ??= halvesIn(library, content, halvesAmong(library, file, datasets, groups));
    return halves;
  };
  for (const array of wanted) {
    const { name: path, dataset, elements } = array;
    const dtype = elementType(elements, isHalf(elements) ? findHalves() : undefined);
    const hindrance = hindrances.get(array.path);
    const isText = elements.type === TEXT && dataset.shape && otherFiles(dataset).length === 0;
    if (isText && hindrance === undefined && wantsTexts?.(path)) {
      texts.set(path, read.texts(array));
      if (!only) leftOut.set(path, contentKind(array));
    } else if (hindrance !== undefined) {
      const { kind, advice } = hindrance;
      if (only) throw formatError(`${name}:${path}`, `holds ${kind}, which is not read: ${advice}.`, { tensor: path });
      leftOut.set(array.path, `${kind}: ${advice}`);
    } else if (dtype && dataset.shape && otherFiles(dataset).length === 0) {
      arrays.set(path, read.numbers(array, dtype));
    } else if (only) {
      throw formatError(`${name}:${path}`, `holds no numbers, but ${contentKind(array)}.`, { tensor: path });
    } else leftOut.set(path, contentKind(array));
  }
  const notes = new Map<string, string>();
  for (const path of note === undefined ? [] : sources.keys()) {
    const text = attributeText(library, file, path, note as string);
    if (text !== "") notes.set(path, text);
  }
  return {
    arrays,
    leftOut,
    ...(wantsTexts && { texts }),
    ...(note !== undefined && { notes }),
    ...(!only && { attributes: groupNumbers(library, file, groups, findHalves) }),
  };
}

/**
 * Returns the paths of the groups and of the data sets whose numbers the file's owner has written, and what each link is that leads to
 * none in this file.
 */
function listFile(
  library: H5Module,
  file: bigint,
): { datasets: string[]; groups: string[]; links: Map<string, string> } {
  const [datasets, groups]: string[][] = [[], []];
  const links = new Map<string, string>();
  for (const name of library.get_names(file, "/", true)) {
    const path = name.replace(/^\/+/, "");
    const type = library.get_type(file, path);
    if (bookkeeping.test(path)) continue;
    if (type === library.H5G_DATASET) {
      if (!isBareDimension(library, file, path)) datasets.push(path);
    } else if (type === library.H5G_GROUP) groups.push(path);
    else if (type === library.H5G_LINK) links.set(path, `a link to ${library.get_symbolic_link(file, path)}`);
    else if (type === library.H5G_UDLINK) {
      const { filename, obj_path } = library.get_external_link(file, path);
      links.set(path, `a link to ${obj_path} in the file ${filename}`);
    }
  }
  return { datasets, groups, links };
}

/** Returns why a data set's numbers cannot be had, though they are numbers, and what its owner can do; undefined if they can. */
function hindranceOf(
  library: H5Module,
  file: bigint,
  path: string,
  { type }: DatasetMetadata,
): { kind: string; advice: string } | undefined {
  for (const { id, name, cd_values } of library.get_dataset_filters(file, path)) {
    const within = id === BLOSC ? missingInBlosc[cd_values[BLOSC_COMPRESSOR]] : undefined;
    if (knownFilters.includes(id) && !within) continue;
    const by = `${name || `filter ${id}`}${within ? ` by ${within}` : ""}`;
    return {
      kind: `data compressed by ${by}`,
      // h5repack reads only what HDF5 itself can.
      advice: 'write it again compressed by gzip (h5py: compression="gzip"), or not at all',
    };
  }
  const attributes = library.get_attribute_names(file, path);
  if (attributeText(library, file, path, MATLAB_CLASS).startsWith("char"))
    return { kind: "text of MATLAB, as numbers", advice: "save its meaning as a number" };
  if (attributes.includes(MATLAB_EMPTY))
    return { kind: "the sizes of an empty array of MATLAB", advice: "save an array with elements" };
  if (attributes.includes(MATLAB_CLASS) && type === COMPOUND)
    return { kind: "complex numbers", advice: "save real(x) and imag(x)" };
  const { unclear } = meaningOf(library, file, path);
  if (unclear.length === 0) return undefined;
  const advice = "write it unpacked (xarray: open_dataset(IN).drop_encoding().to_netcdf(OUT))";
  return { kind: `data packed by ${unclear.join(" and ")}, which should be one number each`, advice };
}

/** The other files that hold a virtual data set's numbers: the library would put its fill value in their place. */
const otherFiles = ({ virtual_sources }: DatasetMetadata): string[] => [
  ...new Set(virtual_sources?.map(({ file_name }) => file_name).filter((file) => file !== ".")),
];

/** Names what is in the place of an array's numbers. */
function contentKind({ path, dataset, elements, member }: DatasetArray): string {
  if (isHalf(elements)) return "floats of 16 bits in a file with float16 and bfloat16: write it in float32";
  const files = otherFiles(dataset);
  if (files.length > 0)
    return `a view of data sets in ${files.slice(0, 3).join(", ")}${files.length > 3 ? ", ..." : ""}`;
  if (!dataset.shape) return "an empty data space";
  const [first] = (!member && elements.compound_type?.members) || [];
  return `${elementsName(elements)}${first ? `, as tables are: each column is an array of its own, such as "${path}/${first.name}"` : ""}`;
}

/** Returns functions that read arrays of a file. They keep the last data set of compounds, whose members are mostly read in turn. */
function datasetReader(library: H5Module, file: bigint, name: string, unpacking: Unpacking) {
  /** Has the library read the elements of an array's data set, which `use` gets. Compounds are as they are in the file. */
  const readWith = <T>(
    { path, elements, member }: DatasetArray,
    size: number,
    place: string,
    use: (bytes: Uint8Array) => T,
  ): T => {
    unpacking.take(size, place, { tensor: path });
    const pointer = allocate(library, size);
    if (pointer === 0) throw formatError(place, `no memory for its ${size} bytes.`, { tensor: path });
    try {
      if (library.get_dataset_data(file, path, null, null, null, BigInt(pointer)) < 0) {
        const problem = "the HDF5 library cannot read it: it is damaged, or its numbers are in another file";
        throw formatError(place, `${problem}.`, { tensor: path });
      }
      try {
        return use(library.HEAPU8.subarray(pointer, pointer + size));
      } finally {
        // The library takes memory for texts of varying length, which may be members of compounds.
        if (member || elements.vlen) library.reclaim_vlen_memory(file, path, "", BigInt(pointer));
      }
    } finally {
      library._free(pointer);
    }
  };
  const readBytes = (array: DatasetArray, size: number, place: string) =>
    readWith(array, size, place, (bytes) => bytes.slice());
  let compounds: { path: string; bytes: Uint8Array } | undefined;
  const texts = (array: DatasetArray): TextArray => {
    const place = `${name}:${array.name}`;
    const size = textBytes(array, place);
    if (size === 0) return { shape: Array.from(array.dataset.shape ?? [], Number), texts: [] };
    const use = (bytes: Uint8Array) => textsOf(array, { bytes, heap: library.HEAPU8, unpacking, place });
    return readWith(array, size, place, use);
  };
  const numbers = (array: DatasetArray, dtype: SafeTensorType): SafeTensor => {
    const { name: tensor, path, dataset, elements, member } = array;
    const sizes = Array.from(dataset.shape ?? [], Number);
    const shape = [...sizes, ...(member?.shape ?? [])];
    const length = elementCount(shape);
    const type = arrayTypes[dtype];
    const width = type.BYTES_PER_ELEMENT;
    const place = `${name}:${tensor}`;
    if (Number.isNaN(length)) throw formatError(place, `(${shape}) is not a shape.`, { tensor, found: shape });
    if (length === 0) return { dtype, shape, data: new type(0) };
    if (!member) {
      const bytes = readBytes(array, length * width, place);
      // The library converts elements to this machine's byte order, but for named ones.
      if (elements.type === ENUMERATION && !elements.littleEndian) swapByteOrder(bytes, width);
      const stored = { dtype, shape, data: readArray(bytes, 0, length, type) };
      const unpacked = unpack(stored, meaningOf(library, file, path), unpacking, place);
      return library.get_attribute_names(file, path).includes(MATLAB_CLASS) ? asInMatlab(unpacked) : unpacked;
    }
    const { offset } = member;
    const count = elementCount(sizes);
    if (offset + (length / count) * width > dataset.size)
      throw formatError(place, `lies beyond the ${dataset.size} bytes of its compounds.`, { tensor, found: offset });
    if (compounds?.path !== path) {
      compounds = { path, bytes: readBytes(array, count * dataset.size, place) };
    }
    const field = { offset, dtype, bigEndian: !elements.littleEndian, shape: member.shape };
    return { dtype, shape, data: readField(compounds.bytes, dataset.size, count, field) };
  };
  return { numbers, texts };
}
