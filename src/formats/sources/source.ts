// Files that are given as bytes, by their location, or as a visitor of a page chooses them.

import { checkSignal } from "../../abort.ts";
import { FormatError } from "../../errors.ts";
import { nodeModule } from "../../host/environment.ts";
import { reasonOfFailure } from "../../host/failed-request.ts";
import { absoluteUrl, isAddress } from "../../host/url.ts";
import type { FileBytes } from "../bytes/bytes.ts";
import { readDiskFile } from "./disk-file.ts";
import { isBlob } from "./partial-file.ts";
import { readBody } from "./request.ts";

/** A file's bytes, its location (a URL, or a path in Node and Deno), or a Blob, such as a File that was chosen or dropped. */
export type BytesOrAddress = FileBytes | string | URL | Blob;

/**
 * @returns the bytes, and the file's name in error messages
 * @throws FormatError when it cannot be loaded, or is larger than the limit `fileBytes`; the signal's reason, once it is aborted
 */
export async function readSource(
  source: BytesOrAddress,
  signal?: AbortSignal,
): Promise<{ bytes: FileBytes; file: string }> {
  checkSignal(signal);
  if (isAddress(source)) return { bytes: await fetchBytes(source, signal), file: String(source) };
  if (!isBlob(source)) return { bytes: source, file: "checkpoint" };
  const { name: file = "checkpoint" } = source as Blob & { name?: string };
  const bytes = await source.arrayBuffer().catch((cause: Error) => {
    throw new FormatError(`${file} could not be read: ${cause.message}`, { file }, { cause });
  });
  checkSignal(signal);
  return { bytes, file };
}

async function fetchBytes(source: string | URL, signal?: AbortSignal): Promise<Uint8Array | ArrayBuffer> {
  const url = absoluteUrl(source, FormatError);
  const file = String(source);
  // `fetch` of Node does not read files.
  const files =
    url.protocol === "file:" ? nodeModule<typeof import("node:fs/promises")>("node:fs/promises") : undefined;
  let response: Response;
  try {
    if (files) return await readDiskFile(files, url, file, signal);
    response = await fetch(url, { signal });
    if (response.ok) return await readBody(response, file);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof FormatError) throw error;
    const advice = "give an address or path that can, or the file's bytes";
    throw new FormatError(`${file} could not be loaded: ${reasonOfFailure(error)} (${advice})`, { file });
  }
  throw new FormatError(`${file} could not be loaded: status ${response.status} ${response.statusText}`, { file });
}
