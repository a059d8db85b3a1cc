// Generates a polymer in a solvent: beads on springs with a soft mutual repulsion, and a thermostat that shakes and slows them.

import { Random } from "../../random.ts";
import { DIMENSIONS } from "../space.ts";
import { BEAD_TYPES } from "./trajectories.ts";

/** The length of a spring at rest and its stiffness; beads have a mass of 1, frames are 1 apart. */
const BOND = 4;
const STIFFNESS = 10;
/** The radii of beads by their types: two beads repel each other within the sum of their radii; and the force at distance 0. */
const RADII = [1.5, 1.75, 2, 2.25];
const REPULSION = 8;
/** The thermostat's energy per degree of freedom, and the rate at which the solvent slows a bead. */
const TEMPERATURE = 2.2;
const FRICTION = 1;
const STEPS_PER_FRAME = 20;
/** The number of frames before the first that is kept, in which the chain takes its own shape. */
const WARM_UP = 50;

export interface ChainTrajectory {
  beads: number;
  /** [frames, beads, 3] */
  positions: Float32Array;
  /** [beads] 0 to 3 */
  types: Int32Array;
  /** [bonds, 2], each bond once */
  bonds: Int32Array;
  /** [frames] radius of gyration */
  radii: Float32Array;
}

/** Computes the forces of springs and repulsion on all beads, and returns their potential energy. */
export function chainForces(
  positions: Float64Array,
  types: ArrayLike<number>,
  forces: Float64Array,
): { energy: number } {
  const beads = types.length;
  forces.fill(0);
  let energy = 0;
  for (let i = 0; i < beads; i++) {
    for (let j = i + 1; j < beads; j++) {
      const [a, b] = [DIMENSIONS * i, DIMENSIONS * j];
      const x = positions[b] - positions[a];
      const y = positions[b + 1] - positions[a + 1];
      const z = positions[b + 2] - positions[a + 2];
      const distance = Math.sqrt(x * x + y * y + z * z);
      // The force along the line from i to j, positive if it pulls them together.
      let pull = 0;
      if (j === i + 1) {
        pull += STIFFNESS * (distance - BOND);
        energy += 0.5 * STIFFNESS * (distance - BOND) ** 2;
      }
      const reach = RADII[types[i]] + RADII[types[j]];
      if (distance < reach) {
        pull -= REPULSION * (1 - distance / reach);
        energy += 0.5 * REPULSION * reach * (1 - distance / reach) ** 2;
      }
      if (pull === 0 || distance === 0) continue;
      const along = pull / distance;
      forces[a] += along * x;
      forces[a + 1] += along * y;
      forces[a + 2] += along * z;
      forces[b] -= along * x;
      forces[b + 1] -= along * y;
      forces[b + 2] -= along * z;
    }
  }
  return { energy };
}

/**
 * Advances a chain by one frame: velocity Verlet, with an exact step of the thermostat between its halves (BAOAB, Leimkuhler and
 * Matthews 2013).
 */
export function advanceChain(
  positions: Float64Array,
  velocities: Float64Array,
  forces: Float64Array,
  types: ArrayLike<number>,
  random: Random,
  { friction = FRICTION, steps = STEPS_PER_FRAME } = {},
): void {
  const dt = 1 / steps;
  const kept = Math.exp(-friction * dt);
  const shaken = Math.sqrt(TEMPERATURE * (1 - kept * kept));
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < positions.length; i++) {
      velocities[i] += 0.5 * dt * forces[i];
      positions[i] += 0.5 * dt * velocities[i];
      velocities[i] = kept * velocities[i] + shaken * random.normal();
      positions[i] += 0.5 * dt * velocities[i];
    }
    chainForces(positions, types, forces);
    for (let i = 0; i < positions.length; i++) velocities[i] += 0.5 * dt * forces[i];
  }
}

/** Generates the trajectory of a chain over `frames` frames. The same seed and name give the same trajectory. */
export function chainTrajectory(beads: number, frames: number, seed: number, name: string): ChainTrajectory {
  const random = new Random(seed, `md ${name}`);
  const types = Int32Array.from({ length: beads }, () => Math.floor(random.uniform() * BEAD_TYPES));
  const positions = randomWalk(beads, random);
  const velocities = new Float64Array(positions.length).map(() => Math.sqrt(TEMPERATURE) * random.normal());
  const forces = new Float64Array(positions.length);
  chainForces(positions, types, forces);
  const kept = new Float32Array(frames * positions.length);
  const radii = new Float32Array(frames);
  for (let frame = -WARM_UP; frame < frames; frame++) {
    advanceChain(positions, velocities, forces, types, random);
    if (frame < 0) continue;
    kept.set(positions, frame * positions.length);
    radii[frame] = radiusOfGyration(positions);
  }
  const bonds = Int32Array.from({ length: 2 * (beads - 1) }, (_, i) => (i >> 1) + (i & 1));
  return { beads, positions: kept, types, bonds, radii };
}

function randomWalk(beads: number, random: Random): Float64Array {
  const positions = new Float64Array(DIMENSIONS * beads);
  for (let bead = 1; bead < beads; bead++) {
    const step = [random.normal(), random.normal(), random.normal()];
    const length = Math.hypot(...step);
    for (let axis = 0; axis < DIMENSIONS; axis++) {
      positions[DIMENSIONS * bead + axis] = positions[DIMENSIONS * (bead - 1) + axis] + (BOND * step[axis]) / length;
    }
  }
  return positions;
}

function radiusOfGyration(positions: Float64Array): number {
  const beads = positions.length / DIMENSIONS;
  let squared = 0;
  for (let axis = 0; axis < DIMENSIONS; axis++) {
    let sum = 0;
    let squares = 0;
    for (let i = axis; i < positions.length; i += DIMENSIONS) {
      sum += positions[i];
      squares += positions[i] ** 2;
    }
    squared += squares / beads - (sum / beads) ** 2;
  }
  return Math.sqrt(squared);
}
