// Declares the part of h5wasm's WebAssembly module that hdf5.ts calls. The package exports only one shared instance, so its file is
// imported by path.

// @ts-expect-error: the file has no types.
import create from "../../node_modules/h5wasm/dist/esm/hdf5_util.js";

export interface DatasetMetadata {
  /** The class of the elements, H5T_INTEGER and so on, as a number. */
  type: number;
  /** Bytes of an element. */
  size: number;
  signed: boolean;
  littleEndian: boolean;
  /** null for a data set that holds nothing. */
  shape: number[] | null;
  vlen: boolean;
}

export interface H5Module {
  FS: {
    writeFile(path: string, bytes: Uint8Array): void;
    readFile(path: string): Uint8Array;
    unlink(path: string): void;
    mkdir(path: string): void;
    rmdir(path: string): void;
    mount(kind: unknown, files: { blobs: { name: string; data: Blob }[] }, path: string): void;
    unmount(path: string): void;
    /** WORKERFS reads blobs synchronously and in parts, which browsers allow in workers only. */
    readonly filesystems: { readonly WORKERFS: unknown };
  };
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  readonly H5F_ACC_RDONLY: number;
  readonly H5F_ACC_TRUNC: number;
  readonly H5G_DATASET: number;
  open(path: string, mode: number, trackOrder: boolean, oldest: number, newest: number): bigint;
  close_file(file: bigint): number;
  /** Returns the names of everything in a group, as paths if `recursive`. */
  get_names(file: bigint, path: string, recursive: boolean): string[];
  get_type(file: bigint, path: string): number;
  get_dataset_metadata(file: bigint, path: string): DatasetMetadata;
  get_dataset_data(
    file: bigint,
    path: string,
    count: bigint[] | null,
    offset: bigint[] | null,
    strides: bigint[] | null,
    target: bigint,
  ): number;
  create_group(file: bigint, path: string, trackOrder: boolean): number;
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

/** Creates an instance that is not shared. */
export const createModule: (options: {
  noInitialRun: boolean;
  print(line: string): void;
  printErr(line: string): void;
}) => Promise<H5Module> = create;
