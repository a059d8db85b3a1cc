// Files of several frames, shown as folders with a file for each frame, so that frames are samples like all others: the one counted 12
// from 0 is water.extxyz/012.extxyz, or run.h5/012.npz.

import { type AbortOptions, checkSignal } from "../../abort.ts";
import { FormatError } from "../../errors.ts";
import { atomFrames } from "../../formats/clouds/atoms.ts";
import { lammpsExtensions, lammpsFrames } from "../../formats/clouds/lammps.ts";
import { pdbExtensions, pdbFrames } from "../../formats/clouds/pdb.ts";
import { extensionOf } from "../../formats/extension.ts";
import type { PartialFile } from "../../formats/sources/partial-file.ts";
import {
  type ByteRange,
  type DataEntry,
  type DataSource,
  joinPath,
  locate,
  partialFile,
  splitPath,
} from "../data-source.ts";
import { RecentValues } from "../recent.ts";
import { type ArrayFrames, arrayExtensions, FRAME_EXTENSION, type FrameRule, readArrayFrames } from "./array-frames.ts";

/** The extensions of files of atoms, whose frames are parts of the file. */
const atomExtensions: readonly string[] = ["extxyz", "xyz", ...lammpsExtensions, ...pdbExtensions];
/** The extensions of files that may hold several frames, without dots. */
export const frameExtensions: readonly string[] = [...atomExtensions, ...arrayExtensions];

/** The bytes of arrays that are kept for further frames of the same files. */
const KEPT_BYTES = 2 ** 30;
/** The number of files of one format that are looked at until one has points. */
const LOOKED_AT = 8;

function findFrames(file: PartialFile, extension: string): Promise<ByteRange[]> {
  if (pdbExtensions.includes(extension)) return pdbFrames(file);
  return lammpsExtensions.includes(extension) ? lammpsFrames(file) : atomFrames(file);
}

/** The frames of a file: parts of it, or rows of its arrays. */
interface Frames {
  readonly count: number;
  readonly extension: string;
  /** The ranges of bytes, of a file of atoms. */
  readonly ranges?: readonly ByteRange[];
  /** The number of a file of arrays among those that are kept. */
  readonly number?: number;
}

export class FramesSource implements DataSource {
  readonly #source: DataSource;
  readonly #rule: FrameRule;
  readonly #signal: AbortSignal | undefined;
  /** The frames of each file that has several, by its path. */
  readonly #frames = new Map<string, Frames>();
  /** How many files of arrays of a format were looked at that have no frames; infinity if their points show that none has. */
  readonly #without = new Map<string, number>();
  /** What is wrong with a file of a format of which no other has frames so far. */
  readonly #damaged = new Map<string, FormatError>();
  readonly #paths: string[] = [];
  readonly #arrays: RecentValues<ArrayFrames>;
  /** Whether a file's frames are those of a sequence, by what is in it. */
  hasSequence = false;

  /**
   * @param rule what frames are in files of arrays
   * @param options.signal ends listings, for which files are looked into, with its reason
   */
  constructor(source: DataSource, rule: FrameRule = { isSequence: false }, { signal }: AbortOptions = {}) {
    this.#source = source;
    this.#rule = rule;
    this.#signal = signal;
    const read = async (number: number) => (await this.#readArrays(this.#paths[number])) as ArrayFrames;
    this.#arrays = new RecentValues(read, ({ bytes }) => bytes, KEPT_BYTES);
  }

  /** Whether one of the files that were listed holds arrays of several frames. */
  get hasArrayFrames(): boolean {
    return [...this.#frames.values()].some(({ ranges }) => ranges === undefined);
  }

  get name(): string {
    return this.#source.name;
  }

  /** In the listing of its folder, a file of several frames is a folder. */
  async list(folder: string): Promise<DataEntry[]> {
    const frames = this.#frames.get(folder);
    if (frames) {
      const { count, extension } = frames;
      return Array.from({ length: count }, (_, i) => ({ name: nameOf(i, count, extension), folder: false }));
    }
    const entries: DataEntry[] = [];
    for (const entry of await this.#source.list(folder)) {
      checkSignal(this.#signal);
      const path = joinPath(folder, entry.name);
      entries.push({ ...entry, folder: entry.folder || (await this.#hasFrames(path)) });
    }
    return entries;
  }

  async read(path: string, { offset = 0, length = Number.POSITIVE_INFINITY } = {}): Promise<Uint8Array> {
    const isWhole = length === Number.POSITIVE_INFINITY;
    const { file, frame, frames } = this.#placeOf(path) ?? {};
    if (file === undefined || frame === undefined || !frames)
      return this.#source.read(path, isWhole ? undefined : { offset, length });
    const range = frames.ranges?.[frame];
    if (range) {
      const rest = Math.max(0, Math.min(length, range.length - offset));
      return this.#source.read(file, { offset: range.offset + offset, length: rest });
    }
    const bytes = (await this.#arrays.get(frames.number as number)).encode(frame);
    return isWhole ? bytes : bytes.subarray(offset, offset + length);
  }

  async size(path: string): Promise<number> {
    const { frame, frames } = this.#placeOf(path) ?? {};
    if (frame === undefined || !frames) return this.#source.size(path);
    return frames.ranges?.[frame].length ?? (await this.read(path)).length;
  }

  /**
   * Returns the paths of a file's frames; its own if it has no several ones, or if it is a sample that cannot be read, which is told when
   * it is read.
   * @throws FormatError for a sequence that cannot be read, which would be missing without a word
   */
  async framesOf(path: string): Promise<string[]> {
    try {
      if (!(await this.#hasFrames(path))) return [path];
    } catch (error) {
      if (error instanceof FormatError && !this.#rule.isSequence) return [path];
      throw error;
    }
    return (await this.list(path)).map(({ name }) => joinPath(path, name));
  }

  /** Finds the frames of a file that is met for the first time. */
  async #hasFrames(path: string): Promise<boolean> {
    const extension = extensionOf(path);
    if (this.#frames.has(path)) return true;
    if (atomExtensions.includes(extension)) {
      const ranges = await findFrames(await partialFile(this.#source, path), extension);
      if (ranges.length > 1) this.#frames.set(path, { count: ranges.length, extension, ranges });
    } else if (arrayExtensions.includes(extension)) await this.#findArrays(path, extension);
    return this.#frames.has(path);
  }

  /** Finds the frames of a file of arrays. To read all files would take long: the first with points tells of those of its format. */
  async #findArrays(path: string, extension: string): Promise<void> {
    const without = this.#without.get(extension) ?? 0;
    if (without >= LOOKED_AT) return;
    const number = this.#paths.push(path) - 1;
    try {
      const { count, isSequence } = await this.#arrays.get(number);
      this.#frames.set(path, { count, extension: FRAME_EXTENSION, number });
      // Of further files each is looked at: there may be one of other contents beside them.
      this.#without.set(extension, Number.NEGATIVE_INFINITY);
      this.hasSequence ||= isSequence;
    } catch (error) {
      if (error instanceof NoFrames) this.#without.set(extension, without + (error.isSample ? LOOKED_AT : 1));
      else if (error instanceof FormatError) this.#damaged.set(extension, error);
      else throw error;
    }
    // A sample that is damaged is found to be so when it is read, but one file is no sequence.
    const damaged = this.#damaged.get(extension);
    const { isSequence, targets } = this.#rule;
    if (damaged && isSequence && targets && this.#without.get(extension) === Number.NEGATIVE_INFINITY) throw damaged;
  }

  async #readArrays(path: string): Promise<ArrayFrames> {
    const found = await readArrayFrames(await this.#source.read(path), locate(this.#source, path), this.#rule);
    if (found === undefined || found === "none") throw new NoFrames(found === "none");
    return found;
  }

  #placeOf(path: string): { file: string; frame: number; frames: Frames } | undefined {
    const { folder: file, name } = splitPath(path);
    const frames = this.#frames.get(file);
    const frame = Number.parseInt(name, 10);
    return frames && frame < frames.count ? { file, frame, frames } : undefined;
  }
}

/** Says within this file that another has no frames. */
class NoFrames extends Error {
  /** @param isSample whether it has the points of a single sample */
  constructor(readonly isSample: boolean) {
    super("has no frames");
  }
}

/** A frame's name, and the bytes of its file. */
interface FrameFile {
  file: string;
  bytes: Uint8Array;
}

/** Returns the frames of a file of arrays as `framesIn` does; undefined if it has none. */
export async function arrayFramesIn(
  bytes: Uint8Array,
  file: string,
  rule: FrameRule,
): Promise<FrameFile[] | undefined> {
  const found = arrayExtensions.includes(extensionOf(file)) ? await readArrayFrames(bytes, file, rule) : undefined;
  if (found === undefined || found === "none") return undefined;
  const { count, encode } = found;
  const nameIn = (i: number) => `${file}/${nameOf(i, count, FRAME_EXTENSION)}`;
  return Array.from({ length: count }, (_, i) => ({ file: nameIn(i), bytes: encode(i) }));
}

/**
 * Returns the frames of a file of atoms, with the names that `FramesSource` gives them; of another, and of one that has no several frames,
 * the file itself.
 */
export async function framesIn(bytes: Uint8Array, file: string): Promise<FrameFile[]> {
  const extension = extensionOf(file);
  const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
  const frames = atomExtensions.includes(extension)
    ? await findFrames({ file, size: bytes.length, read }, extension)
    : [];
  if (frames.length < 2) return [{ file, bytes }];
  return frames.map(({ offset, length }, i) => ({
    file: `${file}/${nameOf(i, frames.length, extension)}`,
    bytes: bytes.subarray(offset, offset + length),
  }));
}

/** All numbers have as many digits, so that names are in the order of frames. */
const nameOf = (frame: number, frames: number, extension: string) =>
  `${String(frame).padStart(String(frames - 1).length, "0")}.${extension}`;
