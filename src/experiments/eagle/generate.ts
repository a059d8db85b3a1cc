// Generates a flow over ground: the wake of a drone and the pressures in it, on a triangulated set of points that follows the
// drone, like the published meshes.

import Delaunator from "delaunator";
import { Random } from "../../random.ts";
import { NODE_TYPES } from "./trajectories.ts";
import { STEP, velocityAt } from "./vortices.ts";
import { Wake } from "./wake.ts";

/** The size of the air above the ground: width and height, m. */
const WIDTH = 5;
const HEIGHT = 2.5;
const DENSITY = 1.2;

export interface FlowTrajectory {
  nodes: number;
  /** [frames, nodes, 2] */
  points: Float32Array;
  /** [frames, nodes] velocity along the ground and upwards, static and dynamic pressure */
  VX: Float32Array;
  VY: Float32Array;
  PS: Float32Array;
  PG: Float32Array;
  /** [frames, nodes] the types of the nodes */
  mask: Int32Array;
  /** [frames, triangles, 3] */
  triangles: Int32Array;
}

const STEPS_PER_FRAME = 3;
/**
 * The time between two frames, s: three times that of the published flows. In a third of this time, vortices would move by less
 * than the distance between nodes, and hundreds of training steps would learn little more than that nothing changes.
 */
export const FRAME = STEPS_PER_FRAME * STEP;
/** The number of frames after which the points are triangulated again; in between, the triangles move along. */
const FRAMES_PER_MESH = 3;

/** Generates a flow of `frames` frames over about `nodes` points. The same seed and name give the same flow. */
export function flowTrajectory(nodes: number, frames: number, seed: number, name: string): FlowTrajectory {
  const random = new Random(seed, `eagle ${name}`);
  const wind = 0.5 * (2 * random.uniform() - 1);
  const wake = new Wake(wind, random);
  const { still, around, types } = placeNodes(nodes, wind, random);
  const count = types.length;
  const trajectory: FlowTrajectory = {
    nodes: count,
    points: new Float32Array(2 * frames * count),
    VX: new Float32Array(frames * count),
    VY: new Float32Array(frames * count),
    PS: new Float32Array(frames * count),
    PG: new Float32Array(frames * count),
    mask: new Int32Array(frames * count),
    triangles: new Int32Array(),
  };
  const meshes: Int32Array[] = [];
  for (let frame = 0; frame < frames; frame++) {
    const [x, y] = wake.drone;
    const { vortices } = wake;
    const points = trajectory.points.subarray(2 * frame * count, 2 * (frame + 1) * count);
    points.set(still);
    around.forEach((offset, i) => points.set([x + offset[0], y + offset[1]], still.length + 2 * i));
    for (let node = 0; node < count; node++) {
      const at = frame * count + node;
      const [u, v] = velocityAt(points[2 * node], points[2 * node + 1], vortices, wind);
      const dynamic = 0.5 * DENSITY * (u * u + v * v);
      trajectory.VX[at] = u;
      trajectory.VY[at] = v;
      // Bernoulli's equation, as if the flow were stationary.
      trajectory.PS[at] = 0.5 * DENSITY * wind * wind - dynamic;
      trajectory.PG[at] = dynamic;
      trajectory.mask[at] = types[node];
    }
    meshes.push(frame % FRAMES_PER_MESH === 0 ? triangulate(points) : meshes[frame - 1]);
    for (let step = 0; step < STEPS_PER_FRAME; step++) wake.advance();
  }
  trajectory.triangles = joinMeshes(meshes);
  return trajectory;
}

interface Nodes {
  /** [nodes that do not move, 2] */
  still: Float32Array;
  /** The other nodes, which come after these: their positions relative to the drone. */
  around: [number, number][];
  types: number[];
}

/** Places nodes on the ground and the sides first, then nodes that do not move, then about as many around and below the drone. */
function placeNodes(nodes: number, wind: number, random: Random): Nodes {
  const along = Math.max(6, Math.round(Math.sqrt(nodes)));
  const up = Math.max(3, Math.round((along * HEIGHT) / WIDTH));
  const places: [number, number][] = [];
  const types: number[] = [];
  for (let i = 0; i < along; i++) {
    places.push([WIDTH * ((i + 0.5) / along - 0.5), 0]);
    types.push(NODE_TYPES.wall);
  }
  const [left, right] = wind >= 0 ? [NODE_TYPES.inflow, NODE_TYPES.outflow] : [NODE_TYPES.outflow, NODE_TYPES.inflow];
  for (let j = 0; j < up; j++) {
    const height = (HEIGHT * (j + 0.5)) / up;
    places.push([-WIDTH / 2, height], [WIDTH / 2, height]);
    types.push(left, right);
  }
  const rest = Math.max(0, nodes - places.length);
  const moving = Math.round(rest / 2);
  const even = evenPlaces(random);
  for (let i = 0; i < rest - moving; i++) {
    const [a, b] = even();
    places.push([WIDTH * (a - 0.5), HEIGHT * b]);
    types.push(NODE_TYPES.normal);
  }
  const around = Array.from({ length: moving }, (): [number, number] => {
    const [a, b] = even();
    // The nodes fill an ellipse over the wake that never reaches the ground, and are denser in its centre.
    const [distance, angle] = [0.8 * a ** 0.7, 2 * Math.PI * b];
    return [1.2 * distance * Math.cos(angle), -0.1 + distance * Math.sin(angle)];
  });
  return { still: Float32Array.from(places.flat()), around, types: [...types, ...around.map(() => NODE_TYPES.normal)] };
}

/** Returns positions in the unit square, each far from the previous ones (Roberts 2018: the plane's golden ratio). */
function evenPlaces(random: Random): () => [number, number] {
  const ratio = 1.32471795724474602596;
  let [a, b] = [random.uniform(), random.uniform()];
  return () => {
    [a, b] = [(a + 1 / ratio) % 1, (b + 1 / ratio ** 2) % 1];
    return [a, b];
  };
}

function triangulate(points: Float32Array): Int32Array {
  return Int32Array.from(new Delaunator(points).triangles);
}

/** Joins meshes of different sizes into one array: shorter ones repeat their last triangle, which adds no edge. */
function joinMeshes(meshes: readonly Int32Array[]): Int32Array {
  const length = Math.max(...meshes.map((mesh) => mesh.length));
  const joined = new Int32Array(length * meshes.length);
  meshes.forEach((mesh, frame) => {
    for (let at = 0; at < length; at += 3) joined.set(mesh.subarray(...triangleAt(mesh, at)), frame * length + at);
  });
  return joined;
}

const triangleAt = (mesh: Int32Array, at: number): [number, number] =>
  at < mesh.length ? [at, at + 3] : [mesh.length - 3, mesh.length];
