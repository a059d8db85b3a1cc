// The usual names of arrays, in formats that do not say what an array holds.

import { positionNames as usual } from "../formats/clouds/positions.ts";

export const positionNames: readonly string[] = [...usual, "coordinates", "coords"];
export const edgeNames: readonly string[] = ["edge_index", "edges"];

/**
 * Says how an array of edges lists them: in rows, [M, 2], or as sources, then targets, [2, M]. Of [2, 2] its name says which: `edges` are
 * rows. Undefined for an array of another shape.
 */
export function edgeLayout(name: string, [first, second, ...more]: readonly number[]): "rows" | "columns" | undefined {
  if (more.length > 0 || (first !== 2 && second !== 2)) return undefined;
  return first !== 2 || (second === 2 && name === "edges") ? "rows" : "columns";
}

export const triangleNames: readonly string[] = ["triangles", "faces", "cells"];

/** Whether an array of this name is the mesh, which no field can be. */
export const isOfMesh = (name: string): boolean => edgeNames.includes(name) || triangleNames.includes(name);

/**
 * Matches names of what people or programs say of each point: a segmentation predicts it. Of these, -1 stands for none. ShapeNetPart calls
 * its parts pid.
 */
export const labelNames = /label|classif|^class(es)?$|semantic|segment|annotation|^pid$/i;
