// Vortices over ground: the flow that they produce, and how it carries them.

/** The time by which vortices advance in one step, s. */
export const STEP = 1 / 30;
const PARTS_OF_STEP = 2;
/** The kinematic viscosity, which widens the core of a vortex, m^2/s: larger than that of air, because turbulence mixes. */
const VISCOSITY = 5e-3;

/** A Lamb-Oseen vortex. Its image below the ground, which turns the other way, keeps the flow at the ground parallel to it. */
export interface Vortex {
  x: number;
  y: number;
  /** The circulation; a positive one turns counter-clockwise. */
  circulation: number;
  /** The squared radius of the core. */
  core: number;
}

/**
 * Returns the velocity at a position, from vortices above the ground y = 0 and a wind along it. It is free of divergence, and at
 * the ground parallel to it.
 */
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
 * Returns the share of a vortex's circulation within a squared radius, in units of its core's. expm1 keeps the digits near the
 * centre; beyond 40 cores, the share is 1 in double precision.
 */
const within = (squared: number) => (squared > 40 ? 1 : -Math.expm1(-squared));

/** Advances vortices by a step, each by the flow of the others (midpoint rule), and widens their cores. */
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
