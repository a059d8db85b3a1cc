// Sources of a data set's files: a folder, a server, files dropped on a page, or memory. Experiments only see names and bytes.

import { classOf, expectKind, isMap } from "../arguments/kinds.ts";
import { FormatError, InputError } from "../errors.ts";
import { toBytes } from "../formats/bytes/bytes.ts";
import { textOf } from "../formats/bytes/utf16.ts";
import type { PartialFile } from "../formats/sources/partial-file.ts";
import { Opaque } from "../inspect.ts";
import { FolderListing } from "./sources/listing.ts";

/** A file or folder in a folder of a source. */
export interface DataEntry {
  /** The name within the folder. */
  name: string;
  folder: boolean;
}

/** A part of a file. */
export interface ByteRange {
  /** The offset of the first byte. */
  offset: number;
  /** The number of bytes; fewer are returned if the file ends before. */
  length: number;
}

/** Files by their paths. A path has slashes between its names, and none at its beginning: "splits/train.txt". */
export interface DataSource {
  /** A prefix of paths in error messages, such as the path of the source's folder; may be empty. */
  readonly name: string;
  /** Lists a folder ("" for the outermost), in any order. @throws FormatError if there is no such folder */
  list(folder: string): Promise<DataEntry[]>;
  /** Reads a file, or a range of it. @throws FormatError if there is no such file */
  read(path: string, range?: ByteRange): Promise<Uint8Array>;
  /** Returns a file for readers that read parts of it by themselves, if the source has files. @throws FormatError if there is no such file */
  blob?(path: string): Promise<Blob>;
  /** Returns the size of a file in bytes. @throws FormatError if there is no such file */
  size(path: string): Promise<number>;
}

/** Returns a file's name for error messages; "" is the folder of all files, which has no name if they were chosen one by one. */
export function locate(source: DataSource, path: string): string {
  return [source.name, path].filter((part) => part !== "").join("/") || "the data set";
}

/** Opens a file that is read in parts. @throws FormatError if there is no such file */
export async function partialFile(source: DataSource, path: string): Promise<PartialFile> {
  const size = await source.size(path);
  return { file: locate(source, path), size, read: (offset, length) => source.read(path, { offset, length }) };
}

/** Joins parts of a path: "a/b/c" of "a", "" and "b/c". */
export function joinPath(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("/");
}

/** Splits a path into the folder that a file is in, "" for the outermost, and the file's name. */
export function splitPath(path: string): { folder: string; name: string } {
  const slash = path.lastIndexOf("/");
  return { folder: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) };
}

/** Returns the names of the folders in a folder, or of its files, sorted by code points, as Python sorts strings. */
export async function sortedNames(source: DataSource, folder: string, kind: "folders" | "files"): Promise<string[]> {
  const entries = await source.list(folder);
  return entries
    .filter((entry) => entry.folder === (kind === "folders"))
    .map(({ name }) => name)
    .sort(byCodePoints);
}

/** Returns whether a folder exists, such as one of several in which a data set may be. */
export async function hasFolder(source: DataSource, path: string): Promise<boolean> {
  let folder = "";
  for (const name of path.split("/")) {
    const entries = await source.list(folder);
    if (!entries.some((entry) => entry.folder && entry.name === name)) return false;
    folder = joinPath(folder, name);
  }
  return true;
}

/** Returns the lines of a text file that are not blank, such as a list of a split's samples. */
export async function readLines(source: DataSource, path: string): Promise<string[]> {
  return textOf(await source.read(path))
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

/** Values of files by their paths: a Map or an object. */
export type ByPath<Value> = ReadonlyMap<string, Value> | Readonly<Record<string, Value>>;

/** Returns values by paths as a Map. @throws InputError for what is neither a Map nor an object */
export function byPath<Value>(files: ByPath<Value>): ReadonlyMap<string, Value> {
  if (isMap(files)) return files as ReadonlyMap<string, Value>;
  expectKind("files", files, "a Map or an object of them by path", classOf(files) === "Object");
  return new Map(Object.entries(files));
}

/** A source of files in memory. */
export class MemorySource extends Opaque implements DataSource {
  readonly name: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly #listing: FolderListing;

  /**
   * @param files the files' bytes by their paths
   * @throws InputError for what is neither a Map nor an object
   */
  constructor(files: ByPath<Uint8Array>, name = "") {
    super();
    this.files = byPath(files);
    this.name = name;
    this.#listing = new FolderListing(this.files.keys());
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
    return toBytes(bytes);
  }
}

/** Makes the error for a file or folder that is missing in a data set. */
export function missing(
  source: DataSource,
  path: string,
  kind: "file" | "folder",
  options?: ErrorOptions,
): FormatError {
  const file = locate(source, path);
  return new FormatError(`${file}: there is no such ${kind}.`, { file }, options);
}

/** @throws InputError if an experiment that reads files is given none */
export function expectSource(experiment: string, source: DataSource | undefined): DataSource {
  if (!source) throw new InputError(`${experiment} reads its samples from files: give a data source`, { experiment });
  checkSource(source);
  return source;
}

/** @throws InputError for what is no source */
export function checkSource(source: DataSource): void {
  const fits = [source?.list, source?.read, source?.size].every((method) => typeof method === "function");
  expectKind("source", source, "a data source, such as a MemorySource", fits);
}
