// The messages between the page and its worker. Arrays of points are in the drawing's order, whose every prefix covers the whole
// cloud; `order` gives the point at each place.

import type { Range } from "../shared/stage/paint.ts";

/** The settings of the tree, which are also those of the model. */
export interface TreeSettings {
  /** The number of nodes in a ball, at every level. */
  ballSize: number;
  /** The number of nodes merged into one between the levels. */
  stride: number;
  /** The number of levels. */
  levels: number;
  /** The angle of the rotated partitions in degrees. */
  rotate: number;
}

export interface OpenedCloud {
  name: string;
  points: number;
  dimensionality: number;
  clouds: number;
  fields: readonly string[];
  /** Whether the file has a graph or cells. */
  hasEdges: boolean;
  /** [points] The point at each place of the drawing. */
  order: Int32Array;
  /** [points, 3] positions, mapped into the unit sphere. */
  positions: Float32Array;
  /** The typical distance of neighbouring points, in units of the drawing. */
  spacing: number;
  /** A remark, where the steps in which float32 holds the coordinates are coarse. */
  noteOnRounding: string | undefined;
}

/** A model whose attention is shown: a file that was opened. */
export interface OpenedModel {
  name: string;
  /** The number of heads at each level of the encoder, with the bottleneck last. */
  heads: readonly number[];
  blocks: readonly number[];
  ballSizes: readonly number[];
  strides: readonly number[];
  /** The angle of its rotated partitions in degrees. */
  rotate: number;
}

export interface LevelSummary {
  nodes: number;
  balls: number;
  /** The number of points of the largest ball. */
  points: number;
}

export interface BuiltTree {
  slots: number;
  levels: LevelSummary[];
  /** The number of halvings of the root until its parts are the balls of level 0. */
  splits: number;
  milliseconds: number;
}

/** A partition of the points: the balls of a level, or the parts after a number of halvings of the root. */
export type Cut = { level: number } | { halvings: number };

/** What determines the colours of points. */
export type Colouring = Cut | { field: string } | { cloud: true } | { plain: true };

export interface DrawingRequest {
  colouring: Colouring;
  /** Whether partitions are those of the rotated points. */
  rotated: boolean;
  /** How far the parts of the partition are moved apart; 0 for not at all. */
  apart: number;
  /** The level into whose nodes points are merged; 0 for none. */
  merged: number;
}

export interface Drawing {
  /** [points, 4] red, green and blue; the fourth channel is 255. */
  colours: Uint8Array;
  /** [points, 3] drawn positions; undefined for the cloud's own. */
  positions: Float32Array | undefined;
  /** Of a field that colours the points: the range of its values, and whether some points have none. */
  values?: { range: Range; hasGaps: boolean };
}

export interface Spheres {
  /** [balls, 4] centre and radius. */
  spheres: Float32Array;
  /** [balls, 3] red, green and blue. */
  colours: Uint8Array;
  /** The number of balls; if there are too many, only the largest are drawn. */
  total: number;
}

export type GraphKind = "file" | "neighbours";

export interface Graph {
  /** [drawn edges, 2, 3] the ends of each. */
  lines: Float32Array;
  /** The number of edges, each counted once; if there are too many, an even selection is drawn. */
  total: number;
}

/** The settings that determine how far a point of the model sees. */
export interface ReachSettings {
  /** The number of blocks at every level. */
  blocks: number;
  /** The graph of the embedding's messages; undefined for none. */
  graph: GraphKind | undefined;
}

export interface Selection {
  point: number;
  /** For each level the points in the selected point's ball, in the tree's own partition and in the rotated one; ascending. */
  balls: { ball: Int32Array; rotatedBall: Int32Array }[];
  /** [points] by index: the first level at whose end a point can affect the selected one, `NEVER` for those that cannot. */
  reachedAt: Uint8Array;
  /** The same in a model with rotation. */
  reachedWithRotationAt: Uint8Array;
}

/** The attention of a node in its ball. */
export interface Attention {
  /** [points] by index: the attention weight of the node into which each point was merged; 0 for those outside the ball. */
  weights: Float32Array;
  /** The least and the largest weight in the ball. */
  range: [number, number];
  /** The number of nodes in the ball. */
  nodes: number;
}

/** Which attention is shown: that of the selected point's node at a level, in a block of the level. */
export interface AttentionSettings {
  point: number;
  level: number;
  block: number;
  head: number;
  /** The number of blocks at every level. */
  blocks: number;
}

export const NEVER = 255;
