// Wavefront OBJ: the reader returns the vertices ("v x y z") and skips faces, normals, groups and materials.

import { type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import { FloatList } from "../bytes/float-list.ts";
import { parseFloat32, splitWords, TextReader } from "../bytes/text.ts";
import { checkReadOptions, missingAttribute, type PointCloud, type ReadOptions } from "./positions.ts";

/**
 * Reads the vertex positions of an OBJ file, in file order.
 * @param options.attributes not supported: OBJ files have no named attributes of vertices
 * @throws FormatError, with the line, where a vertex has fewer than three numbers; and for a file without vertices, or with more
 * than the limit `rows`
 */
export function loadObj(input: FileBytes, options: ReadOptions = {}): PointCloud {
  const { file, attributes } = checkReadOptions(options, "obj");
  if (attributes?.[0] !== undefined) throw missingAttribute(file, attributes[0], []);
  const reader = new TextReader(toBytes(input), file);
  const coordinates = new FloatList();
  for (let line = reader.line(); line !== undefined; line = reader.line()) {
    const isVertex = /^\s*v(?:\s|\\$)/.test(line);
    // A line that ends with a backslash continues on the next line.
    const parts = [line];
    for (let last = line; last.endsWith("\\"); ) {
      last = reader.line() ?? "";
      if (isVertex) parts.push(last);
    }
    if (!isVertex) continue;
    reader.expectRoom(coordinates.length / 3, "vertices");
    line = parts.map((part) => part.replace(/\\$/, "")).join(" ");
    const [, ...words] = splitWords(line);
    // Some programs write a weight or a colour after x, y, z.
    const position = words.slice(0, 3).map(parseFloat32);
    if (position.length < 3 || position.some(Number.isNaN)) {
      throw formatError(
        file,
        `line ${reader.lineNumber}, "${line.trim().slice(0, 80)}": expected v and three numbers.`,
        {
          row: reader.lineNumber,
          offset: reader.offset,
        },
      );
    }
    for (const value of position) coordinates.push(value);
  }
  if (coordinates.length === 0)
    throw formatError(file, 'holds no vertex (a line "v x y z").', { expected: 1, found: 0 });
  return { positions: coordinates.toArray(), dimensionality: 3 };
}
