// A picture of halos in a slice of the box: their positions, and their velocities as arrows.

import type { GeneratorOptions, SamplePicture } from "../generator.ts";
import { BOX, haloCatalogue } from "./generate.ts";

/** The thickness of the slice, Mpc/h. */
const SLICE = 400;
/** The length of an arrow, Mpc/h, for a velocity of 1 km/s. */
const ARROW = 0.07;
/** The velocities at the ends of the colour scale, km/s. */
const FAST = 700;

export function cosmologyPicture({ points, seed }: GeneratorOptions): SamplePicture {
  const { x, y, z, v_x, v_y } = haloCatalogue(points, seed, 0);
  const seen = [...z.keys()].filter((halo) => z[halo] < SLICE);
  const pairs = (first: Float32Array, second: Float32Array, scale = 1) =>
    Float32Array.from(seen.flatMap((halo) => [scale * first[halo], scale * second[halo]]));
  const places = pairs(x, y);
  const column = (values: Float32Array) => Float32Array.from(seen, (halo) => values[halo]);
  return {
    title: "cosmology: from where halos are to how they move",
    explanation: `${seen.length} of ${points} halos: a slice of ${SLICE} out of a periodic box of ${BOX} Mpc/h`,
    panels: [
      {
        title: "given: positions",
        points: places,
        values: column(z),
        scale: { least: 0, most: SLICE, what: "depth, Mpc/h" },
      },
      {
        title: "asked for: velocities",
        points: places,
        values: column(v_x),
        scale: { least: -FAST, most: FAST, what: "velocity to the right, km/s" },
        arrows: pairs(v_x, v_y, ARROW),
      },
    ],
  };
}
