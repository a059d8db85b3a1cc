// A picture of a polymer: the last velocities that a model sees, and the accelerations that it has to predict.

import type { GeneratorOptions, SamplePicture } from "../generator.ts";
import { DIMENSIONS } from "../space.ts";
import { chainTrajectory } from "./generate.ts";

const FRAMES = 3;

export function mdPicture({ points, seed }: GeneratorOptions): SamplePicture {
  const { beads, positions, types, bonds } = chainTrajectory(points, FRAMES, seed, "class1-00001");
  const at = (frame: number, bead: number, axis: number) => positions[(frame * beads + bead) * DIMENSIONS + axis];
  const velocity = (frame: number, bead: number, axis: number) => at(frame + 1, bead, axis) - at(frame, bead, axis);
  const flat = (value: (bead: number, axis: number) => number) =>
    Float32Array.from({ length: 2 * beads }, (_, i) => value(i >> 1, i & 1));
  const places = flat((bead, axis) => at(1, bead, axis));
  return {
    title: "md: from the last velocities of a polymer's beads to their acceleration",
    explanation: `a chain of ${beads} beads; a bead moves by about 1.3 from one frame to the next`,
    panels: [
      {
        title: "given: velocities (here the last of 15) and kinds of beads",
        points: places,
        values: Float32Array.from(types),
        scale: { least: 0, most: 3, what: "kind of bead" },
        arrows: flat((bead, axis) => velocity(0, bead, axis)),
        lines: bonds,
      },
      {
        title: "asked for: accelerations",
        points: places,
        values: Float32Array.from({ length: beads }, (_, bead) => velocity(1, bead, 2) - velocity(0, bead, 2)),
        scale: { least: -3, most: 3, what: "acceleration towards the viewer" },
        arrows: flat((bead, axis) => velocity(1, bead, axis) - velocity(0, bead, axis)),
        lines: bonds,
      },
    ],
  };
}
