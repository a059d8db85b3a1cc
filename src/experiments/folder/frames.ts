// Files of several frames of atoms, shown as folders with a file for each frame, so that frames are samples like all others: the one
// counted 12 from 0 is water.extxyz/012.extxyz.

import { atomFrames } from "../../formats/clouds/atoms.ts";
import { lammpsExtensions, lammpsFrames } from "../../formats/clouds/lammps.ts";
import { pdbExtensions, pdbFrames } from "../../formats/clouds/pdb.ts";
import { extensionOf } from "../../formats/extension.ts";
import type { PartialFile } from "../../formats/sources/partial-file.ts";
import { type ByteRange, type DataEntry, type DataSource, joinPath, partialFile, splitPath } from "../data-source.ts";

/** The extensions of files that may hold several frames, without dots. */
export const frameExtensions: readonly string[] = ["extxyz", "xyz", ...lammpsExtensions, ...pdbExtensions];

function findFrames(file: PartialFile, extension: string): Promise<ByteRange[]> {
  if (pdbExtensions.includes(extension)) return pdbFrames(file);
  return lammpsExtensions.includes(extension) ? lammpsFrames(file) : atomFrames(file);
}

export class FramesSource implements DataSource {
  readonly #source: DataSource;
  /** The frames of each file that has several, by its path. */
  readonly #frames = new Map<string, readonly ByteRange[]>();

  constructor(source: DataSource) {
    this.#source = source;
  }

  get name(): string {
    return this.#source.name;
  }

  /** In the listing of its folder, a file of several frames is a folder. */
  async list(folder: string): Promise<DataEntry[]> {
    const frames = this.#frames.get(folder);
    if (frames) return frames.map((_, i) => ({ name: nameOf(i, frames.length, extensionOf(folder)), folder: false }));
    const entries: DataEntry[] = [];
    for (const entry of await this.#source.list(folder)) {
      const path = joinPath(folder, entry.name);
      entries.push({ ...entry, folder: entry.folder || (await this.#hasFrames(path)) });
    }
    return entries;
  }

  read(path: string, { offset = 0, length = Number.POSITIVE_INFINITY } = {}): Promise<Uint8Array> {
    const place = this.#placeOf(path);
    if (!place) return this.#source.read(path, length === Number.POSITIVE_INFINITY ? undefined : { offset, length });
    const { file, frame } = place;
    const rest = Math.max(0, Math.min(length, frame.length - offset));
    return this.#source.read(file, { offset: frame.offset + offset, length: rest });
  }

  size(path: string): Promise<number> {
    const place = this.#placeOf(path);
    return place ? Promise.resolve(place.frame.length) : this.#source.size(path);
  }

  /** Finds the frames of a file that is met for the first time. */
  async #hasFrames(path: string): Promise<boolean> {
    if (!this.#frames.has(path) && frameExtensions.includes(extensionOf(path))) {
      const frames = await findFrames(await partialFile(this.#source, path), extensionOf(path));
      if (frames.length > 1) this.#frames.set(path, frames);
    }
    return this.#frames.has(path);
  }

  #placeOf(path: string): { file: string; frame: ByteRange } | undefined {
    const { folder: file, name } = splitPath(path);
    const frame = this.#frames.get(file)?.[Number.parseInt(name, 10)];
    return frame && { file, frame };
  }
}

/** Returns the frames of a file, with the names that `FramesSource` gives them; of a file that has no several frames the file itself. */
export async function framesIn(bytes: Uint8Array, file: string): Promise<{ file: string; bytes: Uint8Array }[]> {
  const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
  const extension = extensionOf(file);
  const frames = frameExtensions.includes(extension)
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
