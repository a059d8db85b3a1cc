// Vortices over ground: the flow that they make, and how it carries them.

/** Time by which vortices go on at once, s. */
export const STEP = 1 / 30;
const PARTS_OF_STEP = 2;
/** Kinematic viscosity, by which a vortex's core widens, m^2/s: larger than air's, since turbulence mixes. */
const VISCOSITY = 5e-3;

/** A vortex of Lamb and Oseen. Its image under the ground, turning the other way, keeps the flow along the ground. */
export interface Vortex {
  x: number;
  y: number;
  /** Circulation: positive turns counter-clockwise. */
  circulation: number;
  /** Squared radius of its core. */
  core: number;
}

/** Velocity at a place of vortices above the ground y = 0 in a wind along it; free of divergence, and along the ground on it. */
export function velocityAt(x: number, y: number, vortices: readonly Vortex[], wind: number): [number, number] {
  let u = wind;
  let v = 0;
  for (const vortex of vortices) {
    const dx = x - vortex.x;
    for (let side = 1; side >= -1; side -= 2) {
      const dy = y - side * vortex.y;
      const squared = dx * dx + dy * dy;
      const around = squared === 0 ? 0 : within(squared / vortex.core) / squared;
      const strength = (side * vortex.circulation * around) / (2 * Math.PI);
      u -= strength * dy;
      v += strength * dx;
    }
  }
  return [u, v];
}

/**
 * The share of a vortex's circulation within a squared radius, in units of its core's. expm1 keeps its digits near the centre;
 * beyond 40 cores nothing of a double's digits is missing from 1.
 */
const within = (squared: number) => (squared > 40 ? 1 : -Math.expm1(-squared));

/** Carries vortices on by a step, each by the flow of the others (midpoint rule), and widens their cores. */
export function advanceVortices(vortices: Vortex[], wind: number): void {
  const dt = STEP / PARTS_OF_STEP;
  for (let part = 0; part < PARTS_OF_STEP; part++) {
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
