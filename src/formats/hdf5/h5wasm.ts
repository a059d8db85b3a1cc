// Creates instances of h5wasm's WebAssembly module, and declares the part of it that is called. The package exports only one
// shared instance, so its file is imported by path. The build puts the module, which is in that file, into one of its own
// (wasm/hdf5).

// @ts-expect-error: the file has no types.
import create from "../../../node_modules/h5wasm/dist/esm/hdf5_util.js";
import { moduleOnce } from "../../host/module-once.ts";

export interface ElementMetadata {
  /** The class of the elements, H5T_INTEGER and so on, as a number. */
  type: number;
  /** Bytes of an element. */
  size: number;
  signed: boolean;
  littleEndian: boolean;
  vlen: boolean;
  /** The values of an enumeration, by their names. */
  enum_type?: { members: Record<string, number> };
  /** What each element has, if it is an array. */
  array_type?: ElementMetadata & { shape: number[] };
  /** What each element has, if it is a compound, and the bytes in it before each member. */
  compound_type?: { members: (ElementMetadata & { name: string; offset: number })[] };
}

export interface DatasetMetadata extends ElementMetadata {
  /** null for a data set that holds nothing. */
  shape: number[] | null;
  /** The data sets that a virtual one is made of; the file "." is its own. */
  virtual_sources?: { file_name: string; dset_name: string }[];
}

/** Reads from a file's `position` on into `buffer`, and returns the number of bytes. */
export type PartRead = (stream: unknown, buffer: Int8Array, offset: number, length: number, position: number) => number;

export interface H5Module {
  FS: {
    writeFile(path: string, bytes: Uint8Array): void;
    readFile(path: string): Uint8Array;
    unlink(path: string): void;
    open(path: string, flags: string): unknown;
    /** Returns the number of bytes read: fewer than `length` at the end of the file. */
    read(stream: unknown, target: Uint8Array, targetOffset: number, length: number, position: number): number;
    close(stream: unknown): void;
    mkdir(path: string): void;
    mkdirTree(path: string): void;
    rmdir(path: string): void;
    mount(kind: unknown, files: { blobs: { name: string; data: Blob }[] }, path: string): void;
    unmount(path: string): void;
    /** WORKERFS reads blobs synchronously and in parts, which browsers allow in workers only. */
    readonly filesystems: { readonly WORKERFS: { readonly stream_ops: { read: PartRead } } };
  };
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  readonly H5F_ACC_RDONLY: number;
  readonly H5F_ACC_TRUNC: number;
  readonly H5G_DATASET: number;
  readonly H5G_GROUP: number;
  /** Links by path, within the file (those that lead nowhere) and to other files. */
  readonly H5G_LINK: number;
  readonly H5G_UDLINK: number;
  open(path: string, mode: number, trackOrder: boolean, oldest: number, newest: number): bigint;
  close_file(file: bigint): number;
  /** Returns the names of everything in a group, as paths if `recursive`. */
  get_names(file: bigint, path: string, recursive: boolean): string[];
  get_type(file: bigint, path: string): number;
  get_symbolic_link(file: bigint, path: string): string;
  get_external_link(file: bigint, path: string): { filename: string; obj_path: string };
  get_dataset_metadata(file: bigint, path: string): DatasetMetadata;
  /** Returns the folders in which the library looks for filters that it has not itself. */
  get_plugin_search_paths(): string[];
  /** Returns what compresses a data set's chunks, or checks them. */
  get_dataset_filters(file: bigint, path: string): { id: number; name: string; cd_values: number[] }[];
  get_attribute_names(file: bigint, path: string): string[];
  /** `total_size` is the number of elements. */
  get_attribute_metadata(file: bigint, path: string, name: string): DatasetMetadata & { total_size: number | bigint };
  get_attribute_data(file: bigint, path: string, name: string, target: bigint): number;
  get_dataset_data(
    file: bigint,
    path: string,
    count: bigint[] | null,
    offset: bigint[] | null,
    strides: bigint[] | null,
    target: bigint,
  ): number;
  /** Frees texts and sequences of varying length in what was read of a data set (`attribute` is then ""), to which it points. */
  reclaim_vlen_memory(file: bigint, path: string, attribute: string, target: bigint): void;
  create_dataset(
    file: bigint,
    path: string,
    source: bigint,
    metadata: Omit<DatasetMetadata, "shape"> & {
      shape: bigint[];
      maxshape: bigint[];
      chunks: bigint[] | null;
      compression: number;
      compression_opts: number[];
      track_order: boolean;
    },
  ): number;
}

/** What h5wasm's script calls with an instance of the module. */
type Receive = (instance: WebAssembly.Instance, module: WebAssembly.Module) => void;

interface Options {
  noInitialRun: boolean;
  print(line: string): void;
  printErr(line: string): void;
  instantiateWasm(imports: WebAssembly.Imports, receive: Receive): void;
}

const createLibrary: (options: Options) => Promise<H5Module> = create;

function hdf5Url(): URL {
  return new URL("../../../wasm/out/hdf5.wasm", import.meta.url);
}

function filtersUrl(): URL {
  return new URL("../../../wasm/out/hdf5-filters.wasm", import.meta.url);
}

/** The files of filters, each of which is a section of the library's module or the other one (wasm/hdf5/library.mjs). */
const plugins = ["lzf", "blosc", "lz4", "zstd"].map((name) => `libH5Z${name}.so`);

const libraryModule = moduleOnce("hdf5.wasm", hdf5Url);
const filtersModule = moduleOnce("hdf5-filters.wasm", filtersUrl);

/** The module of the filters that most files do not need, once it is there, and the instances that have them. */
let filters: WebAssembly.Module | undefined;
const complete = new WeakSet<H5Module>();

export const hasAllFilters = (library: H5Module): boolean => complete.has(library);

/**
 * Gives all filters to the instances that are created from then on.
 * @throws WorkerError if their file is missing or damaged
 */
export async function loadFilters(): Promise<void> {
  filters = await filtersModule();
}

/**
 * Creates an instance that is not shared.
 * @throws WorkerError if the module's file is missing or damaged; DeviceError if the host does not compile it
 */
export async function createModule(): Promise<H5Module> {
  const module = await libraryModule();
  const library = await new Promise<H5Module>((resolve, reject) => {
    const instantiateWasm = (imports: WebAssembly.Imports, receive: Receive) => {
      // The library stores the time in each data set, and its option to leave it out cannot be reached from here; but the same arrays
      // should give the same bytes.
      imports.env.emscripten_date_now = () => 0;
      WebAssembly.instantiate(module, imports).then((instance) => receive(instance, module), reject);
    };
    // Errors are found by the status that calls return; the messages that the library prints are for its developers.
    const silent = { print() {}, printErr() {} };
    createLibrary({ noInitialRun: true, ...silent, instantiateWasm }).then(resolve, reject);
  });
  const [folder] = library.get_plugin_search_paths();
  library.FS.mkdirTree(folder);
  for (const from of filters ? [module, filters] : [module]) {
    for (const plugin of plugins) {
      const [content] = WebAssembly.Module.customSections(from, plugin);
      if (content) library.FS.writeFile(`${folder}/${plugin}`, new Uint8Array(content));
    }
  }
  if (filters) complete.add(library);
  return library;
}
