// Saves a run as a file, and opens it: a zip of its folder, as `erwin train` would write it.

import { zipSync } from "fflate";
import { blobFile, readWhole } from "../../formats/partial-file.ts";
import { openZip } from "../../formats/zip.ts";
import { element } from "../shared/dom.ts";

type Files = Record<string, Uint8Array<ArrayBuffer>>;

export function downloadRun(files: Files, name: string): void {
  // The archive is not compressed, because weights hardly get smaller.
  const href = URL.createObjectURL(new Blob([zipSync(files, { level: 0 })], { type: "application/zip" }));
  element("a", { href, download: `${name}.zip` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** Reads the files of a saved run. @throws FormatError if it is no zip, is damaged, or is larger than the limits, also unpacked */
export async function readRunFile(file: File): Promise<Files> {
  const name = `the saved run ${file.name}`;
  const entries = openZip(await readWhole(blobFile(file, name)), name);
  // Copies, because the database stores the whole memory of which an array is a part.
  return Object.fromEntries(entries.map((entry) => [entry.name, entry.read().slice()]));
}
