// The usual names of arrays, in formats that do not say what an array holds.

import { positionNames as usual } from "../formats/clouds/positions.ts";

export const positionNames: readonly string[] = [...usual, "coordinates", "coords"];
export const edgeNames: readonly string[] = ["edge_index", "edges"];
export const triangleNames: readonly string[] = ["triangles", "faces", "cells"];

/** Matches names of what people or programs say of each point: a segmentation predicts it. Of these, -1 stands for none. */
export const labelNames = /label|classif|^class(es)?$|semantic|segment|annotation/i;
