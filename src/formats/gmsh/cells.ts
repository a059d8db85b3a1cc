// The elements of Gmsh's mesh files, as cells of VTK's types.

import type { Cells } from "../clouds/cells.ts";
import { type ElementType, elementTypes } from "./elements.ts";
import { groupsOf, type Part, readEntities } from "./entities.ts";
import type { Nodes } from "./nodes.ts";
import type { GmshSections, SectionReader } from "./reader.ts";

export interface Elements {
  cells: Cells;
  /** [cells] */
  tags: Float64Array;
  /** [cells] the number of the physical group that the user has put each cell into; 0 for none. */
  groups: Int32Array;
  /** [cells] the number of the part of the geometry, of the cell's dimension, in which each is. */
  parts: Int32Array;
}

/**
 * @returns undefined for a file without elements
 * @throws FormatError for elements of higher than second order, and for nodes that there are not
 */
export function readElements(source: GmshSections, nodes: Nodes): Elements | undefined {
  const section = source.find("Elements");
  if (!section) return undefined;
  const reader = source.open(section);
  const list = source.format.version === 4 ? readBlocks(reader, nodes, readEntities(source)) : readList(reader, nodes);
  reader.expectEnd();
  return list.result;
}

/** The elements of version 2, in text each by itself, in binary in groups of the same type. */
function readList(reader: SectionReader, nodes: Nodes): ElementList {
  const count = reader.countLine("the number of elements");
  reader.expectRows(count, "elements", 4, 8);
  const list = new ElementList(reader, nodes, count);
  while (list.length < count) {
    // In text the tag comes first, in binary it follows what is the same for the group.
    const ownTag = reader.format.binary ? undefined : reader.size("an element's tag");
    const type = typeOf(reader, reader.integer());
    const size = reader.format.binary ? reader.size("a number of elements") : 1;
    const numbers = reader.size("a number of tags");
    if (size > count - list.length) throw reader.error(`more than ${count} elements.`, { expected: count });
    for (let i = 0; i < size; i++) {
      const tag = ownTag ?? reader.size("an element's tag");
      const [group, part] = [0, 1].map((place) => (place < numbers ? reader.integer() : 0));
      reader.skip(Math.max(0, numbers - 2), 4);
      list.add(type, tag, { group: Math.abs(group), part });
    }
  }
  return list;
}

/** The elements of version 4: in blocks, one for each part of the geometry and type. */
function readBlocks(reader: SectionReader, nodes: Nodes, entities: ReadonlyMap<string, number>): ElementList {
  const blocks = reader.size("a number of blocks");
  const count = reader.size("a number of elements");
  reader.skip(2, reader.format.sizeWidth); // the least and the greatest tag
  reader.expectRows(count, "elements", 2, 2 * reader.format.sizeWidth);
  const list = new ElementList(reader, nodes, count);
  for (let block = 0; block < blocks; block++) {
    const dimension = reader.integer();
    const part = reader.integer();
    const type = typeOf(reader, reader.integer());
    const size = reader.size("a number of elements");
    if (size > count - list.length) throw reader.error(`more than ${count} elements.`, { expected: count });
    const place = { group: groupsOf(entities, dimension, part), part };
    for (let i = 0; i < size; i++) list.add(type, reader.size("an element's tag"), place);
  }
  const found = list.length;
  if (found < count)
    throw reader.error(`its blocks have ${found} elements, expected ${count}.`, { expected: count, found });
  return list;
}

function typeOf(reader: SectionReader, type: number): ElementType {
  if (Object.hasOwn(elementTypes, type)) return elementTypes[type];
  const advice = "are read: save the mesh again after gmsh.model.mesh.setOrder(2), or 1";
  throw reader.error(`elements are of Gmsh's type ${type}, but those of first and second order ${advice}.`, {
    found: type,
  });
}

/** Elements that are read one after the other. */
class ElementList {
  length = 0;
  readonly #reader: SectionReader;
  readonly #nodes: Nodes;
  readonly #offsets: Int32Array;
  readonly #types: Uint8Array;
  readonly #tags: Float64Array;
  readonly #groups: Int32Array;
  readonly #parts: Int32Array;
  /** As long as was needed so far. */
  #connectivity: Int32Array;
  /** The places of an element's nodes. */
  readonly #places: number[] = [];

  constructor(reader: SectionReader, nodes: Nodes, count: number) {
    this.#reader = reader;
    this.#nodes = nodes;
    this.#offsets = new Int32Array(count + 1);
    this.#types = new Uint8Array(count);
    this.#tags = new Float64Array(count);
    this.#groups = new Int32Array(count);
    this.#parts = new Int32Array(count);
    this.#connectivity = new Int32Array(4 * count);
  }

  /** Reads the nodes of an element. */
  add({ points, vtk, order }: ElementType, tag: number, { group, part }: Part): void {
    for (let i = 0; i < points; i++) {
      const node = this.#reader.size("a node's tag");
      this.#places[i] = this.#nodes.index.placeOf(node);
      if (this.#places[i] < 0) {
        throw this.#reader.error(`element ${tag} has the node ${node}, which there is not.`, { row: tag, found: node });
      }
    }
    const start = this.#offsets[this.length];
    const length = order?.length ?? points;
    const end = start + length;
    if (end > this.#connectivity.length) {
      const longer = new Int32Array(2 * end);
      longer.set(this.#connectivity);
      this.#connectivity = longer;
    }
    for (let i = 0; i < length; i++) this.#connectivity[start + i] = this.#places[order?.[i] ?? i];
    this.#types[this.length] = vtk;
    this.#tags[this.length] = tag;
    this.#groups[this.length] = group;
    this.#parts[this.length] = part;
    this.#offsets[++this.length] = end;
  }

  get result(): Elements {
    const connectivity = this.#connectivity.slice(0, this.#offsets[this.length]);
    return {
      cells: { offsets: this.#offsets, connectivity, types: this.#types },
      tags: this.#tags,
      groups: this.#groups,
      parts: this.#parts,
    };
  }
}
