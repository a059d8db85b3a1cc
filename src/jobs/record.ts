// Outputs with the records of what they were computed from: in the metadata of a safetensors file, or in a file beside an output of
// another format.

import { FormatError } from "../errors.ts";
import { partialFile } from "../experiments/data-source.ts";
import { addMetadata, readHeaderOf } from "../formats/safetensors/metadata.ts";
import type { FileStore, JobRecord } from "./job.ts";

/** The key of the record in a safetensors file's metadata. */
const KEY = "job";

const hasMetadata = (output: string) => /\.safetensors$/i.test(output);
const sidecarOf = (output: string) => `${output}.job.json`;

/** Returns the record of an output; undefined if there is no output, it is not complete, or it has no record. */
export async function readRecord(store: FileStore, output: string): Promise<JobRecord | undefined> {
  try {
    if (hasMetadata(output)) return parse((await readHeaderOf(await partialFile(store, output))).metadata[KEY]);
    const sidecar = await store.load(sidecarOf(output));
    // The output alone may have been deleted, to have it computed again.
    return sidecar && (await isThere(store, output)) ? parse(new TextDecoder().decode(sidecar)) : undefined;
  } catch (error) {
    // There is no file, or it is not an output of ours.
    if (error instanceof FormatError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Returns an output's bytes, with its record if the format has room for it. */
export function withRecord(output: string, bytes: Uint8Array, record: JobRecord): Uint8Array<ArrayBuffer> {
  if (!hasMetadata(output)) return bytes as Uint8Array<ArrayBuffer>;
  return addMetadata(bytes, { [KEY]: JSON.stringify(record) }, output);
}

/** Saves an output with its record. The output appears whole, and a reader that finds the record finds the output of that record. */
export async function saveOutput(
  store: FileStore,
  output: string,
  bytes: Uint8Array,
  record: JobRecord,
): Promise<void> {
  const described = withRecord(output, bytes, record);
  if (hasMetadata(output)) return store.save(output, described);
  // The old record must not be found with the new output.
  await store.remove(sidecarOf(output));
  await store.save(output, described);
  await store.save(sidecarOf(output), new TextEncoder().encode(`${JSON.stringify(record)}\n`));
}

function parse(text: string | undefined): JobRecord | undefined {
  const record = text === undefined ? undefined : (JSON.parse(text) as Partial<JobRecord> | null);
  return typeof record?.identity === "string" ? (record as JobRecord) : undefined;
}

async function isThere(store: FileStore, path: string): Promise<boolean> {
  try {
    await store.size(path);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
