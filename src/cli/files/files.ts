// Files of the command line: read whole, and written so that an output appears whole or not at all.

import {
  appendFileSync,
  closeSync,
  type Dirent,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import * as promises from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { expectFileBytes } from "../../formats/bytes/bytes.ts";
import { allocate } from "../../formats/sources/partial-file.ts";
import { isTemporaryOf, temporaryName } from "../../jobs/temporary.ts";

/** The size in bytes beyond which Node does not read a file at once. */
const MAX_READ_BYTES = 2 ** 31 - 1;

/** @throws InputError for what cannot be read; FormatError for a file that is larger than the limit `fileBytes` */
export function readBytes(path: string): Uint8Array {
  try {
    const found = statSync(path);
    expectRegular(path, found);
    expectFileBytes(found.size, path);
    return found.size > MAX_READ_BYTES ? readInPieces(path, found.size) : readFileSync(path);
  } catch (error) {
    throw fileError("read", path, error);
  }
}

function readInPieces(path: string, size: number): Uint8Array {
  const bytes = allocate(size, path);
  const file = openSync(path, "r");
  try {
    let done = 0;
    for (let read = 1; read > 0 && done < size; done += read) {
      read = readSync(file, bytes, done, Math.min(size - done, MAX_READ_BYTES), done);
    }
    return bytes.subarray(0, done);
  } finally {
    closeSync(file);
  }
}

/**
 * Refuses what is neither a file nor a folder: reading a pipe waits until something is written to it, and devices are endless.
 * @throws InputError
 */
export function expectRegular(path: string, found: Stats): void {
  if (found.isFile() || found.isDirectory()) return;
  const kind = found.isFIFO() ? "a named pipe" : found.isSocket() ? "a socket" : "a device";
  throw new InputError(`Cannot read "${path}": it is ${kind}, expected a file.`, { file: path, found: kind });
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Returns a folder's entries with their names and kinds. */
export function listFolder(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw fileError("read", path, error);
  }
}

/** Creates a folder and its parents, if they are missing, and refuses a folder in which no file can be written. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    // Node says ENOENT where a file system is read-only; a trial in the parent that exists says so.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") tryWriting(existingParent(path), path);
    throw fileError("write", path, error);
  }
  tryWriting(path, path);
}

function existingParent(path: string): string {
  const parent = dirname(path);
  return parent === path || isFolder(parent) ? parent : existingParent(parent);
}

/** Only writing shows whether files can be written in a folder: its permissions do not tell that a file system is read-only. */
function tryWriting(folder: string, path: string): void {
  const trial = temporaryName(join(folder, "trial"));
  try {
    writeFileSync(trial, "");
    rmSync(trial);
  } catch (error) {
    throw fileError("write", path, error);
  }
}

/**
 * Refuses an output that cannot be written, or that is one of the inputs, before time is spent on computing it.
 * @param inputs files that must stay as they are
 */
export function checkOutput(path: string, inputs: readonly string[] = []): void {
  const place = placeOf(path);
  const input = place && inputs.find((other) => placeOf(other) === place);
  if (input !== undefined) {
    throw new InputError(`The output "${path}" would be written over the input "${input}": choose another name.`, {
      file: path,
      other: input,
    });
  }
  const folder = dirname(path);
  let problem: string | undefined;
  try {
    if (!statSync(folder).isDirectory()) problem = `"${folder}" is not a folder`;
    else if (isFolder(path)) problem = "it is a folder";
  } catch (error) {
    const failure = fileError("write", path, error);
    // Deno may have the permission to write there, but not to read.
    if (!(failure instanceof InputError)) return;
    throw failure;
  }
  if (problem) throw new InputError(`Cannot write "${path}": ${problem}.`, { file: path });
  if (!isDevice(path)) tryWriting(dirname(targetOf(path)), path);
}

/** Whether a path is that of a device or a pipe, such as /dev/null and /dev/stdout: a file in its place would end it for all programs. */
function isDevice(path: string): boolean {
  try {
    const found = statSync(path);
    return !found.isFile() && !found.isDirectory();
  } catch {
    return false;
  }
}

/** Returns the file to which a path leads, by links too, which stay as they are. */
const targetOf = (path: string) => placeOf(path) ?? path;

/** Returns the real path of an existing file, with links resolved; undefined if there is no file, or its path cannot be determined. */
export function placeOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Writes a file beside the target, flushes it to the disk and renames it: a reader never sees a part of a file, not even after a
 * power failure, and if writing fails, the previous file remains. What is no file, such as /dev/stdout, is written to.
 */
export function writeWhole(path: string, content: Uint8Array | string): void {
  if (isDevice(path)) return void append(path, content);
  const { target, temporary, failed } = replacementOf(path);
  try {
    writeFileSync(temporary, content, WHOLE);
    renameSync(temporary, target);
  } catch (error) {
    throw failed(error);
  }
}

/** Does the same without holding up this thread: most of the time goes by until the disk has the file, for several at once as for one. */
export async function writeWholeLater(path: string, content: Uint8Array): Promise<void> {
  if (isDevice(path)) return void append(path, content);
  const { target, temporary, failed } = replacementOf(path);
  try {
    await promises.writeFile(temporary, content, WHOLE);
    await promises.rename(temporary, target);
  } catch (error) {
    throw failed(error);
  }
}

const WHOLE = { flag: "wx", flush: true } as const;

/** Returns the file that is to be replaced, the one that is written first, and what makes an error of a failure, of which nothing stays. */
function replacementOf(path: string) {
  const target = targetOf(path);
  const temporary = temporaryName(target);
  const failed = (error: unknown) => {
    removeIfPossible(temporary);
    return fileError("write", path, error);
  };
  return { target, temporary, failed };
}

/** Removes what a failed write has left. Its error says more than one of the removal would. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** Appends to a file, which is created if it does not exist. */
export function append(path: string, content: Uint8Array | string): void {
  try {
    appendFileSync(path, content);
  } catch (error) {
    throw fileError("write", path, error);
  }
}

/** Writes a file that does not exist yet; returns false if it exists. If several processes do it at once, only one gets true. */
export function createFile(path: string, content: Uint8Array): boolean {
  let file: number;
  try {
    file = openSync(path, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw fileError("write", path, error);
  }
  try {
    writeFileSync(file, content);
    return true;
  } catch (error) {
    removeIfPossible(path);
    throw fileError("write", path, error);
  } finally {
    closeSync(file);
  }
}

export function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw fileError("write", path, error);
  }
}

/** Deletes the temporary files that killed processes have left beside a file. */
export function removeTemporaries(path: string): void {
  const name = basename(path);
  for (const entry of listFolder(dirname(path))) {
    if (isTemporaryOf(name, entry.name)) removeFile(join(dirname(path), entry.name));
  }
}

const reasons: Record<string, string> = {
  ENOENT: "no such file or folder",
  EISDIR: "it is a folder",
  EEXIST: "it is a file",
  ENOTDIR: "a part of the path is not a folder",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than the system allows (ulimit -f)",
  EIO: "the device failed",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "the name is too long",
};

/**
 * Returns the InputError that says why a file cannot be read or written. Other errors stay as they are: Deno's own refusals say which
 * permission is missing.
 */
export function fileError(action: "read" | "write", path: string, error: unknown): unknown {
  const reason = reasonOf(error);
  if (reason === undefined) return error;
  const { code = "" } = error as NodeJS.ErrnoException;
  return new InputError(`Cannot ${action} "${path}": ${reason}.`, { file: path, reason: code }, { cause: error });
}

/** Returns in words why the system refused to read or write; undefined for what is no such refusal. */
export function reasonOf(error: unknown): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? undefined : reasons[code];
}
