// Colours points on a stage by their values.

import { type Colour, colourAt } from "../../../drawing/colours.ts";

/** The least and the largest value; of no values, the empty range, whose least is above its largest. */
export type Range = [low: number, high: number];

/** Returns the values of a field; of a field with several channels, the length of the vector. */
export function magnitudes({ data, channels }: { data: ArrayLike<number>; channels: number }): ArrayLike<number> {
  if (channels === 1) return data;
  const lengths = new Float32Array(data.length / channels);
  for (let point = 0; point < lengths.length; point++) {
    let squared = 0;
    for (let channel = 0; channel < channels; channel++) squared += data[point * channels + channel] ** 2;
    lengths[point] = Math.sqrt(squared);
  }
  return lengths;
}

/** Returns the range of the finite values, which is empty if there is none. */
export function rangeOf(values: ArrayLike<number>): Range {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return [low, high];
}

/** The colour of what has no value: a grey, which the scale has not and the grounds of both themes set off. */
export const NO_VALUE: Colour = [136, 136, 136];

/** Whether some values are missing, which is NaN in their place. */
export function hasGaps(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
  return false;
}

const STEPS = 255;
const scale = Array.from({ length: STEPS + 1 }, (_, step) => colourAt(step / STEPS));

/** Returns the colour of each value: on the scale from one end of the range to the other, or that of no value. */
export function colourOfEach(values: ArrayLike<number>, range: Range): (index: number) => Colour {
  // On no scale infinite numbers, which then are all there are, have the colours of its ends.
  const [low, high] = range[0] <= range[1] ? range : [0, 1];
  return (index) => {
    const share = (values[index] - low) / (high - low || 1);
    return Number.isNaN(values[index]) ? NO_VALUE : scale[Math.max(0, Math.min(STEPS, Math.round(STEPS * share)))];
  };
}

/**
 * Returns colours in the drawing's order, fully emphasised.
 * @param order [points] the point at each place in the drawing
 * @returns [points, 4]
 */
export function paint(order: ArrayLike<number>, colourOf: (point: number) => Colour): Uint8Array<ArrayBuffer> {
  const colours = new Uint8Array(4 * order.length);
  for (let place = 0; place < order.length; place++) {
    const colour = colourOf(order[place]);
    colours[4 * place] = colour[0];
    colours[4 * place + 1] = colour[1];
    colours[4 * place + 2] = colour[2];
    colours[4 * place + 3] = 255;
  }
  return colours;
}
