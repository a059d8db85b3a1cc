// A data set on a server: an index of its files, and requests for the needed parts of them.

import { FormatError, InputError } from "../../errors.ts";
import { expectFileBytes } from "../../formats/bytes/bytes.ts";
import { type Answer, isMissing, isOk, NoAnswerError, sendRequest } from "../../formats/sources/request.ts";
import { Opaque } from "../../inspect.ts";
import {
  type ByPath,
  type ByteRange,
  byPath,
  type DataEntry,
  type DataSource,
  joinPath,
  locate,
  missing,
} from "../data-source.ts";
import { FolderListing } from "./listing.ts";

/**
 * The name of the file in the outermost folder that lists a data set's files, because servers do not list folders. It is JSON:
 * `{ "files": { "splits/train.txt": 120, ... } }`, each file's path with its number of bytes.
 */
export const INDEX_FILE = "index.json";

/** The size of each file in bytes, by its path. */
export type FileSizes = Readonly<Record<string, number>>;

/** Formats the text of an index file. */
export function formatIndex(files: FileSizes): string {
  return `${JSON.stringify({ files }, null, 1)}\n`;
}

/** @throws FormatError for a text that is not an index */
export function parseIndex(text: string, file: string): FileSizes {
  const wrong = (problem: string, cause?: unknown) =>
    new FormatError(
      `${file}: ${problem}; expected { "files": { "PATH": BYTES, ... } }, as erwin index writes it.`,
      { file },
      { cause },
    );
  let index: { files?: unknown } | null;
  try {
    index = JSON.parse(text) as typeof index;
  } catch (cause) {
    throw wrong("is not JSON", cause);
  }
  const files = index?.files;
  if (typeof files !== "object" || files === null) throw wrong("lists no files");
  for (const [path, size] of Object.entries(files)) {
    if (!Number.isSafeInteger(size) || size < 0) throw wrong(`"${path.slice(0, 80)}" has no number of bytes`);
    if (path.split("/").some((name) => name === "" || name === "." || name === "..")) {
      throw wrong(`"${path.slice(0, 80)}" is not a path within the data set`);
    }
  }
  return files as FileSizes;
}

/** Milliseconds before each retry: a data set takes thousands of requests, and networks fail from time to time. */
const PAUSES = [300, 2000];

/** A data set on a web server. Only the needed ranges of its files are fetched. */
export class HttpSource extends Opaque implements DataSource {
  readonly name: string;
  readonly #files: ReadonlyMap<string, number>;
  readonly #listing: FolderListing;
  /** The last file that was sent as a whole, by a server that does not send ranges. */
  #whole: { path: string; bytes: Uint8Array } | undefined;

  /**
   * @param address the address of the outermost folder
   * @param files the sizes of its files, which `open` reads from the index
   */
  constructor(address: string | URL, files: ByPath<number>) {
    super();
    this.name = String(address).replace(/\/+$/, "");
    this.#files = byPath(files);
    this.#listing = new FolderListing(this.#files.keys());
  }

  /**
   * Opens the data set whose outermost folder is at an address, with its index file.
   * @throws FormatError if there is no index, or it is not valid; InputError if the server cannot be reached
   */
  static async open(address: string | URL): Promise<HttpSource> {
    const found = new HttpSource(address, {});
    const { body } = await found.#fetch(INDEX_FILE);
    return new HttpSource(address, parseIndex(new TextDecoder().decode(body), locate(found, INDEX_FILE)));
  }

  async list(folder: string): Promise<DataEntry[]> {
    const entries = this.#listing.list(folder);
    if (!entries) throw missing(this, folder, "folder");
    return entries;
  }

  async size(path: string): Promise<number> {
    const size = this.#files.get(path);
    if (size === undefined) throw missing(this, path, "file");
    return size;
  }

  /** @throws FormatError if there is no such file, or its size is not that of the index; InputError */
  async read(path: string, range?: ByteRange): Promise<Uint8Array> {
    const size = await this.size(path);
    const offset = Math.min(range?.offset ?? 0, size);
    const length = Math.min(range?.length ?? size, size - offset);
    if (length === 0) return new Uint8Array();
    expectFileBytes(length, locate(this, path));
    if (this.#whole?.path === path) return this.#whole.bytes.subarray(offset, offset + length);
    const isPart = length < size;
    const headers = isPart ? { Range: `bytes=${offset}-${offset + length - 1}` } : undefined;
    const { body: bytes, status } = await this.#fetch(path, headers);
    if (isPart && status === 206) return this.#expectLength(bytes, length, path);
    this.#expectLength(bytes, size, path);
    if (!isPart) return bytes;
    this.#whole = { path, bytes };
    return bytes.subarray(offset, offset + length);
  }

  #expectLength(bytes: Uint8Array, expected: number, path: string): Uint8Array {
    if (bytes.length === expected) return bytes;
    const file = locate(this, path);
    const problem = `${file}: ${bytes.length} bytes came, expected ${expected} by ${INDEX_FILE}: write that again.`;
    throw new FormatError(problem, { file, expected, found: bytes.length });
  }

  /** @throws FormatError if there is no such file; InputError if the server does not answer properly after all retries */
  async #fetch(path: string, headers?: Record<string, string>): Promise<Answer> {
    const address = joinPath(this.name, path.split("/").map(encodeURIComponent).join("/"));
    let answer: Answer;
    try {
      answer = await sendRequest(async () => [address, { headers }], { file: locate(this, path), pauses: PAUSES });
    } catch (error) {
      if (error instanceof NoAnswerError) throw this.#unreachable(path, error.message, error);
      throw error;
    }
    if (isOk(answer)) return answer;
    if (isMissing(answer)) throw missing(this, path, "file");
    throw this.#unreachable(path, `the server answers ${answer.status} ${answer.statusText}`.trim());
  }

  #unreachable(path: string, problem: string, cause?: unknown): InputError {
    const file = locate(this, path);
    return new InputError(`${file}: cannot be read from the server: ${problem}.`, { file }, { cause });
  }
}
