// Files that a command names by path or by address: on this machine, or on a server.

import { dirname, join } from "node:path";
import process from "node:process";
import { FormatError, InputError } from "../../errors.ts";
import { BEST_CHECKPOINT, LAST_CHECKPOINT } from "../../index.ts";
import type { FileStore } from "../../jobs/job.ts";
import { HttpStore } from "../../jobs/stores/http.ts";
import { S3Store } from "../../jobs/stores/s3.ts";
import { UsageError } from "../command.ts";
import { printError } from "../process/progress.ts";
import { folderAndName, isRemote, isRemoteFolder, joinAddress, splitAddress } from "./addresses.ts";
import { checkOutput, isFolder, makeFolder, readBytes, writeWhole } from "./files.ts";
import { FolderStore } from "./folder-store.ts";
import { lastWeightsNote, modelFile } from "./run-folder.ts";

/** The users of web servers, "NAME:PASSWORD" as it was written in an address, by the servers' addresses. */
const users = new Map<string, string>();
const stores = new Map<string, HttpStore>();

/** Returns a path or address without the user's name and password in it, which are remembered for requests to that server. */
export function takeUser(address: string): string {
  const parts = /^(https?:\/\/)([^/]*)@(.*)$/is.exec(address);
  if (!parts) return address;
  const [, scheme, user, rest] = parts;
  users.set(`${scheme}${rest.split("/")[0]}`, user);
  // A store that was opened before does not know the user.
  stores.clear();
  return `${scheme}${rest}`;
}

/** Opens the store of a folder. A folder of this machine is created if it is missing. */
export function openFolder(folder: string): FileStore {
  return isRemote(folder) ? openRemote(folder) : new FolderStore(folder);
}

/**
 * Opens the store of a folder for outputs, and finds out whether files can be written there. Prints a line if the server cannot
 * protect the work of several processes.
 * @throws StorageError, InputError
 */
export async function openOutputs(folder: string): Promise<FileStore> {
  if (!isRemote(folder)) return new FolderStore(folder);
  const store = openRemote(folder);
  if (!(await store.tryWriting())) {
    printError(
      `${folder}: the server ignores "If-None-Match: *", so that several calls may predict a file twice (with the same result); --shard I/N divides the files.`,
    );
  }
  return store;
}

/** @throws InputError, FormatError if there is no such file, StorageError */
export async function readFile(path: string): Promise<Uint8Array> {
  if (!isRemote(path)) return readBytes(path);
  const { root, path: file } = splitAddress(path);
  return openRemote(root).read(file);
}

/** Writes a file that appears whole or not at all. */
export async function writeFile(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if (!isRemote(path)) return writeWhole(path, bytes);
  const { folder, name } = folderAndName(path);
  await openRemote(folder).save(name, bytes);
}

/** Refuses an output that cannot be written, or that is one of the inputs, before time is spent on computing it. */
export async function checkTarget(path: string, inputs: readonly string[]): Promise<void> {
  if (!isRemote(path))
    return checkOutput(
      path,
      inputs.filter((input) => !isRemote(input)),
    );
  if (inputs.includes(path)) {
    throw new InputError(`The output "${path}" would be written over an input: choose another name.`, { file: path });
  }
  await openRemote(folderAndName(path).folder).tryWriting();
}

/** Makes the folders that files will be written to, if they are on this machine: servers need none. */
export function makeFoldersOf(paths: readonly string[]): void {
  for (const folder of new Set(paths.filter((path) => !isRemote(path)).map((path) => dirname(path))))
    makeFolder(folder);
}

/** Returns the path of a model's file: of the weights of a run, if a run's folder is given. */
export async function findModel(given: string): Promise<string> {
  if (!isRemote(given)) return modelFile(given);
  if (!isFolderPlace(given)) return given;
  try {
    await openRemote(given).size(BEST_CHECKPOINT);
    return joinAddress(given, BEST_CHECKPOINT);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    printError(lastWeightsNote(given));
    return joinAddress(given, LAST_CHECKPOINT);
  }
}

/** Whether a path or address is that of a folder. */
export const isFolderPlace = (place: string): boolean => (isRemote(place) ? isRemoteFolder : isFolder)(place);

/** Joins a folder's path or address and a path in it. */
export const joinPlace = (folder: string, path: string): string =>
  isRemote(folder) ? joinAddress(folder, path) : join(folder, path);

function openRemote(folder: string): HttpStore {
  const store = stores.get(folder) ?? makeRemote(folder);
  stores.set(folder, store);
  return store;
}

function makeRemote(folder: string): HttpStore {
  const { root, path } = splitAddress(folder);
  if (/^s3:/i.test(root)) return new S3Store({ bucket: root.slice(5), folder: path, ...readEnvironment() });
  const user = users.get(root);
  const address = path === "" ? root : joinAddress(root, path.replace(/\/+$/, ""));
  return new HttpStore(user === undefined ? address : address.replace("://", () => `://${user}@`));
}

/** Reads the variables that all programs for S3 use. */
function readEnvironment() {
  const [accessKeyId, secretAccessKey] = [read("AWS_ACCESS_KEY_ID"), read("AWS_SECRET_ACCESS_KEY")];
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    const missing = accessKeyId === undefined ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY";
    throw new UsageError(`s3:// needs both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: ${missing} is missing`);
  }
  return {
    endpoint: read("AWS_ENDPOINT_URL_S3") ?? read("AWS_ENDPOINT_URL"),
    region: read("AWS_REGION") ?? read("AWS_DEFAULT_REGION"),
    credentials:
      accessKeyId !== undefined && secretAccessKey !== undefined
        ? { accessKeyId, secretAccessKey, sessionToken: read("AWS_SESSION_TOKEN") }
        : undefined,
  };
}

const read = (name: string): string | undefined => process.env[name] || undefined;
