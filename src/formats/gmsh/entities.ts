// The parts of the geometry in Gmsh's files of version 4, which say in which physical groups elements are.

import type { GmshSections } from "./reader.ts";

/** Where an element is: its physical group, and the part of the geometry. */
export interface Part {
  group: number;
  part: number;
}

/** Returns the first physical group of each part that is in one, by its dimension and number; of a file that does not say none. */
export function readEntities(source: GmshSections): Map<string, number> {
  const groups = new Map<string, number>();
  const section = source.find("Entities");
  if (!section) return groups;
  const reader = source.open(section);
  const counts = [0, 1, 2, 3].map(() => reader.size("a number of parts"));
  for (const [dimension, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      const part = reader.integer();
      // The place of a point, or the box around another part.
      reader.skip(dimension === 0 ? 3 : 6, 8);
      const size = reader.size("a number of groups");
      for (let group = 0; group < size; group++) {
        // The sign is that of the orientation.
        const number = Math.abs(reader.integer());
        if (group === 0) groups.set(keyOf(dimension, part), number);
      }
      if (dimension > 0) reader.skip(reader.size("a number of parts"), 4);
    }
  }
  return groups;
}

const keyOf = (dimension: number, part: number) => `${dimension} ${part}`;

/** Returns the group of a part, 0 for none. */
export const groupsOf = (groups: ReadonlyMap<string, number>, dimension: number, part: number): number =>
  groups.get(keyOf(dimension, part)) ?? 0;
