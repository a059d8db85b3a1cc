// OFF, the Object File Format of Geomview, in text: the reader returns the vertices and skips faces.

import { expectRows, type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import { parseCount, parseFloat32, splitWords, TextReader } from "../bytes/text.ts";
import { checkReadOptions, missingAttribute, type PointCloud, type ReadOptions } from "./positions.ts";

/**
 * Reads the vertex positions of an OFF file.
 * @param options.attributes not supported: what follows a vertex's coordinates (normals, colours) has no name
 * @throws FormatError for a file that does not begin with OFF or a variant (COFF, NOFF, ...), is in binary or four dimensions, or holds
 * fewer vertices than it says; and, with the line, where a vertex has fewer than three numbers
 */
export function loadOff(input: FileBytes, options: ReadOptions = {}): PointCloud {
  const { file, attributes } = checkReadOptions(options, "off");
  if (attributes?.[0] !== undefined) throw missingAttribute(file, attributes[0], []);
  const reader = new TextReader(toBytes(input), file);
  // Hundreds of ModelNet's files have no line break behind OFF.
  const [, kind, behind] = /^\s*((?:ST)?C?N?4?n?OFF)(.*)$/.exec(nextLine(reader) ?? "") ?? [];
  if (kind === undefined) throw formatError(file, 'does not begin with "OFF".', { offset: 0 });
  if (/[4n]/.test(kind) || behind.includes("BINARY")) {
    throw formatError(file, `is ${kind}${behind}: save it as text, in three dimensions.`, { found: kind + behind });
  }
  const counts = behind.trim() || (nextLine(reader) ?? "");
  const count = parseCount(splitWords(counts)[0]);
  if (Number.isNaN(count))
    throw formatError(file, `"${counts.slice(0, 80)}": expected numbers of vertices, faces and edges.`);
  expectRows(count, "vertices", file);
  // Three digits and what divides them.
  if (6 * count > reader.left + 1) throw truncated(file, count, `${reader.left} bytes`);
  const positions = new Float32Array(3 * count);
  for (let vertex = 0; vertex < count; vertex++) {
    const line = nextLine(reader);
    if (line === undefined) throw truncated(file, count, `${vertex}`);
    const position = splitWords(line).slice(0, 3).map(parseFloat32);
    if (position.length < 3 || position.some(Number.isNaN)) {
      throw formatError(file, `line ${reader.lineNumber}, "${line.trim().slice(0, 80)}": expected three numbers.`, {
        row: reader.lineNumber,
        offset: reader.offset,
      });
    }
    positions.set(position, 3 * vertex);
  }
  return { positions, dimensionality: 3 };
}

/** Returns the next line with anything before a comment. */
function nextLine(reader: TextReader): string | undefined {
  for (;;) {
    const line = reader.filledLine()?.replace(/#.*/, "");
    if (line === undefined || line.trim() !== "") return line;
  }
}

const truncated = (file: string, count: number, found: string) =>
  formatError(file, `truncated: it should hold ${count} vertices, found ${found}.`, { expected: count });
