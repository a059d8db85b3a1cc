// Files that are given as bytes or by their location.

import { FormatError } from "../errors.ts";
import { nodeModule } from "../host/environment.ts";
import { absoluteUrl } from "../host/url.ts";
import type { FileBytes } from "./bytes.ts";

/** A file's bytes or its location: a URL, or a path in Node and Deno. */
export type FileSource = FileBytes | string | URL;

/**
 * @returns the bytes, and the file's name in error messages
 * @throws FormatError when it cannot be loaded
 */
export async function readSource(source: FileSource): Promise<{ bytes: FileBytes; file: string }> {
  return typeof source === "string" || source instanceof URL
    ? { bytes: await fetchBytes(source), file: String(source) }
    : { bytes: source, file: "checkpoint" };
}

async function fetchBytes(source: string | URL): Promise<Uint8Array | ArrayBuffer> {
  const url = absoluteUrl(source, FormatError);
  const file = String(source);
  // `fetch` of Node does not read files.
  const files =
    url.protocol === "file:" ? nodeModule<typeof import("node:fs/promises")>("node:fs/promises") : undefined;
  let response: Response;
  try {
    if (files) return await files.readFile(url);
    response = await fetch(url);
  } catch (error) {
    const advice = "give an address or path that can, or the file's bytes";
    throw new FormatError(`${file} could not be loaded: ${(error as Error).message} (${advice})`, { file });
  }
  if (!response.ok)
    throw new FormatError(`${file} could not be loaded: status ${response.status} ${response.statusText}`, { file });
  return response.arrayBuffer();
}
