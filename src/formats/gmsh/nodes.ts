// The nodes of Gmsh's mesh files.

import { elementCount } from "../bytes/bytes.ts";
import type { GmshSections, SectionReader } from "./reader.ts";
import { TagIndex } from "./tags.ts";

export interface Nodes {
  /** [nodes, 3], in the order of the file. */
  points: Float64Array;
  /** Where each node is, by its tag. */
  index: TagIndex;
}

/** @throws FormatError for a file without nodes, a tag that occurs twice, and coordinates that are not finite */
export function readNodes(source: GmshSections): Nodes {
  const section = source.find("Nodes");
  if (!section) throw source.error("has no $Nodes.");
  const reader = source.open(section);
  const { tags, points } = source.format.version === 4 ? readBlocks(reader) : readList(reader);
  reader.expectEnd();
  const index = new TagIndex(tags);
  if (index.repeated !== undefined)
    throw reader.error(`node ${index.repeated} occurs twice.`, { found: index.repeated });
  const wrong = points.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    const tag = tags[Math.floor(wrong / 3)];
    throw reader.error(`node ${tag}: its ${"xyz"[wrong % 3]} is not a finite number.`, { row: tag });
  }
  return { points, index };
}

/** Reads the nodes of version 2: each has its tag before its coordinates. */
function readList(reader: SectionReader) {
  const count = reader.countLine("the number of nodes");
  reader.expectRows(count, "nodes", 4, 28);
  const tags = new Float64Array(count);
  const points = new Float64Array(3 * count);
  for (let i = 0; i < count; i++) {
    tags[i] = reader.size("a node's tag");
    for (let axis = 0; axis < 3; axis++) points[3 * i + axis] = reader.double();
  }
  return { tags, points };
}

/** Reads the nodes of version 4: in blocks, one for each part of the geometry, first all tags and then all coordinates. */
function readBlocks(reader: SectionReader) {
  const blocks = reader.size("a number of blocks");
  const count = reader.size("a number of nodes");
  reader.skip(2, reader.format.sizeWidth); // the least and the greatest tag
  reader.expectRows(count, "nodes", 4, reader.format.sizeWidth + 24);
  const tags = new Float64Array(count);
  const points = new Float64Array(elementCount([3, count]));
  let done = 0;
  for (let block = 0; block < blocks; block++) {
    const dimension = reader.integer();
    reader.integer(); // the tag of the part
    // On curves and surfaces nodes may have coordinates there as well.
    const more = reader.integer() === 0 ? 0 : dimension;
    const size = reader.size("a number of nodes");
    if (size > count - done || !(more >= 0 && more <= 3)) {
      throw reader.error(`block ${block} of ${size} nodes, in ${dimension} dimensions, does not fit ${count} nodes.`, {
        row: block,
      });
    }
    for (let i = done; i < done + size; i++) tags[i] = reader.size("a node's tag");
    for (let i = done; i < done + size; i++) {
      for (let axis = 0; axis < 3; axis++) points[3 * i + axis] = reader.double();
      reader.skip(more, 8);
    }
    done += size;
  }
  if (done < count)
    throw reader.error(`its blocks have ${done} nodes, expected ${count}.`, { expected: count, found: done });
  return { tags, points };
}
