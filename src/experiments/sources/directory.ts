// A data set in a folder that the browser gives access to: in the origin's private file system (OPFS), or chosen by the user.

import { expectKind } from "../../arguments/kinds.ts";
import type { HostType } from "../../host/host-type.ts";
import { Opaque } from "../../inspect.ts";
import { type ByteRange, type DataEntry, type DataSource, locate, missing, splitPath } from "../data-source.ts";
import { readBlob } from "./files.ts";

/** A folder: the result of `await navigator.storage.getDirectory()`, of `showDirectoryPicker()`, or a folder in either. */
export class DirectorySource extends Opaque implements DataSource {
  readonly name: string;
  readonly #root: FileSystemDirectoryHandle;

  /** @throws InputError for what is no folder's handle */
  constructor(root: HostType<"FileSystemDirectoryHandle">, name?: string) {
    super();
    const isFolder = typeof root?.getFileHandle === "function";
    expectKind("root", root, "a FileSystemDirectoryHandle", isFolder);
    this.#root = root;
    this.name = name ?? root.name;
  }

  async list(folder: string): Promise<DataEntry[]> {
    const directory = await this.#expect(folder, "folder", () => this.#walk(folder));
    const entries: DataEntry[] = [];
    for await (const [name, { kind }] of directory.entries()) entries.push({ name, folder: kind === "directory" });
    return entries;
  }

  async read(path: string, range?: ByteRange): Promise<Uint8Array> {
    const file = await this.#file(path);
    return readBlob(range ? file.slice(range.offset, range.offset + range.length) : file, locate(this, path));
  }

  async size(path: string): Promise<number> {
    return (await this.#file(path)).size;
  }

  blob(path: string): Promise<Blob> {
    return this.#file(path);
  }

  /** Writes a file, and creates the folders of its path: for the output of a generator, for example. A failure leaves no new file. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    const { folder, name } = splitPath(path);
    const directory = await this.#walk(folder, { create: true });
    const file = await directory.getFileHandle(name, { create: true });
    try {
      const stream = await file.createWritable();
      try {
        await stream.write(bytes as Uint8Array<ArrayBuffer>);
        await stream.close();
      } catch (error) {
        await stream.abort().catch(() => {});
        throw error;
      }
    } catch (error) {
      // The handle of a new file has made an empty one, which others would take for the whole.
      if ((await file.getFile()).size === 0) await directory.removeEntry(name);
      throw error;
    }
  }

  /** Deletes a file, if it exists. */
  async remove(path: string): Promise<void> {
    const { folder, name } = splitPath(path);
    try {
      await (await this.#walk(folder)).removeEntry(name);
    } catch (error) {
      if ((error as Error).name !== "NotFoundError") throw error;
    }
  }

  async #file(path: string): Promise<File> {
    const { folder, name } = splitPath(path);
    return this.#expect(path, "file", async () => (await (await this.#walk(folder)).getFileHandle(name)).getFile());
  }

  async #walk(folder: string, options?: FileSystemGetDirectoryOptions): Promise<FileSystemDirectoryHandle> {
    let directory = this.#root;
    const names = folder === "" ? [] : folder.split("/");
    for (const name of names) directory = await directory.getDirectoryHandle(name, options);
    return directory;
  }

  async #expect<Result>(path: string, kind: "file" | "folder", find: () => Promise<Result>): Promise<Result> {
    try {
      return await find();
    } catch (cause) {
      // The file does not exist, a folder stands in the place of a file or vice versa, or the name is not valid.
      const isMissing = ["NotFoundError", "TypeMismatchError", "TypeError"].includes((cause as Error).name);
      throw isMissing ? missing(this, path, kind, { cause }) : cause;
    }
  }
}
