// Saves a run as a file: a zip of its folder, as `erwin train` would write it.

import { unzipSync, zipSync } from "fflate";
import { element } from "../shared/dom.ts";

type Files = Record<string, Uint8Array<ArrayBuffer>>;

export function downloadRun(files: Files, name: string): void {
  // The archive is not compressed, because weights hardly get smaller.
  const href = URL.createObjectURL(new Blob([zipSync(files, { level: 0 })], { type: "application/zip" }));
  element("a", { href, download: `${name}.zip` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** Reads the files of a saved run. @throws Error if it is not a zip */
export async function readRunFile(file: File): Promise<Files> {
  try {
    return unzipSync(new Uint8Array(await file.arrayBuffer())) as Files;
  } catch (cause) {
    throw new Error(`${file.name} cannot be read as a zip: open what “Save run” has written.`, { cause });
  }
}
