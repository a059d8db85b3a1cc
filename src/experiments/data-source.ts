// Where a data set's files come from: a folder, a server, files dropped on a page, or memory. Experiments see names and bytes.

import { FormatError, InputError } from "../errors.ts";
import type { PartialFile } from "../formats/partial-file.ts";
import { FolderListing } from "./sources/listing.ts";

/** A file or folder in a folder of a source. */
export interface DataEntry {
  /** Within its folder. */
  name: string;
  folder: boolean;
}

/** A part of a file. */
export interface ByteRange {
  /** The first byte. */
  offset: number;
  /** How many bytes; fewer come back where the file ends before. */
  length: number;
}

/** Files by their paths, which have slashes between the names and none at the start: "splits/train.txt". */
export interface DataSource {
  /** Stands before paths in error messages, such as the folder's own path; may be empty. */
  readonly name: string;
  /** What is in a folder ("" for the outermost), in any order. @throws FormatError where there is no such folder */
  list(folder: string): Promise<DataEntry[]>;
  /** A file's bytes, or the part of them that is wanted. @throws FormatError where there is no such file */
  read(path: string, range?: ByteRange): Promise<Uint8Array>;
  /** Bytes of a file. @throws FormatError where there is no such file */
  size(path: string): Promise<number>;
}

/** How messages name a file of a source. */
export function locate(source: DataSource, path: string): string {
  return [source.name, path].filter((part) => part !== "").join("/");
}

/** A file of a source that is read in parts. @throws FormatError where there is no such file */
export async function partialFile(source: DataSource, path: string): Promise<PartialFile> {
  const size = await source.size(path);
  return { file: locate(source, path), size, read: (offset, length) => source.read(path, { offset, length }) };
}

/** "a/b/c" of "a", "" and "b/c". */
export function joinPath(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("/");
}

/** The names of a folder's folders, or of its files, sorted as Python sorts them: by code points. */
export async function sortedNames(source: DataSource, folder: string, kind: "folders" | "files"): Promise<string[]> {
  const entries = await source.list(folder);
  return entries
    .filter((entry) => entry.folder === (kind === "folders"))
    .map(({ name }) => name)
    .sort(byCodePoints);
}

/** Whether a folder is there, such as one of several that a data set may be kept in. */
export async function hasFolder(source: DataSource, path: string): Promise<boolean> {
  return (await hasEntry(source, path))?.folder ?? false;
}

/** Whether a file is there. */
export async function hasFile(source: DataSource, path: string): Promise<boolean> {
  const entry = await hasEntry(source, path);
  return entry !== undefined && !entry.folder;
}

async function hasEntry(source: DataSource, path: string): Promise<DataEntry | undefined> {
  const names = path.split("/");
  let folder = "";
  for (const [depth, name] of names.entries()) {
    const entry = (await source.list(folder)).find((candidate) => candidate.name === name);
    if (!entry || depth === names.length - 1) return entry;
    if (!entry.folder) return undefined;
    folder = joinPath(folder, name);
  }
  return undefined;
}

/** The lines of a text file that hold something, such as a list of a split's samples. */
export async function readLines(source: DataSource, path: string): Promise<string[]> {
  const text = new TextDecoder().decode(await source.read(path));
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function byCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]].map((text) => text.map((character) => character.codePointAt(0) ?? 0));
  const at = left.findIndex((code, i) => code !== right[i]);
  if (at < 0) return left.length - right.length;
  return at < right.length ? left[at] - right[at] : 1;
}

/** Files in memory. */
export class MemorySource implements DataSource {
  readonly name: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly #listing: FolderListing;

  /** @param files by their paths */
  constructor(files: ReadonlyMap<string, Uint8Array>, name = "") {
    this.files = files;
    this.name = name;
    this.#listing = new FolderListing(files.keys());
  }

  async list(folder: string): Promise<DataEntry[]> {
    const entries = this.#listing.list(folder);
    if (!entries) throw missing(this, folder, "folder");
    return entries;
  }

  async read(path: string, range?: ByteRange): Promise<Uint8Array> {
    const bytes = this.#file(path);
    return range ? bytes.subarray(range.offset, range.offset + range.length) : bytes;
  }

  async size(path: string): Promise<number> {
    return this.#file(path).length;
  }

  #file(path: string): Uint8Array {
    const bytes = this.files.get(path);
    if (!bytes) throw missing(this, path, "file");
    return bytes;
  }
}

/** The error for a file or folder that a data set lacks. */
export function missing(
  source: DataSource,
  path: string,
  kind: "file" | "folder",
  options?: ErrorOptions,
): FormatError {
  const file = locate(source, path);
  return new FormatError(`${file}: there is no such ${kind}.`, { file }, options);
}

/** @throws InputError where an experiment that reads files is given none */
export function expectSource(experiment: string, source: DataSource | undefined): DataSource {
  if (source) return source;
  throw new InputError(`${experiment} reads its samples from files: give a data source`, { experiment });
}
