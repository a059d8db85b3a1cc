// A flow over ground: vortices that carry each other along in a wind, and the pressures under them, on a triangulated set of
// points that follows a moving source as the published meshes do.

import Delaunator from "delaunator";
import { Random } from "../../random.ts";

/** The air above the ground: width and height. */
const WIDTH = 6;
const HEIGHT = 3;
/** Time between two frames. */
const FRAME = 1 / 30;
const STEPS_PER_FRAME = 4;
const DENSITY = 1.2;
/** Kinematic viscosity, by which a vortex's core widens: larger than air's, since turbulence mixes. */
const VISCOSITY = 2e-3;

/** Kinds of nodes. */
export const NODE_TYPES = { normal: 0, disabled: 2, inflow: 4, outflow: 5, wall: 6 };

/** A vortex of Lamb and Oseen. Its image under the ground, turning the other way, keeps the flow along the ground. */
export interface Vortex {
  x: number;
  y: number;
  /** Circulation: positive turns counter-clockwise. */
  circulation: number;
  /** Squared radius of its core. */
  core: number;
}

export interface FlowTrajectory {
  nodes: number;
  frames: number;
  /** [frames, nodes, 2] */
  points: Float32Array;
  /** [frames, nodes] velocity along the ground and up, static and dynamic pressure */
  VX: Float32Array;
  VY: Float32Array;
  PS: Float32Array;
  PG: Float32Array;
  /** [frames, nodes] kinds of nodes */
  mask: Int32Array;
  /** [frames, triangles, 3] */
  triangles: Int32Array;
}

/** Velocity at a place of vortices above the ground y = 0 in a wind along it; free of divergence, and along the ground on it. */
export function velocityAt(x: number, y: number, vortices: readonly Vortex[], wind: number): [number, number] {
  let [u, v] = [wind, 0];
  for (const vortex of vortices) {
    for (const side of [1, -1]) {
      const [dx, dy] = [x - vortex.x, y - side * vortex.y];
      const squared = dx * dx + dy * dy;
      // -expm1 keeps its digits near the core, where the quotient goes to 1 / core.
      const around = squared === 0 ? 0 : -Math.expm1(-squared / vortex.core) / squared;
      const strength = (side * vortex.circulation * around) / (2 * Math.PI);
      u -= strength * dy;
      v += strength * dx;
    }
  }
  return [u, v];
}

/** Carries vortices on by a frame, each by the flow of the others (midpoint rule), and widens their cores. */
export function advanceVortices(vortices: Vortex[], wind: number): void {
  const dt = FRAME / STEPS_PER_FRAME;
  for (let step = 0; step < STEPS_PER_FRAME; step++) {
    const half = vortices.map((vortex) => {
      const [u, v] = velocityAt(vortex.x, vortex.y, vortices, wind);
      return { ...vortex, x: vortex.x + (dt / 2) * u, y: vortex.y + (dt / 2) * v };
    });
    vortices.forEach((vortex, i) => {
      const [u, v] = velocityAt(half[i].x, half[i].y, half, wind);
      vortex.x += dt * u;
      vortex.y += dt * v;
      vortex.core += 4 * VISCOSITY * dt;
    });
  }
}

/** How often the points are triangulated anew; between, the triangles move along. */
const FRAMES_PER_MESH = 10;

/** A flow of `frames` frames over about `nodes` points. The same seed and name give the same. */
export function flowTrajectory(nodes: number, frames: number, seed: number, name: string): FlowTrajectory {
  const random = new Random(seed, `eagle ${name}`);
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const wind = between(-0.6, 0.6);
  // Pairs that turn against each other, as jets that meet the ground make them.
  const vortices: Vortex[] = [];
  for (let pair = 0; pair < 3; pair++) {
    const [x, y] = [between(-WIDTH / 3, WIDTH / 3), between(0.5, HEIGHT - 0.6)];
    const [circulation, apart] = [between(4, 9), between(0.3, 0.7)];
    vortices.push({ x: x - apart, y, circulation, core: between(0.02, 0.06) });
    vortices.push({ x: x + apart, y, circulation: -circulation, core: between(0.02, 0.06) });
  }
  const { still, around, types } = placeNodes(nodes, wind, random);
  const count = types.length;
  const [phase, swing] = [2 * Math.PI * random.uniform(), between(0.3, 0.8)];
  const trajectory: FlowTrajectory = {
    nodes: count,
    frames,
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
    // The source swings over the ground, and the points around it with it.
    const source = [swing * Math.sin(2 * frame * FRAME + phase), 1.4 + 0.3 * Math.cos(3 * frame * FRAME + phase)];
    const points = trajectory.points.subarray(2 * frame * count, 2 * (frame + 1) * count);
    points.set(still);
    around.forEach((offset, i) => points.set([source[0] + offset[0], source[1] + offset[1]], still.length + 2 * i));
    for (let node = 0; node < count; node++) {
      const at = frame * count + node;
      const [u, v] = velocityAt(points[2 * node], points[2 * node + 1], vortices, wind);
      const dynamic = 0.5 * DENSITY * (u * u + v * v);
      trajectory.VX[at] = u;
      trajectory.VY[at] = v;
      // Bernoulli's equation, of a flow that hardly changes while a particle passes.
      trajectory.PS[at] = 0.5 * DENSITY * wind * wind - dynamic;
      trajectory.PG[at] = dynamic;
      trajectory.mask[at] = types[node];
    }
    meshes.push(frame % FRAMES_PER_MESH === 0 ? triangulate(points) : meshes[frame - 1]);
    advanceVortices(vortices, wind);
  }
  trajectory.triangles = joinMeshes(meshes);
  return trajectory;
}

interface Nodes {
  /** [nodes that stand still, 2] */
  still: Float32Array;
  /** Of the others, which come after them: places relative to the source. */
  around: [number, number][];
  types: number[];
}

/** Ground and sides first, then points that stand still, then those around the source. */
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
  const moving = Math.round(rest / 3);
  for (let i = 0; i < rest - moving; i++) {
    places.push([WIDTH * (random.uniform() - 0.5), HEIGHT * random.uniform()]);
    types.push(NODE_TYPES.normal);
  }
  const around = Array.from({ length: moving }, (): [number, number] => [
    0.35 * random.normal(),
    Math.max(-0.9, 0.3 * random.normal()),
  ]);
  return { still: Float32Array.from(places.flat()), around, types: [...types, ...around.map(() => NODE_TYPES.normal)] };
}

function triangulate(points: Float32Array): Int32Array {
  return Int32Array.from(new Delaunator(points).triangles);
}

/** Meshes of different sizes as one array: shorter ones repeat their last triangle, which adds no edge. */
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
