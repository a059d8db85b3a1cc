// The colours of points on a stage, by numbers of theirs.

import { type Colour, colourAt } from "../../../drawing/colours.ts";

/** From the least to the largest number. */
export type Range = [low: number, high: number];

/** A field of several channels is shown by its length. */
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

/** Numbers that are not finite do not count. */
export function rangeOf(values: ArrayLike<number>): Range {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return low <= high ? [low, high] : [0, 0];
}

const STEPS = 255;
const scale = Array.from({ length: STEPS + 1 }, (_, step) => colourAt(step / STEPS));

/** The colour of each of some numbers, on the scale from the range's one end to its other. */
export function colourOfEach(values: ArrayLike<number>, [low, high]: Range): (index: number) => Colour {
  return (index) =>
    scale[Math.max(0, Math.min(STEPS, Math.round((STEPS * (values[index] - low)) / (high - low || 1)))) || 0];
}

/**
 * Colours in the order of drawing, fully emphasised.
 * @param order [points] the point at each place
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
