// A run as a file to keep: a zip of its folder, as `erwin train` would write it.

import { unzipSync, zipSync } from "fflate";
import { element } from "../shared/dom.ts";

type Files = Record<string, Uint8Array<ArrayBuffer>>;

export function downloadRun(files: Files, name: string): void {
  // Weights cannot be made much smaller.
  const href = URL.createObjectURL(new Blob([zipSync(files, { level: 0 })], { type: "application/zip" }));
  element("a", { href, download: `${name}.zip` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** The files of a saved run. @throws Error where it is no zip */
export async function readRunFile(file: File): Promise<Files> {
  try {
    return unzipSync(new Uint8Array(await file.arrayBuffer())) as Files;
  } catch (cause) {
    throw new Error(`${file.name} cannot be read as a zip: open what “Save run” has written.`, { cause });
  }
}
