// Colours for drawings: one for each ball, and scales for numbers.

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number];

/** Well separated hues, of similar lightness on a dark background. */
export const palette: readonly Colour[] = [
  [244, 105, 92],
  [255, 178, 71],
  [247, 222, 98],
  [139, 211, 99],
  [62, 192, 147],
  [74, 205, 226],
  [88, 144, 250],
  [158, 121, 246],
  [236, 117, 205],
  [197, 160, 128],
];

/** The number of previous balls that a ball is compared with: balls that are near in space are mostly near in the tree's order. */
const MAX_COMPARED = 2048;

/**
 * Chooses a palette entry for each ball: the colour whose nearest ball is farthest away, so that balls of one colour lie far apart.
 * @param ballOf [n] the ball of each point, counted from 0
 * @param positions [n, 3]
 * @returns [balls] indices into `palette`
 */
export function chooseColours(ballOf: Int32Array, positions: Float32Array): Uint8Array {
  const centres = ballCentres(ballOf, positions);
  const balls = centres.length / 3;
  const colours = new Uint8Array(balls);
  const uses = palette.map(() => 0);
  const nearest = new Float64Array(palette.length);
  for (let ball = 0; ball < balls; ball++) {
    nearest.fill(Number.POSITIVE_INFINITY);
    for (let other = Math.max(0, ball - MAX_COMPARED); other < ball; other++) {
      const x = centres[3 * ball] - centres[3 * other];
      const y = centres[3 * ball + 1] - centres[3 * other + 1];
      const z = centres[3 * ball + 2] - centres[3 * other + 2];
      const squared = x * x + y * y + z * z;
      if (squared < nearest[colours[other]]) nearest[colours[other]] = squared;
    }
    let best = 0;
    for (let colour = 1; colour < palette.length; colour++) {
      if (nearest[colour] > nearest[best] || (nearest[colour] === nearest[best] && uses[colour] < uses[best]))
        best = colour;
    }
    uses[best]++;
    colours[ball] = best;
  }
  return colours;
}

/**
 * Returns the mean of each ball's points.
 * @param positions [n, 3]
 * @returns [balls, 3]
 */
export function ballCentres(ballOf: Int32Array, positions: Float32Array): Float64Array {
  let balls = 0;
  for (const ball of ballOf) balls = Math.max(balls, ball + 1);
  const centres = new Float64Array(3 * balls);
  const counts = new Float64Array(balls);
  for (let i = 0; i < ballOf.length; i++) {
    counts[ballOf[i]]++;
    for (let d = 0; d < 3; d++) centres[3 * ballOf[i] + d] += positions[3 * i + d];
  }
  for (let at = 0; at < centres.length; at++) centres[at] /= counts[Math.floor(at / 3)] || 1;
  return centres;
}

/** Dark blue through green to yellow (viridis, by van der Walt and Smith): even steps, which colour-blind readers can distinguish. */
const scale: readonly Colour[] = [
  [72, 40, 140],
  [62, 83, 160],
  [45, 118, 168],
  [33, 152, 157],
  [45, 183, 138],
  [115, 208, 85],
  [190, 223, 55],
  [253, 231, 76],
];

/** Returns the scale's colour at a share between 0 and 1. Below 0 (or for NaN) and above 1 it is the colour of the nearer end. */
export function colourAt(share: number, stops: readonly Colour[] = scale): Colour {
  const at = Math.max(0, Math.min(1, share || 0)) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(at));
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(stops[below][channel] + (stops[below + 1][channel] - stops[below][channel]) * (at - below));
  return [mix(0), mix(1), mix(2)];
}

/** Formats a colour as markup does: "#5aa9ff". */
export const hexOf = (colour: readonly number[]): string =>
  `#${colour.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
