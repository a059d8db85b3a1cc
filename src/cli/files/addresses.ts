// Addresses of files on servers, which commands take in place of paths: s3://BUCKET/KEY, http://HOST/PATH, https://HOST/PATH. A
// folder's address ends with a slash, or its last name has no extension.

import { extname, posix } from "node:path";
import { UsageError } from "../command.ts";

export const isRemote = (path: string): boolean => /^(s3|https?):\/\//i.test(path);

/** Whether an address is that of a folder, or that of a bucket or a host. */
export function isRemoteFolder(address: string): boolean {
  const { path } = splitAddress(address);
  return path === "" || path.endsWith("/") || extname(path) === "";
}

export interface SplitAddress {
  /** "s3://BUCKET" or "https://HOST" */
  root: string;
  /** The path below it, decoded; without a slash at its beginning. */
  path: string;
}

/** @throws UsageError for an address that is not valid */
export function splitAddress(address: string): SplitAddress {
  const parts = /^(\w+:\/\/[^/]+)\/?(.*)$/s.exec(address);
  if (!parts) throw new UsageError(`"${address}" is not an address, expected s3://BUCKET/KEY or https://HOST/PATH`);
  const [, root, path] = parts;
  return { root, path: isS3(address) ? path : decode(path, address) };
}

/** Returns the address of a file or folder below a folder. */
export function joinAddress(folder: string, path: string): string {
  const names = isS3(folder) ? path : path.split("/").map(encodeURIComponent).join("/");
  return `${folder.replace(/\/+$/, "")}/${names}`;
}

/** Returns the address of the folder that a file is in, and the file's name. */
export function folderAndName(address: string): { folder: string; name: string } {
  const { root, path } = splitAddress(address);
  const folder = posix.dirname(path);
  return { folder: folder === "." ? root : joinAddress(root, folder), name: posix.basename(path) };
}

/** Whether an address is in the store of a bucket, whose keys are written as they are; other addresses are encoded. */
const isS3 = (address: string) => /^s3:/i.test(address);

function decode(path: string, address: string): string {
  if (/[?#]/.test(path))
    throw new UsageError(`"${address}" has a query (?...) or a fragment (#...), expected a plain address`);
  try {
    return decodeURIComponent(path);
  } catch {
    throw new UsageError(`"${address}" is not encoded properly: % stands before two hexadecimal digits`);
  }
}
