// Adds arrays of points or cells to a legacy VTK file; geometry, cells and all other arrays stay as they are.

import { InputError } from "../../errors.ts";
import { concatBytes } from "../bytes/bytes.ts";
import { isInt32Array } from "../bytes/elements.ts";
import { formatFloat32 } from "../bytes/text.ts";
import type { MeshLocation } from "../clouds/mesh.ts";
import type { Attribute } from "../clouds/positions.ts";
import { encodeVtkName } from "./attributes.ts";
import { bigEndian, findData } from "./vtk.ts";

/**
 * Returns a legacy VTK file with an additional field of arrays at the end of its data of points, or of cells, in the file's own encoding.
 * @throws FormatError for a damaged file; InputError where the number of points is another, or an array already exists
 */
export function addVtkData(
  bytes: Uint8Array,
  attributes: ReadonlyMap<string, Attribute>,
  file: string,
  location: MeshLocation = "points",
): Uint8Array<ArrayBuffer> {
  const { section, rows, isBinary, names, end } = findData(bytes, file, location);
  for (const [name, { data, channels }] of attributes) {
    if (names?.includes(name)) throw new InputError(`${file}: has an array "${name}" already.`, { file, tensor: name });
    const found = data.length / channels;
    if (found === rows) continue;
    throw new InputError(`${file}: has ${rows} ${location}, "${name}" has ${found} rows.`, {
      file,
      tensor: name,
      expected: rows,
      found,
    });
  }
  const encoder = new TextEncoder();
  const head = names ? "" : `${section} ${rows}\n`;
  const parts: Uint8Array[] = [bytes.subarray(0, end), encoder.encode(`\n${head}FIELD FieldData ${attributes.size}\n`)];
  for (const [name, { data, channels }] of attributes) {
    const type = isInt32Array(data) ? "int" : "float";
    parts.push(encoder.encode(`${encodeVtkName(name)} ${channels} ${rows} ${type}\n`));
    // Binary numbers are followed by the end of a line, as each line of text is.
    if (isBinary) parts.push(bigEndian(data), encoder.encode("\n"));
    else parts.push(...textOf(data, channels));
  }
  parts.push(bytes.subarray(end));
  return concatBytes(parts);
}

/** The rows whose lines are encoded at once: no string can hold those of all. */
const SOME_ROWS = 2 ** 16;

/** Encodes an array as text, with a line for each row. */
function textOf(data: Float32Array | Int32Array, channels: number): Uint8Array[] {
  const format = isInt32Array(data) ? String : formatFloat32;
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  for (let first = 0; first < data.length; first += SOME_ROWS * channels) {
    let text = "";
    const end = Math.min(first + SOME_ROWS * channels, data.length);
    for (let i = first; i < end; i++) text += format(data[i]) + ((i + 1) % channels === 0 ? "\n" : " ");
    parts.push(encoder.encode(text));
  }
  return parts;
}
