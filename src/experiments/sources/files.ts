// A data set of files that were chosen or dropped on a page.

import { expectKind } from "../../arguments/kinds.ts";
import { FormatError, InputError } from "../../errors.ts";
import { blobFile, readWhole } from "../../formats/sources/partial-file.ts";
import type { HostType } from "../../host/host-type.ts";
import { Opaque } from "../../inspect.ts";
import {
  type ByPath,
  type ByteRange,
  byPath,
  type DataEntry,
  type DataSource,
  locate,
  missing,
} from "../data-source.ts";
import { FolderListing } from "./listing.ts";

/** Files (or other blobs) by their paths. They are read on demand, and only the requested parts. */
export class FileSource extends Opaque implements DataSource {
  readonly name: string;
  readonly files: ReadonlyMap<string, Blob>;
  readonly #listing: FolderListing;

  /** @throws InputError for what is neither a Map nor an object */
  constructor(files: ByPath<Blob>, name = "") {
    super();
    this.files = byPath(files);
    this.name = name;
    this.#listing = new FolderListing(this.files.keys());
  }

  /**
   * Returns a source of the files of `<input type="file" webkitdirectory>`, or of an input of several files. The chosen folder's name
   * becomes the source's name, and is not a part of the paths.
   * @throws InputError if there are no files
   */
  static fromInput(files: Iterable<File>): FileSource {
    expectKind("files", files, "the files of an input", typeof files?.[Symbol.iterator] === "function");
    return sourceOf([...files].map((file) => [file.webkitRelativePath || file.name, file]));
  }

  /**
   * Returns a source of what was dropped on a page: files, or folders with all their contents. It has to be called synchronously in
   * the event's handler, because the items are not available later: `await FileSource.fromDrop(event.dataTransfer.items)`.
   * @throws InputError if there are no files
   */
  static fromDrop(
    items: Iterable<{ webkitGetAsEntry(): HostType<"FileSystemEntry"> | null; getAsFile?(): File | null }>,
  ): Promise<FileSource> {
    // Files that are not on a disk, such as those that a page puts into a DataTransfer, have no entry.
    return fromDropped([...items].flatMap((item) => item.webkitGetAsEntry() ?? item.getAsFile?.() ?? []));
  }

  /** Returns a source of entries of the browser's File and Directory Entries API. @throws InputError if there are no files */
  static fromEntries(entries: Iterable<HostType<"FileSystemEntry">>): Promise<FileSource> {
    return fromDropped(entries);
  }

  async list(folder: string): Promise<DataEntry[]> {
    const entries = this.#listing.list(folder);
    if (!entries) throw missing(this, folder, "folder");
    return entries;
  }

  async read(path: string, range?: ByteRange): Promise<Uint8Array> {
    const file = this.#file(path);
    const part = range ? file.slice(range.offset, range.offset + range.length) : file;
    return readBlob(part, locate(this, path));
  }

  async size(path: string): Promise<number> {
    return this.#file(path).size;
  }

  async blob(path: string): Promise<Blob> {
    return this.#file(path);
  }

  #file(path: string): Blob {
    const file = this.files.get(path);
    if (!file) throw missing(this, path, "file");
    return file;
  }
}

/**
 * @param file the file's name in error messages
 * @throws InputError if it has been changed or removed since it was chosen; FormatError if it is larger than the limit `fileBytes`
 */
export async function readBlob(blob: Blob, file: string): Promise<Uint8Array> {
  try {
    return await readWhole(blobFile(blob, file));
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new InputError(`${file}: cannot be read (any more): ${(cause as Error).message}`, { file }, { cause });
  }
}

async function fromDropped(dropped: Iterable<FileSystemEntry | File>): Promise<FileSource> {
  const found: [string, File][] = [];
  for (const one of dropped) {
    if ("isFile" in one) await collect(one, one.name, found);
    else found.push([one.name, one]);
  }
  return sourceOf(found);
}

async function collect(entry: FileSystemEntry, path: string, found: [string, File][]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push([path, file]);
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader returns some entries at a time, a hundred in Chromium, and none at the end.
  while (true) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const child of some) await collect(child, `${path}/${child.name}`, found);
  }
}

/** Makes a source. If all files are in one folder, that folder becomes the source. */
function sourceOf(files: readonly [string, Blob][]): FileSource {
  if (files.length === 0) throw new InputError("there are no files: choose or drop a data set's folder");
  const [first] = files[0][0].split("/");
  const isFolder = files.every(([path]) => path.startsWith(`${first}/`));
  if (!isFolder) return new FileSource(new Map(files));
  return new FileSource(new Map(files.map(([path, file]) => [path.slice(first.length + 1), file])), first);
}
