// The elements of Exodus II files, in blocks of one type each, as cells.

import { formatError } from "../bytes/bytes.ts";
import type { ArrayContents } from "../bytes/elements.ts";
import { integersOf } from "../bytes/integers.ts";
import type { Cells } from "../clouds/cells.ts";
import { cellOf, type ExodusCell } from "./element-types.ts";

/** The attribute of a block's points that names the type of its elements. */
export const ELEMENT_TYPE = "elem_type";

interface Block extends ExodusCell {
  /** The points of its elements, counted from 1. */
  nodes: Int32Array;
  width: number;
}

/**
 * Returns the cells of all blocks.
 * @param points the number of points
 * @throws FormatError for a type of elements that is not known, and for points that there are not
 */
export function cellsOf({ arrays, notes }: ArrayContents, points: number, file: string): Cells {
  const blocks = numbered(arrays.keys(), "connect").map(([name]) => readBlock(name));
  const count = blocks.reduce((sum, { nodes, width }) => sum + nodes.length / width, 0);
  const length = blocks.reduce((sum, { nodes }) => sum + nodes.length, 0);
  const result: Cells = {
    offsets: new Int32Array(count + 1),
    connectivity: new Int32Array(length),
    types: new Uint8Array(count),
  };
  let [cell, at] = [0, 0];
  for (const { nodes, width, vtk, order } of blocks) {
    for (let first = 0; first < nodes.length; first += width) {
      for (let i = 0; i < width; i++) result.connectivity[at++] = nodes[first + (order?.[i] ?? i)] - 1;
      result.types[cell] = vtk;
      result.offsets[++cell] = at;
    }
  }
  return result;

  function readBlock(name: string): Block {
    const place = `${file}:${name}`;
    const array = arrays.get(name)!;
    // Of elements with different numbers of points (NSIDED, NFACED) there is a list.
    const [elements, width] = array.shape;
    const type = notes?.get(name)?.replace(/\0.*/s, "").trim() ?? "";
    if (elements === 0) return { nodes: new Int32Array(0), width: 1, vtk: 1 };
    const kind = width === undefined ? undefined : cellOf(type, width);
    if (!kind) {
      const points = width ?? "different numbers of";
      const problem = `its elements are of the type "${type.slice(0, 40)}" with ${points} points, which is not known`;
      throw formatError(place, `${problem}: save the mesh by ParaView as .vtu.`, { tensor: name, found: type });
    }
    const nodes = integersOf(array, place);
    const wrong = nodes.findIndex((node) => !(node >= 1 && node <= points));
    if (wrong >= 0) {
      const problem = `element ${Math.floor(wrong / width)} has the point ${nodes[wrong]}, there are ${points}, counted from 1.`;
      throw formatError(place, problem, { tensor: name, expected: points, found: nodes[wrong] });
    }
    return { ...kind, nodes, width };
  }
}

/** Returns the names that are a word with a number, and the numbers, in their order. */
export function numbered(names: Iterable<string>, word: string): [name: string, number: number][] {
  const pattern = new RegExp(`^${word}(\\d+)$`);
  return Array.from(names, (name): [string, number] => [name, Number(pattern.exec(name)?.[1])])
    .filter(([, number]) => !Number.isNaN(number))
    .sort(([, a], [, b]) => a - b);
}
