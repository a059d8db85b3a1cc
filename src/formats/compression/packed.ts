// Files that hold nothing, or a compressed file, under the extension of a format: their reader would call them damaged.

import { type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import { formatNamed, torchExtensions } from "../extension.ts";

/** What compressed files begin with, from a byte on. */
const packers: readonly { name: string; at: number; begin: string }[] = [
  { name: "gzip", at: 0, begin: "\x1f\x8b\b" },
  { name: "xz", at: 0, begin: "\xfd7zXZ\0" },
  { name: "bzip2", at: 4, begin: "1AY&SY" },
  { name: "Zstandard", at: 0, begin: "(\xb5/\xfd" },
  { name: "ZIP", at: 0, begin: "PK\x03\x04" },
  { name: "7-Zip", at: 0, begin: "7z\xbc\xaf'\x1c" },
];

/** Formats that are ZIP archives themselves. */
const archives: readonly string[] = ["npz", ...torchExtensions];
/** Formats whose first bytes may be any, and which may be empty. */
const anyBytes: readonly string[] = ["tfrecord"];

/**
 * Refuses a file that no reader of its format can read.
 * @param file its name, or the name of its format
 * @throws FormatError for a file without bytes, and for a compressed one
 */
export function expectUnpacked(input: FileBytes, file: string): void {
  const bytes = toBytes(input);
  const format = formatNamed(file);
  if (anyBytes.includes(format)) return;
  if (bytes.length === 0) throw formatError(file, "is empty.", { found: 0 });
  const head = String.fromCharCode(...bytes.subarray(0, 16));
  const packer = packers.find(({ begin, at }) => head.startsWith(begin, at))?.name;
  if (packer === undefined || (packer === "ZIP" && archives.includes(format))) return;
  throw formatError(file, `is compressed by ${packer}: unpack it first.`, { found: packer });
}
