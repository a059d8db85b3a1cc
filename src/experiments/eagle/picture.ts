// Draws a flow: its state at a frame, and the change until the next frame.

import type { GeneratorOptions, SamplePicture } from "../generator.ts";
import { FRAME, flowTrajectory } from "./generate.ts";

/** The velocity at which the colours end, m/s. */
const FAST = 5;
const FAST_CHANGE = 2;

export function eaglePicture({ points, seed }: GeneratorOptions): SamplePicture {
  const { nodes, points: places, VX, VY, triangles } = flowTrajectory(points, 2, seed, "Spl/1/1");
  const first = places.subarray(0, 2 * nodes);
  const mesh = triangles.subarray(0, triangles.length / 2);
  return {
    title: `eagle: from a flow to the flow ${FRAME.toPrecision(1)} s later`,
    explanation: `the wake of a drone over ground: ${nodes} nodes that follow the drone, ${mesh.length / 3} triangles`,
    panels: [
      {
        title: "given: velocity (and pressure)",
        points: first,
        values: VY.subarray(0, nodes),
        scale: { least: -FAST, most: FAST, what: "upward velocity, m/s" },
        triangles: mesh,
        arrows: Float32Array.from({ length: 2 * nodes }, (_, i) => 0.02 * (i % 2 === 0 ? VX : VY)[i >> 1]),
      },
      {
        title: "asked for: its change until the next frame",
        points: first,
        values: Float32Array.from({ length: nodes }, (_, node) => VY[nodes + node] - VY[node]),
        scale: { least: -FAST_CHANGE, most: FAST_CHANGE, what: "change of the upward velocity, m/s" },
        triangles: mesh,
      },
    ],
  };
}
