// Files on a web server: read by GET and, where the server allows it, written by PUT and deleted by DELETE. Servers that speak WebDAV
// also list their folders; others need an index file.

import { FormatError, InputError, StorageError } from "../../errors.ts";
import { type ByteRange, type DataEntry, joinPath, missing, splitPath } from "../../experiments/data-source.ts";
import { INDEX_FILE, parseIndex } from "../../experiments/sources/http.ts";
import { FolderListing } from "../../experiments/sources/listing.ts";
import {
  type Answer,
  isMissing,
  isOk,
  NoAnswerError,
  type RequestOptions,
  sendRequest,
} from "../../formats/sources/request.ts";
import { once } from "../../once.ts";
import type { FileStore } from "../job.ts";
import { isTemporaryOf, temporaryName } from "../temporary.ts";
import { elementsOf, parseXml, textOf, type XmlElement } from "./xml.ts";

/** The milliseconds before each repetition of a request. What does not pass in this time is left to the caller. */
const PAUSES = [200, 800, 2400];

/** The properties that a listing needs. */
const PROPFIND = '<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>';

/** How a store on a server behaves. */
export interface RemoteOptions {
  /** The milliseconds before each repetition of a request that fails; default 200, 800 and 2,400. */
  pauses?: readonly number[];
}

/**
 * Files below an address. `create` depends on the server: WebDAV servers may ignore `If-None-Match: *`, which `tryWriting` finds out.
 */
export class HttpStore implements FileStore {
  readonly name: string;
  readonly #root: string;
  readonly #pauses: readonly number[];
  readonly #authorization: string | undefined;
  readonly #moves = once((path: string) => this.#canMove(path));
  readonly #index = once(() => this.#readIndex());

  /**
   * @param address of the outermost folder; a user's name and password in it are sent as basic authentication, and shown nowhere
   * @throws InputError for what is no address
   */
  constructor(address: string | URL, { pauses = PAUSES }: RemoteOptions = {}) {
    const { origin, pathname, username, password } = parseAddress(address);
    this.#root = `${origin}${pathname}`.replace(/\/+$/, "");
    this.name = this.#root;
    this.#pauses = pauses;
    if (username === "") return;
    const user = new TextEncoder().encode(`${username}:${password}`);
    this.#authorization = `Basic ${btoa(String.fromCharCode(...user))}`;
  }

  async read(path: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
    const answer = await this.#get(path, range);
    if (!answer) throw missing(this, path, "file");
    return answer;
  }

  load(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#get(path);
  }

  async size(path: string): Promise<number> {
    const answer = await this.send("HEAD", path);
    if (isMissing(answer)) throw missing(this, path, "file");
    if (!isOk(answer)) throw this.failure(answer, "read", path);
    const length = answer.headers.get("Content-Length");
    // Without a number the server makes the answer while it sends it, or announces it twice: "3, 3".
    return /^\d+$/.test(length ?? "") ? Number(length) : (await this.read(path)).length;
  }

  /** @throws StorageError if the server neither lists the folder nor has an index */
  async list(folder: string): Promise<DataEntry[]> {
    const listed = await this.#propfind(folder);
    if (Array.isArray(listed)) return listed;
    const index = await this.#index();
    // A server that knows the request says that there is no such folder.
    if (!index && listed === "missing") throw missing(this, folder, "folder");
    if (!index) {
      const advice = `give a .txt list of addresses, or put an ${INDEX_FILE} there, which erwin index writes`;
      throw this.problem("read", "", `its server does not list folders: ${advice}`, { reason: "unsupported" });
    }
    const entries = index.list(folder);
    if (!entries) throw missing(this, folder, "folder");
    return entries;
  }

  async save(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!(await this.#moves(path))) return void (await this.put(path, bytes));
    const temporary = temporaryName(path);
    await this.put(temporary, bytes);
    const answer = await this.send("MOVE", temporary, { Destination: this.addressOf(path), Overwrite: "T" });
    // The answer to the first try may have been lost.
    const isMoved = isOk(answer) || (isMissing(answer) && answer.failures > 0);
    if (isMoved) return;
    await this.remove(temporary);
    throw this.failure(answer, "write", path);
  }

  async create(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const answer = await this.put(path, bytes, { "If-None-Match": "*" });
    if (isOk(answer)) return true;
    // The answer to the first try may have been lost, although the file was written.
    return answer.failures > 0 && isSame(await this.load(path), bytes);
  }

  async remove(path: string): Promise<void> {
    const answer = await this.send("DELETE", path);
    if (!isOk(answer) && !isMissing(answer)) throw this.failure(answer, "write", path);
  }

  /** On a server that moves files, a killed process may have left the files that it was about to move. */
  async sweep(path: string): Promise<void> {
    if (!(await this.#moves(path))) return;
    const { folder, name } = splitPath(path);
    for (const entry of await this.list(folder)) {
      if (isTemporaryOf(name, entry.name)) await this.remove(joinPath(folder, entry.name));
    }
  }

  /**
   * Writes a file and deletes it, to find out whether the server allows that.
   * @returns whether `create` refuses an existing file: some servers write it again, and processes that share work do some of it twice
   * @throws StorageError if files cannot be written or deleted
   */
  async tryWriting(): Promise<boolean> {
    const trial = temporaryName("trial");
    const bytes = new TextEncoder().encode("a trial whether files can be written here\n");
    if (!(await this.create(trial, bytes))) throw this.problem("write", trial, "there is such a file already");
    const isExclusive = !(await this.create(trial, bytes));
    await this.remove(trial);
    return isExclusive;
  }

  /** Returns the address of a file. */
  protected addressOf(path: string): string {
    const names = path.split("/");
    if (names.includes("..") || names.includes(".")) {
      throw new InputError(`${joinPath(this.name, path)}: names of . and .. are not read from servers.`, {
        file: path,
      });
    }
    return joinPath(this.#root, names.map(encodeURIComponent).join("/"));
  }

  /** Makes a request. */
  protected async prepare(address: string, init: RequestInit & { headers: Record<string, string> }) {
    if (this.#authorization) init.headers.Authorization = this.#authorization;
    return [address, { ...init, cache: "no-store" }] as [string, RequestInit];
  }

  /** Describes an answer that is none of the expected ones. */
  protected failure(answer: Answer, action: "read" | "write", path: string): StorageError {
    const { status, statusText } = answer;
    const said = `the server answers ${status} ${statusText}`.trim();
    if (status === 401 || status === 403) {
      const user = this.#authorization
        ? "the user's name or password"
        : "https://USER:PASSWORD@HOST/... if it needs a user";
      return this.problem(action, path, `${said}: this is not permitted (${user})`, { status, reason: "forbidden" });
    }
    if (action === "write" && (status === 405 || status === 501)) {
      const advice = "it takes no files by PUT; give a WebDAV server's address, or a folder of this machine";
      return this.problem(action, path, `${said}: ${advice}`, { status, reason: "unsupported" });
    }
    const reason = status === 507 ? "ENOSPC" : status >= 500 || status === 429 ? "network" : "answer";
    return this.problem(action, path, said, { status, reason });
  }

  protected problem(
    action: "read" | "write",
    path: string,
    problem: string,
    { reason = "answer", ...more }: { reason?: string; status?: number } = {},
    cause?: unknown,
  ): StorageError {
    const file = joinPath(this.name, path);
    return new StorageError(`Cannot ${action} "${file}": ${problem}.`, { file, reason, ...more }, { cause });
  }

  /** Sends a request; its answer may have any status. @throws StorageError if there is no answer */
  protected async send(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: Uint8Array<ArrayBuffer> | string,
    { query = "", passing = [] as number[], pauses = this.#pauses } = {},
  ): Promise<Answer> {
    return this.#sendTo(`${this.addressOf(path)}${query}`, method, path, { headers, body, passing, pauses });
  }

  async #sendTo(
    address: string,
    method: string,
    path: string,
    {
      headers = {},
      body,
      passing,
      pauses = this.#pauses,
    }: Partial<RequestOptions> & { headers?: Record<string, string>; body?: Uint8Array<ArrayBuffer> | string } = {},
  ): Promise<Answer> {
    const make = () => this.prepare(address, { method, headers: { ...headers }, body });
    try {
      return await sendRequest(make, { file: joinPath(this.name, path), pauses, passing });
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      const action = method === "GET" || method === "HEAD" || method === "PROPFIND" ? "read" : "write";
      const problem = `${new URL(address).host} cannot be reached: ${error.message}`;
      throw this.problem(action, path, problem, { reason: "network" }, error);
    }
  }

  /** @returns undefined if there is no such file */
  async #get(path: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (range?.length === 0) return new Uint8Array();
    const headers = range && { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` };
    const answer = await this.send("GET", path, headers);
    if (this.isMissing(answer)) return undefined;
    // The file ends before the range begins.
    if (range && answer.status === 416) return new Uint8Array();
    if (!isOk(answer)) throw this.failure(answer, "read", path);
    // A server that does not know ranges sends all.
    if (range && answer.status !== 206) return answer.body.subarray(range.offset, range.offset + range.length);
    return answer.body;
  }

  /** Whether an answer says that there is no such file. */
  protected isMissing(answer: Answer): boolean {
    return isMissing(answer);
  }

  /** @returns the answer: success, or 412 if the file exists and must not */
  protected async put(
    path: string,
    bytes: Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    let answer = await this.send("PUT", path, headers, bytes);
    // A WebDAV server's way to say that the folder does not exist.
    if (answer.status === 409 || answer.status === 404) {
      await this.#makeFolders(path);
      answer = await this.send("PUT", path, headers, bytes);
    }
    if (isOk(answer) || answer.status === 412) return answer;
    throw this.failure(answer, "write", path);
  }

  /** Makes the folders that a file is in. Whatever goes wrong shows when the file is written. */
  async #makeFolders(path: string): Promise<void> {
    const { origin, pathname } = new URL(this.addressOf(path));
    const names = pathname.split("/").slice(1, -1);
    for (const i of names.keys()) {
      const address = `${origin}/${names.slice(0, i + 1).join("/")}/`;
      await this.#sendTo(address, "MKCOL", path);
    }
  }

  /** Asks whether the server moves files. Servers know that only of folders that exist. */
  async #canMove(path: string): Promise<boolean> {
    await this.#makeFolders(path);
    const answer = await this.send("OPTIONS", "");
    const failure = this.failure(answer, "write", path);
    // A busy server has not said what it can do.
    if (failure.details.reason === "network") throw failure;
    return /\bMOVE\b/.test(`${answer.headers.get("Allow")}`);
  }

  /** @returns "missing" if there is no such folder, undefined if the server does not list folders */
  async #propfind(folder: string): Promise<DataEntry[] | "missing" | undefined> {
    const headers = { Depth: "1", "Content-Type": "application/xml" };
    const path = folder === "" ? "" : `${folder}/`;
    let answer: Answer;
    try {
      answer = await this.send("PROPFIND", path, headers, PROPFIND, { pauses: [] });
    } catch {
      return undefined; // a page of another origin may not ask for it
    }
    if (answer.status !== 207) return isMissing(answer) ? "missing" : undefined;
    const own = pathOf(this.addressOf(path));
    return elementsOf(parseXml(answer.body), "response").flatMap((response) => {
      const found = pathOf(new URL(textOf(response, "href")?.trim() ?? "", this.addressOf(path)).href);
      if (found === own || !found.startsWith(`${own}/`)) return [];
      return { name: found.slice(own.length + 1), folder: isFolder(response) };
    });
  }

  async #readIndex(): Promise<FolderListing | undefined> {
    const answer = await this.send("GET", INDEX_FILE);
    try {
      if (isOk(answer)) {
        const file = joinPath(this.name, INDEX_FILE);
        return new FolderListing(Object.keys(parseIndex(new TextDecoder().decode(answer.body), file)));
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
    const failure = this.failure(answer, "read", INDEX_FILE);
    if (["forbidden", "network"].includes(String(failure.details.reason))) throw failure;
    return undefined;
  }
}

/** The parts of an address, decoded. Messages do not quote it, since there may be a password in it. */
function parseAddress(address: string | URL) {
  try {
    const { origin, pathname, username, password } = new URL(address);
    decodeURIComponent(pathname);
    return { origin, pathname, username: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch (cause) {
    throw new InputError(
      "a server's address is not valid, expected https://USER:PASSWORD@HOST/PATH, where the characters %, #, ?, / and @ in names " +
        "and passwords are written as %25, %23, %3F, %2F and %40",
      {},
      { cause },
    );
  }
}

/** Returns the path of an address, decoded and without a slash at the end. */
const pathOf = (address: string) => decodeURIComponent(new URL(address).pathname).replace(/\/+$/, "");

const isFolder = (response: XmlElement) => elementsOf(response, "collection").length > 0;

function isSame(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && one.length === other.length && one.every((byte, i) => byte === other[i]);
}
