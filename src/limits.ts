// The sizes beyond which the library refuses an input as a mistake, or a file as an attempt to exhaust memory, and the time after
// which it takes a worker for lost; and how to allow more.

// Only errors: the threads of kernels, which should be small, import this file, too.
import { ConfigError } from "./errors.ts";

/** The largest sizes that are accepted, and the longest silence. Each refusal names its limit; `setLimits` changes it. */
export interface Limits {
  /**
   * The bytes that are read at once from a disk, a server or a dropped file: of a file, or of the part of it that is needed. Default
   * 2^31 - 1, which Node and Chromium can read at once.
   */
  fileBytes: number;
  /**
   * The rows of a table, and the points or cells of an MSH, OBJ, OFF, PCD, PLY, STL or VTK file. Default 67,108,864, which take 1 to
   * 2 GB.
   */
  rows: number;
  /** The memory in bytes for all arrays of a compressed file (.npz, .h5, .mat, .pt, .vtu, .vtp). Default 2^32. */
  unpackedBytes: number;
  /**
   * The memory for all arrays of a compressed file, as a multiple of the file's size. Default 1100, more than compression can reach.
   * A megabyte is always accepted.
   */
  expansion: number;
  /** The bytes of a safetensors file's header. Default 100,000,000, the format's own limit. */
  headerBytes: number;
  /** The bytes of an npy array's header. Default 65,536. */
  npyHeaderBytes: number;
  /** The bytes of a line of a text file: CSV, OBJ, and the headers and ASCII data of PLY and VTK. Default 1,000,000. */
  lineBytes: number;
  /** The dimensions of an array in a file of NumPy or PyTorch. Default 64, which is their own limit. */
  dimensions: number;
  /** The depth of nested elements in an XML file (.vtu, .vtp, .pvd), and of structures in a MATLAB file. Default 32. */
  depth: number;
  /** The elements of a TensorFlow tensor for which the file stores a single value. Default 16,777,216. */
  repeated: number;
  /** The clouds of a batch. Default 16,777,216. */
  clouds: number;
  /** The points of a batch. Default 2^30. */
  points: number;
  /** The levels of a model. Default 32. */
  levels: number;
  /** The channels of a level, its heads, and the channels of the input. Default 65,536. */
  width: number;
  /** The blocks of a level, the steps of message passing, and mlpRatio. Default 128. */
  steps: number;
  /** The nodes of a ball, and the nodes that a stride merges. Default 2^30. */
  nodes: number;
  /**
   * The threads that are asked for: of a device, of trees and graphs, or that make batches for a training. Default 128: more than the
   * processor's cores only take turns, and each takes some ten megabytes and its time to start.
   */
  threads: number;
  /**
   * The seconds for which a worker, or the threads of trees or of the CPU backend, may give no sign of life while a call waits for
   * them; then they are ended, and the call rejects with a WorkerError, or with a DeviceLostError if they are a device. Time in
   * which the waiting thread does not run itself does not count. Default 600: much longer than any sound work is silent. Long
   * work gives signs as it goes on, but for waits for a GPU in Deno, which block a worker: there a software adapter needs minutes for
   * large batches. Infinity: for ever, for instance while a worker stands in a debugger.
   */
  silenceSeconds: number;
}

const defaults: Limits = {
  fileBytes: 2 ** 31 - 1,
  rows: 2 ** 26,
  unpackedBytes: 2 ** 32,
  expansion: 1100,
  headerBytes: 100_000_000,
  npyHeaderBytes: 65_536,
  lineBytes: 1_000_000,
  dimensions: 64,
  depth: 32,
  repeated: 2 ** 24,
  clouds: 2 ** 24,
  points: 2 ** 30,
  levels: 32,
  width: 2 ** 16,
  steps: 128,
  nodes: 2 ** 30,
  threads: 128,
  silenceSeconds: 600,
};

const current: Limits = { ...defaults };

/** The current limits. */
export const limits: Readonly<Limits> = current;

/**
 * Changes the limits for everything that this thread reads and creates from now on; a worker has the limits that were set when it
 * was started. Limits that are not given have their defaults: `setLimits({})` restores all of them.
 * @throws ConfigError for an unknown name, for a value that is not a number greater than 0, and for undefined or null
 */
export function setLimits(changes: Partial<Limits>): void {
  const known = Object.keys(defaults);
  // What is nothing has no limits' names either.
  for (const [field, value] of Object.entries(changes ?? { [String(changes)]: 0 })) {
    if (!known.includes(field)) {
      throw new ConfigError(`there is no limit ${field}: known are ${known.join(", ")}`, { field, expected: known });
    }
    if (!(typeof value === "number" && value > 0)) {
      const found = typeof value === "number" ? value : `a ${typeof value}`;
      throw new ConfigError(`the limit ${field} must be a number greater than 0, not ${found}`, { field });
    }
  }
  Object.assign(current, defaults, changes);
}

/** Returns the end of a message that refuses more than a limit: how to allow it. */
export function howToAllow(name: keyof Limits, needed: number): string {
  return `more than the limit ${name}, ${limits[name]}: setLimits({ ${name}: ${needed} }), or --limit ${name}=${needed}, allows it`;
}
