// HDF5 by h5wasm, which is the HDF5 library compiled to WebAssembly. The first call loads it, 1 MB with gzip, and its script comes
// with this module, so this one should be imported only when an HDF5 file is to be read or written (hdf5-lazy.ts).
//
// A damaged file leaves the library in an unknown state: it may keep the file open and return it when the next one is opened, or
// have been interrupted half-way. So an instance that has met an error is not used again.

import { InputError } from "../errors.ts";
import { bytesOf, elementCount, type FileBytes, formatError, readArray, swapByteOrder, toBytes } from "./bytes.ts";
import { type ArrayContents, arrayTypes, type SafeTensor, type SafeTensorType } from "./elements.ts";
import { createModule, type DatasetMetadata, type H5Module } from "./h5wasm.ts";
import { asInMatlab } from "./matlab-arrays.ts";
import { blobFile, readWhole } from "./partial-file.ts";
import { Unpacking } from "./unpacking.ts";

/** Numbers of element classes in HDF5. */
const INTEGER = 0;
const FLOAT = 1;
const TEXT = 3;
/** Names of integers: h5py stores booleans so. */
const ENUMERATION = 8;

/** Element classes that are not read, by their numbers in HDF5. */
const otherElements: Record<number, string> = {
  2: "times",
  3: "text",
  4: "bit fields",
  5: "opaque bytes",
  6: "compounds, as tables are: write each column as an array of its own",
  7: "references",
  9: "sequences of varying length",
  10: "arrays as elements",
};

const floats: Record<number, SafeTensorType> = { 4: "F32", 8: "F64" };
const signedIntegers: Record<number, SafeTensorType> = { 1: "I8", 2: "I16", 4: "I32", 8: "I64" };
const unsignedIntegers: Record<number, SafeTensorType> = { 1: "U8", 2: "U16", 4: "U32", 8: "U64" };

/** Filters that the library has, by their numbers: deflate, shuffle, fletcher32, szip, nbit and scaleoffset. */
const knownFilters: readonly number[] = [1, 2, 3, 4, 5, 6];

/**
 * Groups of numbers that are no data: in "#refs#/a" and the like MATLAB keeps the contents of cells and objects under names of its own,
 * in "_i_table" PyTables (and with it pandas) the index of a table.
 */
const bookkeeping = /^#(refs|subsystem)#\/|(^|\/)_i_[^/]*\//;

/** How the attribute NAME of a netCDF dimension begins for which there is no variable: its data set holds zeros that nobody wrote. */
const BARE_DIMENSION = "This is a netCDF dimension but not a netCDF variable";

/** The attribute of MATLAB's data sets that names their class. */
const MATLAB_CLASS = "MATLAB_class";
/** That of its empty arrays, in whose place their sizes are written. */
const MATLAB_EMPTY = "MATLAB_empty";

/** Attributes of netCDF's data sets with the numbers that stand for missing ones. */
const FILL_VALUE = "_FillValue";
const missingAttributes = [FILL_VALUE, "missing_value"];
/** The attribute of those of its data sets that have dimensions, and the number that by default stands for what nobody has written. */
const NETCDF_DIMENSIONS = "DIMENSION_LIST";
const NETCDF_FILL = 9.969209968386869e36;

/** Attributes of netCDF's data sets that hold other numbers than those that are meant. */
const packingAttributes = ["scale_factor", "add_offset"];

/** How files of netCDF begin that are not HDF5. */
const NETCDF_3 = "CDF";

const PATH = "/file.h5";
const MOUNT = "/mounted";

let instance: Promise<H5Module> | undefined;

/** Calls `use` with an instance of the library, and discards the instance if the call fails. */
async function withLibrary<T>(use: (library: H5Module) => T): Promise<T> {
  instance ??= createModule();
  try {
    return use(await instance);
  } catch (error) {
    instance = undefined;
    throw error;
  }
}

/** How to read a file. */
export interface Hdf5Options {
  /** Its name in error messages. Default "hdf5". */
  file?: string;
  /** The names of the data sets to read. Default: all. */
  only?: readonly string[];
}

/** See hdf5-lazy.ts. */
export async function loadHdf5(input: FileBytes | Blob, options: Hdf5Options = {}): Promise<Map<string, SafeTensor>> {
  return (await readHdf5(input, options)).arrays;
}

/** See hdf5-lazy.ts. */
export async function readHdf5(input: FileBytes | Blob, options: Hdf5Options = {}): Promise<ArrayContents> {
  const name = options.file ?? "hdf5";
  const content = input instanceof Blob ? await contentOf(input, name) : toBytes(input);
  const size = content instanceof Blob ? content.size : content.length;
  const begin = content.slice(0, NETCDF_3.length);
  const head = new TextDecoder("latin1").decode(begin instanceof Blob ? await begin.arrayBuffer() : begin);
  return await withLibrary((library) =>
    withFile(library, content, (path) =>
      guarded(name, () => {
        const file = library.open(path, library.H5F_ACC_RDONLY, false, -1, -1);
        if (file <= 0n) throw formatError(name, notOpened(head), { offset: 0 });
        const contents = readDatasets(library, file, { name, size, content: path, only: options.only });
        if (library.close_file(file) < 0) throw formatError(name, "damaged: the HDF5 library cannot close it.");
        return contents;
      }),
    ),
  );
}

/** Says why the library cannot open a file, by how the file begins. */
function notOpened(head: string): string {
  if (head === "") return "is empty.";
  if (head === NETCDF_3) return "is a netCDF-3 file, which is not HDF5: convert it by nccopy -k nc4 IN OUT.";
  return "not an HDF5 file, or damaged: the HDF5 library cannot open it.";
}

/** Returns the blob where it can be read in parts, else its bytes. */
const contentOf = async (blob: Blob, file: string): Promise<Blob | Uint8Array> =>
  "FileReaderSync" in globalThis ? blob : readWhole(blobFile(blob, file));

/** Gives the library a file while `use` reads it. */
function withFile<T>({ FS }: H5Module, content: Blob | Uint8Array, use: (path: string) => T): T {
  if (content instanceof Blob) {
    FS.mkdir(MOUNT);
    FS.mount(FS.filesystems.WORKERFS, { blobs: [{ name: PATH.slice(1), data: content }] }, MOUNT);
    try {
      return use(`${MOUNT}${PATH}`);
    } finally {
      FS.unmount(MOUNT);
      FS.rmdir(MOUNT);
    }
  }
  FS.writeFile(PATH, content);
  try {
    return use(PATH);
  } finally {
    FS.unlink(PATH);
  }
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

function readDatasets(
  library: H5Module,
  file: bigint,
  { name, size, content, only }: { name: string; size: number; content: string; only?: readonly string[] },
): ArrayContents {
  const { datasets, links } = listFile(library, file);
  const missing = only?.find((path) => !datasets.includes(path));
  if (missing !== undefined) {
    const link = links.get(missing);
    const problem =
      link === undefined
        ? `holds no data set "${missing}", but ${datasets.join(", ") || "none"}.`
        : `"${missing}" is ${link}, which is not read: copy the data set into this file.`;
    throw formatError(name, problem, { tensor: missing, expected: [...(only ?? [])], found: datasets });
  }
  const arrays = new Map<string, SafeTensor>();
  const leftOut = new Map(links);
  const unpacking = new Unpacking(size);
  let halves: Halves | undefined;
  for (const path of only ?? datasets) {
    const metadata = library.get_dataset_metadata(file, path);
    if (isHalf(metadata)) halves ??= halvesIn(library, content, halvesAmong(library, file, datasets));
    const dtype = elementType(metadata, halves);
    const hindrance = hindranceOf(library, file, path);
    if (hindrance !== undefined) {
      const { kind, advice } = hindrance;
      if (only) throw formatError(`${name}:${path}`, `holds ${kind}, which is not read: ${advice}.`, { tensor: path });
      leftOut.set(path, `${kind}: ${advice}`);
    } else if (dtype && metadata.shape && otherFiles(metadata).length === 0) {
      arrays.set(path, readDataset(library, file, path, dtype, metadata, name, unpacking));
    } else if (only) {
      throw formatError(`${name}:${path}`, `holds no numbers, but ${contentKind(metadata)}.`, { tensor: path });
    } else leftOut.set(path, contentKind(metadata));
  }
  return { arrays, leftOut };
}

/** Returns the paths of the data sets whose numbers the file's owner has written, and what each link is that leads to none in this file. */
function listFile(library: H5Module, file: bigint): { datasets: string[]; links: Map<string, string> } {
  const datasets: string[] = [];
  const links = new Map<string, string>();
  for (const name of library.get_names(file, "/", true)) {
    const path = name.replace(/^\/+/, "");
    const type = library.get_type(file, path);
    if (bookkeeping.test(path)) continue;
    if (type === library.H5G_DATASET) {
      if (!isBareDimension(library, file, path)) datasets.push(path);
    } else if (type === library.H5G_LINK) links.set(path, `a link to ${library.get_symbolic_link(file, path)}`);
    else if (type === library.H5G_UDLINK) {
      const { filename, obj_path } = library.get_external_link(file, path);
      links.set(path, `a link to ${obj_path} in the file ${filename}`);
    }
  }
  return { datasets, links };
}

/** Returns the address of memory in the library, whose addresses have 32 bits: it would take more bytes for the few of their remainder. */
const allocate = (library: H5Module, bytes: number): number => (bytes < 2 ** 32 ? library._malloc(bytes) : 0);

/** Returns an attribute of a data set if its elements are of fixed length: their class and the bytes of all; else undefined. */
function readAttribute(
  library: H5Module,
  file: bigint,
  path: string,
  attribute: string,
): { metadata: DatasetMetadata; count: number; bytes: Uint8Array } | undefined {
  if (!library.get_attribute_names(file, path).includes(attribute)) return undefined;
  const metadata = library.get_attribute_metadata(file, path, attribute);
  const count = Number(metadata.total_size);
  const length = metadata.size * count;
  const pointer = metadata.vlen || length === 0 ? 0 : allocate(library, length);
  if (pointer === 0) return undefined;
  try {
    const status = library.get_attribute_data(file, path, attribute, BigInt(pointer));
    return status < 0 ? undefined : { metadata, count, bytes: library.HEAPU8.slice(pointer, pointer + length) };
  } finally {
    library._free(pointer);
  }
}

/** Returns an attribute that is a text; "" for any other. */
function attributeText(library: H5Module, file: bigint, path: string, attribute: string): string {
  const { metadata, count, bytes } = readAttribute(library, file, path, attribute) ?? {};
  return metadata?.type === TEXT && count === 1 ? new TextDecoder().decode(bytes) : "";
}

/** Returns the numbers of an attribute, none if it is of something else. */
function attributeNumbers(library: H5Module, file: bigint, path: string, attribute: string): number[] {
  const { metadata, count = 0, bytes } = readAttribute(library, file, path, attribute) ?? {};
  const dtype = metadata && !isHalf(metadata) ? elementType(metadata, undefined) : undefined;
  return dtype && bytes ? Array.from(readArray(bytes, 0, count, arrayTypes[dtype]), Number) : [];
}

/** Whether a data set stands for a dimension of netCDF of which there is no variable. */
function isBareDimension(library: H5Module, file: bigint, path: string): boolean {
  return attributeText(library, file, path, "NAME").startsWith(BARE_DIMENSION);
}

/** Makes NaN of the values that stand for missing numbers in netCDF's data sets; integers among which there are such become float64. */
function markMissing(library: H5Module, file: bigint, path: string, array: SafeTensor): SafeTensor {
  // The data of these are their bits.
  if (array.dtype === "F16" || array.dtype === "BF16" || array.dtype === "BOOL") return array;
  const values = missingAttributes.flatMap((name) => attributeNumbers(library, file, path, name));
  const isFloat = array.dtype === "F32" || array.dtype === "F64";
  const attributes = library.get_attribute_names(file, path);
  // Where a variable has a number of its own for what nobody has written, netCDF's is one like any other.
  if (isFloat && attributes.includes(NETCDF_DIMENSIONS) && !attributes.includes(FILL_VALUE)) values.push(NETCDF_FILL);
  let result = array;
  for (const value of values) {
    // The attribute may be of another type than the data.
    const missing = array.dtype === "F32" ? Math.fround(value) : value;
    const isBig = array.data instanceof BigInt64Array || array.data instanceof BigUint64Array;
    const at = indexIn(array.data, isBig && Number.isInteger(missing) ? BigInt(missing) : missing);
    if (at < 0) continue;
    if (!isFloat && result === array) result = { ...array, dtype: "F64", data: Float64Array.from(array.data, Number) };
    for (let i = at; i >= 0; i = indexIn(result.data, missing, i + 1)) result.data[i] = Number.NaN;
  }
  return result;
}

const indexIn = (data: SafeTensor["data"], value: number | bigint, start = 0): number =>
  (data as { indexOf(value: number | bigint, start: number): number }).indexOf(value, start);

/** Returns why a data set's numbers cannot be had, though they are numbers, and what its owner can do; undefined if they can. */
function hindranceOf(library: H5Module, file: bigint, path: string): { kind: string; advice: string } | undefined {
  const filter = library.get_dataset_filters(file, path).find(({ id }) => !knownFilters.includes(id));
  if (filter) {
    const by = filter.name || `filter ${filter.id}`;
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
  const packing = packingAttributes.filter((attribute) => attributes.includes(attribute));
  if (packing.length === 0) return undefined;
  const advice = "write it unpacked (xarray: open_dataset(IN).drop_encoding().to_netcdf(OUT))";
  return { kind: `data packed by ${packing.join(" and ")}`, advice };
}

function elementType(
  { type, size, signed, vlen, enum_type }: DatasetMetadata,
  halves: Halves | undefined,
): SafeTensorType | undefined {
  if (vlen) return undefined;
  if (isHalf({ type, size })) return halves === "both" ? undefined : halves;
  if (type === FLOAT) return floats[size];
  const isBoolean = size === 1 && Object.values(enum_type?.members ?? {}).every((value) => value === 0 || value === 1);
  if (type === ENUMERATION && isBoolean) return "BOOL";
  return type === INTEGER || type === ENUMERATION ? (signed ? signedIntegers : unsignedIntegers)[size] : undefined;
}

const isHalf = ({ type, size }: Pick<DatasetMetadata, "type" | "size">) => type === FLOAT && size === 2;

const halvesAmong = (library: H5Module, file: bigint, datasets: readonly string[]) =>
  datasets.filter((path) => isHalf(library.get_dataset_metadata(file, path))).length;

/** The floats of 16 bits in a file. */
type Halves = "F16" | "BF16" | "both";

/** What follows the number of the sign's bit in the description of a float of 2 bytes: its size, first bit and precision. */
const HALF = [0x0f, 0, 2, 0, 0, 0, 0, 0, 16, 0] as const;
/** Then where exponent and mantissa begin, and how many bits they have, and the exponent's bias. */
const BFLOAT16 = "7,8,0,7,127,0,0,0";
const FLOAT16 = "10,5,0,10,15,0,0,0";

/**
 * Finds out what a file's floats of 16 bits are. The library does not tell, so their descriptions are looked for in the file itself,
 * which may be larger than memory: until there is one for each of its data sets.
 * @param path of the file in the library's file system
 * @param datasets the number of its data sets of such floats
 */
function halvesIn({ FS }: H5Module, path: string, datasets: number): Halves {
  const found: string[] = [];
  const length = HALF.length + 8;
  const part = new Uint8Array(2 ** 24);
  const stream = FS.open(path, "r");
  try {
    for (let offset = 0, count = length; count >= length && found.length < datasets; offset += count - length + 1) {
      count = FS.read(stream, part, 0, part.length, offset);
      for (let at = part.indexOf(HALF[0]); at >= 0 && at + length <= count; at = part.indexOf(HALF[0], at + 1)) {
        if (!HALF.every((byte, i) => part[at + i] === byte)) continue;
        const kind = part.slice(at + HALF.length, at + length).join();
        if (kind === BFLOAT16 || kind === FLOAT16) found.push(kind);
      }
    }
  } finally {
    FS.close(stream);
  }
  if (!found.includes(BFLOAT16)) return "F16";
  return found.includes(FLOAT16) ? "both" : "BF16";
}

/** The other files that hold a virtual data set's numbers: the library would put its fill value in their place. */
const otherFiles = ({ virtual_sources }: DatasetMetadata): string[] => [
  ...new Set(virtual_sources?.map(({ file_name }) => file_name).filter((file) => file !== ".")),
];

/** Names what a data set holds that is not read. */
function contentKind(metadata: DatasetMetadata): string {
  const { type, size, shape } = metadata;
  if (isHalf(metadata)) return "floats of 16 bits in a file with float16 and bfloat16: write it in float32";
  const files = otherFiles(metadata);
  if (files.length > 0)
    return `a view of data sets in ${files.slice(0, 3).join(", ")}${files.length > 3 ? ", ..." : ""}`;
  return shape ? (otherElements[type] ?? `numbers of ${8 * size} bits`) : "an empty data space";
}

function readDataset(
  library: H5Module,
  file: bigint,
  path: string,
  dtype: SafeTensorType,
  { shape, type: elements, littleEndian }: DatasetMetadata,
  name: string,
  unpacking: Unpacking,
): SafeTensor {
  const sizes = Array.from(shape ?? [], Number);
  const length = elementCount(sizes);
  const type = arrayTypes[dtype];
  const width = type.BYTES_PER_ELEMENT;
  const place = `${name}:${path}`;
  if (Number.isNaN(length)) throw formatError(place, `(${sizes}) is not a shape.`, { tensor: path, found: sizes });
  unpacking.take(length * width, place, { tensor: path });
  if (length === 0) return { dtype, shape: sizes, data: new type(0) };
  // The library converts elements to this machine's byte order, but for named ones.
  const pointer = allocate(library, length * width);
  if (pointer === 0) throw formatError(place, `no memory for its ${length * width} bytes.`, { tensor: path });
  try {
    if (library.get_dataset_data(file, path, null, null, null, BigInt(pointer)) < 0) {
      throw formatError(place, "is damaged: the HDF5 library cannot read it.", { tensor: path });
    }
    const bytes = library.HEAPU8.slice(pointer, pointer + length * width);
    if (elements === ENUMERATION && !littleEndian) swapByteOrder(bytes, width);
    const array = markMissing(library, file, path, { dtype, shape: sizes, data: readArray(bytes, 0, length, type) });
    return library.get_attribute_names(file, path).includes(MATLAB_CLASS) ? asInMatlab(array) : array;
  } finally {
    library._free(pointer);
  }
}

/** See hdf5-lazy.ts. */
export async function saveHdf5(
  arrays: ReadonlyMap<string, SafeTensor>,
  options: { compress?: boolean } = {},
): Promise<Uint8Array> {
  return await withLibrary((library) =>
    withoutClock(() => {
      const file = library.open(PATH, library.H5F_ACC_TRUNC, false, -1, -1);
      try {
        for (const [path, array] of arrays) writeDataset(library, file, path, array, options.compress ?? false);
      } finally {
        library.close_file(file);
      }
      const bytes = library.FS.readFile(PATH).slice();
      library.FS.unlink(PATH);
      return bytes;
    }),
  );
}

/**
 * Runs `write`, which is synchronous, with a clock that stands at 0: the library stores the time in each data set, and its option to
 * leave it out cannot be reached from here, but the same arrays should give the same bytes.
 */
function withoutClock<T>(write: () => T): T {
  const { now } = Date;
  Date.now = () => 0;
  try {
    return write();
  } finally {
    Date.now = now;
  }
}

/** The number of the deflate filter in HDF5, and the compression level. */
const DEFLATE = 1;
const DEFLATE_LEVEL = 4;

function writeDataset(
  library: H5Module,
  file: bigint,
  path: string,
  { dtype, shape, data }: SafeTensor,
  compress: boolean,
): void {
  const type = Object.values(floats).includes(dtype) ? FLOAT : INTEGER;
  const written = dtype !== "F16" && dtype !== "BF16" && dtype !== "BOOL";
  if (!written || path.includes("/") || elementCount(shape) !== data.length) {
    const problem = written
      ? `a path in groups, or ${data.length} elements for shape (${shape})`
      : `elements of ${dtype}`;
    throw new InputError(`cannot write "${path}" into an HDF5 file: ${problem}.`, { tensor: path });
  }
  const bytes = bytesOf(data);
  const sizes = shape.map(BigInt);
  // Only chunked data sets can be compressed, and scalars and empty arrays cannot be chunked.
  const packed = compress && shape.length > 0 && data.length > 0;
  const pointer = allocate(library, Math.max(1, bytes.length));
  if (pointer === 0) {
    throw new InputError(`cannot write "${path}": the HDF5 library has no memory for its ${bytes.length} bytes.`, {
      tensor: path,
    });
  }
  try {
    library.HEAPU8.set(bytes, pointer);
    const status = library.create_dataset(file, `/${path}`, BigInt(pointer), {
      type,
      size: data.BYTES_PER_ELEMENT,
      signed: dtype.startsWith("I") || type === FLOAT,
      littleEndian: true,
      vlen: false,
      shape: sizes,
      maxshape: sizes,
      chunks: packed ? sizes : null,
      compression: packed ? DEFLATE : 0,
      compression_opts: packed ? [DEFLATE_LEVEL] : [],
      track_order: false,
    });
    if (status < 0) throw new InputError(`the HDF5 library cannot write "${path}".`, { tensor: path });
  } finally {
    library._free(pointer);
  }
}
