// Shows a selected point: what it sees at each level, in colours and as data for scripts.

import { type Colour, colourAt } from "../../drawing/colours.ts";
import { type Attention, NEVER, type Selection } from "./protocol.ts";

/** The colours of points by the level at which they are first seen: 0, 1, 2, ... */
export const levelColours: readonly Colour[] = [
  [255, 205, 84],
  [255, 134, 82],
  [231, 76, 122],
  [165, 84, 224],
  [86, 110, 245],
  [54, 178, 205],
];
const UNSEEN: Colour = [128, 138, 158];

/**
 * Returns the colours of a receptive field, in the drawing's order; the fourth channel is 0 for points that are not seen, which fade.
 * @param reachedAt [points] the level at which each point is first seen
 * @param level the last level that is shown
 */
export function selectionColours(reachedAt: Uint8Array, level: number, order: Int32Array): Uint8Array<ArrayBuffer> {
  const colours = new Uint8Array(4 * order.length);
  for (let place = 0; place < order.length; place++) {
    const at = reachedAt[order[place]];
    const seen = at <= level;
    const colour = seen ? levelColours[at] : UNSEEN;
    colours[4 * place] = colour[0];
    colours[4 * place + 1] = colour[1];
    colours[4 * place + 2] = colour[2];
    colours[4 * place + 3] = seen ? 255 : 0;
  }
  return colours;
}

/** Returns the colours of attention, in the drawing's order: from the least weight in the ball to the largest; other points fade. */
export function attentionColours(
  { weights, range: [low, high] }: Attention,
  order: Int32Array,
): Uint8Array<ArrayBuffer> {
  const colours = new Uint8Array(4 * order.length);
  for (let place = 0; place < order.length; place++) {
    const weight = weights[order[place]];
    const [red, green, blue] = weight > 0 ? colourAt((weight - low) / (high - low || 1)) : UNSEEN;
    colours.set([red, green, blue, weight > 0 ? 255 : 0], 4 * place);
  }
  return colours;
}

/** Returns the number of points that are seen by the end of each level. */
export function seenByLevel(reachedAt: Uint8Array, levels: number): number[] {
  const first = new Float64Array(NEVER + 1);
  for (const level of reachedAt) first[level]++;
  let seen = 0;
  return Array.from({ length: levels }, (_, level) => (seen += first[level]));
}

/** One level of a selected point as scripts see it: indices of points, ascending. */
export interface SelectedLevel {
  /** The points in the selected point's ball, in the tree's own partition and in the rotated one. */
  ball: number[];
  rotatedBall: number[];
  /** The points that can affect the selected point by the end of the level, without and with rotated blocks. */
  receptiveField: number[];
  receptiveFieldWithRotation: number[];
}

/** The lists are made on demand, because they are long for a cloud of a million points. */
export function selectedForScripts(selection: Selection): { point: number; levels: SelectedLevel[] } {
  const { point, balls, reachedAt, reachedWithRotationAt } = selection;
  const seen = (reached: Uint8Array, level: number) => {
    const points: number[] = [];
    reached.forEach((at, other) => {
      if (at <= level) points.push(other);
    });
    return points;
  };
  const levels = balls.map(({ ball, rotatedBall }, level) => ({
    get ball() {
      return Array.from(ball);
    },
    get rotatedBall() {
      return Array.from(rotatedBall);
    },
    get receptiveField() {
      return seen(reachedAt, level);
    },
    get receptiveFieldWithRotation() {
      return seen(reachedWithRotationAt, level);
    },
  }));
  return { point, levels };
}
