// What the page and its worker tell each other. Arrays of points are in the drawing's order, of which every beginning covers the
// cloud; `order` says which point is where.

/** How the tree is built and what the model would make of it. */
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
  /** [points, 3] Moved and scaled into the unit sphere. */
  positions: Float32Array;
  /** The typical distance of neighbouring points, in units of the drawing. */
  spacing: number;
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
  /** How often the root is halved until its parts are the balls of level 0. */
  splits: number;
  milliseconds: number;
}

/** A partition of the points: the balls of a level, or the parts after so many halvings from the root. */
export type Cut = { level: number } | { halvings: number };

/** By what points are coloured. */
export type Colouring = Cut | { field: string } | { cloud: true } | { plain: true };

export interface DrawingRequest {
  colouring: Colouring;
  /** Whether partitions are those of the rotated points. */
  rotated: boolean;
  /** How far the parts of the cut are drawn apart; 0 for not at all. */
  apart: number;
  /** The level into whose nodes points are merged; 0 for none. */
  merged: number;
}

export interface Drawing {
  /** [points, 4] Red, green and blue; the last is 255. */
  colours: Uint8Array;
  /** [points, 3] Where the points are drawn; undefined for their own places. */
  positions: Float32Array | undefined;
  /** The least and the largest number of a field. */
  range?: [number, number];
}

export interface Spheres {
  /** [balls, 4] Centre and radius. */
  spheres: Float32Array;
  /** [balls, 3] Red, green and blue. */
  colours: Uint8Array;
  /** The number of balls, of which the largest are drawn where there are too many. */
  total: number;
}

export type GraphKind = "file" | "neighbours";

export interface Graph {
  /** [drawn edges, 2, 3] The ends of each. */
  lines: Float32Array;
  /** The number of edges, each counted once, of which an even choice is drawn where there are too many. */
  total: number;
}

/** How far a point of the model sees. */
export interface ReachSettings {
  /** The number of blocks at every level. */
  blocks: number;
  /** The graph of the embedding's messages; undefined for none. */
  graph: GraphKind | undefined;
}

export interface Selection {
  point: number;
  /** For each level the points of the point's ball, of the tree's own partition and of the rotated one; ascending. */
  balls: { ball: Int32Array; rotatedBall: Int32Array }[];
  /** [points] by index: the first level at whose end a point has a way to the selected one, `NEVER` for those without. */
  reachedAt: Uint8Array;
  /** The same in a model with rotation. */
  reachedWithRotationAt: Uint8Array;
}

/** The attention of a node in its ball. */
export interface Attention {
  /** [points] by index: the weight of the node that each point has become; 0 of those outside the ball. */
  weights: Float32Array;
  /** The least and the largest weight in the ball. */
  range: [number, number];
  /** The number of nodes in the ball. */
  nodes: number;
}

/** Which attention: of the level's node that a point has become, in a block of the level. */
export interface AttentionSettings {
  point: number;
  level: number;
  block: number;
  head: number;
  /** The number of blocks at every level. */
  blocks: number;
}

export const NEVER = 255;
