// Estimates how much work a dispatch is, from what its kernel is told: constants, parameters and arrays. The unit is about as long
// as a multiply-add of a matrix product takes; how long that is on a device is learned (pacer.ts).

import type { Constants } from "./kernels.ts";

type Parameters = Readonly<Record<string, number>>;

/** A dispatch, as far as its work depends on it. */
export interface Dispatched {
  kernel: string;
  constants: Constants;
  parameters: Parameters;
  /** Workgroups. */
  groups: number;
  /** The bytes of all arrays that it binds. */
  bytes: number;
}

/**
 * An element that is read or written, with the index arithmetic around it. On lavapipe all kernels of a training step then work at
 * 0.2 to 1 times the same rate; GPUs can do 10 to 30 multiply-adds while they load an element.
 */
const ELEMENT = 16;
/** One key of attention for one query: its distance and its exponential, on top of the products with it. */
const PAIR = 16;
/** One channel of a message, which is gathered, activated and normalised. */
const MESSAGE_CHANNEL = 64;

/** Returns the length of the inner dimension of one tile of a matrix product. */
export function innerOf(kernel: string, { width, inner, second_inner, part_rows }: Parameters): number {
  if (kernel === "linear") return inner + second_inner;
  if (kernel === "weight_gradient") return part_rows;
  return width;
}

/** Estimates the work of a dispatch. Kernels without a rule here are bound by memory. */
export function workOf({ kernel, constants, parameters, groups, bytes }: Dispatched): number {
  const { TILE_ROWS, TILE_COLUMNS, THREADS, QUERIES, HEAD_VEC4S, EACH, WIDTH, ROWS } = constants;
  if (TILE_ROWS) return groups * TILE_ROWS * TILE_COLUMNS * innerOf(kernel, parameters);
  if (kernel === "feed_forward") return groups * ROWS * WIDTH * 3 * parameters.hidden_width;
  if (QUERIES) {
    const queries = THREADS * QUERIES;
    // As many blocks of queries as the largest ball has.
    const keys = parameters.query_blocks * queries;
    return groups * queries * keys * (8 * HEAD_VEC4S + PAIR);
  }
  const elements = (bytes / 4) * ELEMENT;
  if (EACH) return elements + parameters.edges * WIDTH * MESSAGE_CHANNEL;
  // multiply_add.wgsl, which measures the peak of arithmetic.
  if (parameters.rounds) return elements + parameters.size * parameters.rounds;
  return elements;
}
