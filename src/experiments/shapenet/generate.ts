// Generates bodies in a wind: ellipsoids about the size of a car, with the pressure of the potential flow around them, which is
// known exactly (Lamb, Hydrodynamics, article 114).

import { Random } from "../../random.ts";

/** Half the air's density times the square of the wind's speed, Pa; the speed is 20 m/s, as for the published cars. */
const DYNAMIC_PRESSURE = 0.5 * 1.2 * 20 ** 2;
/** The number of steps in the numerical integral for the flow around an ellipsoid. */
const INTEGRAL_STEPS = 400;

export interface Body {
  /** [points, 3], metres: x across, y up, z along the wind. */
  points: Float32Array;
  /** [quads, 4] */
  quads: Int32Array;
  /** [points], Pa */
  pressure: Float32Array;
}

/**
 * Returns the ratio of the flow's speed at the widest part of an ellipsoid to the wind's, along each of its axes: 1.5 for a sphere.
 * With alpha_a = (a b c) int_0^inf ds / ((a^2 + s) sqrt((a^2 + s)(b^2 + s)(c^2 + s))) it is 2 / (2 - alpha_a).
 */
export function surfaceSpeeds(axes: readonly number[]): number[] {
  const product = axes[0] * axes[1] * axes[2];
  const scale = Math.cbrt(product) ** 2;
  return axes.map((axis) => {
    let sum = 0;
    for (let i = 0; i < INTEGRAL_STEPS; i++) {
      // s = scale (t / (1 - t))^2 takes 0 <= s < infinity into 0 <= t < 1, with an integrand that is smooth at both ends.
      const t = (i + 0.5) / INTEGRAL_STEPS;
      const s = scale * (t / (1 - t)) ** 2;
      const slope = (2 * scale * t) / (1 - t) ** 3;
      sum += slope / ((axis * axis + s) * Math.sqrt(axes.reduce((root, other) => root * (other * other + s), 1)));
    }
    return 2 / (2 - (product * sum) / INTEGRAL_STEPS);
  });
}

/**
 * Returns the pressure coefficient 1 - |v|^2 / U^2 at a point of an ellipsoid's surface. The potential on the surface is linear, so
 * the flow is the tangential part of one vector: the wind's components, each multiplied by the axis's surface speed.
 * @param point in the coordinates of the ellipsoid's axes
 * @param wind a unit vector in the same coordinates
 */
export function pressureCoefficient(
  point: readonly number[],
  axes: readonly number[],
  wind: readonly number[],
  speeds = surfaceSpeeds(axes),
): number {
  const normal = point.map((coordinate, axis) => coordinate / axes[axis] ** 2);
  const length = Math.hypot(...normal);
  const flow = wind.map((part, axis) => speeds[axis] * part);
  const through = flow.reduce((sum, part, axis) => sum + (part * normal[axis]) / length, 0);
  const squared = flow.reduce((sum, part, axis) => sum + (part - (through * normal[axis]) / length) ** 2, 0);
  return 1 - squared;
}

/** Generates a body of about `points` points. The same seed and index give the same body. */
export function carBody(points: number, seed: number, index: number): Body {
  const random = new Random(seed, `shapenet ${index}`);
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  // Half a car's width, height and length. The body is slightly rotated against the wind, which blows towards -z.
  const axes = [between(0.75, 1.1), between(0.55, 0.95), between(1.7, 2.6)];
  const [yaw, pitch] = [between(-0.25, 0.25), between(-0.12, 0.12)];
  const [sinYaw, cosYaw, sinPitch, cosPitch] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
  /** Rotates from the body's axes to the world's: pitch about x, then yaw about y. */
  const turn = ([x, y, z]: readonly number[]) => {
    const [u, v, w] = [x, cosPitch * y - sinPitch * z, sinPitch * y + cosPitch * z];
    return [cosYaw * u + sinYaw * w, v, -sinYaw * u + cosYaw * w];
  };
  // The wind (0, 0, -1) in the body's axes, by the inverse rotation.
  const wind = [sinYaw, -sinPitch * cosYaw, -cosPitch * cosYaw];
  const speeds = surfaceSpeeds(axes);
  const rows = Math.max(4, Math.round(Math.sqrt(points / 2)));
  const columns = Math.max(4, Math.round(points / rows));
  const positions = new Float32Array(3 * rows * columns);
  const pressure = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    // Rings around the long axis, with none at the very ends, because quads need four corners.
    const angle = (Math.PI * (row + 0.5)) / rows;
    for (let column = 0; column < columns; column++) {
      const around = (2 * Math.PI * (column + 0.5 * (row % 2))) / columns;
      const point = [
        axes[0] * Math.sin(angle) * Math.cos(around),
        axes[1] * Math.sin(angle) * Math.sin(around),
        axes[2] * Math.cos(angle),
      ];
      const at = row * columns + column;
      const [x, y, z] = turn(point);
      // The published cars stand on the ground at y = 0.
      positions.set([x, y + axes[1] + 0.2, z], 3 * at);
      pressure[at] = DYNAMIC_PRESSURE * pressureCoefficient(point, axes, wind, speeds);
    }
  }
  const quads = new Int32Array(4 * (rows - 1) * columns);
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const next = (column + 1) % columns;
      const [here, ahead] = [row * columns, (row + 1) * columns];
      quads.set([here + column, here + next, ahead + next, ahead + column], 4 * (row * columns + column));
    }
  }
  return { points: positions, quads, pressure };
}
