// Generated data obeys the physics it claims to.
import { describe, expect, it } from "vitest";
import { correlation, densityField, haloCatalogue } from "../../src/experiments/cosmology/generate.ts";
import { flowTrajectory } from "../../src/experiments/eagle/generate.ts";
import { advanceVortices, STEP, type Vortex, velocityAt } from "../../src/experiments/eagle/vortices.ts";
import { advanceChain, chainForces, chainTrajectory } from "../../src/experiments/md/generate.ts";
import { carBody, pressureCoefficient, surfaceSpeeds } from "../../src/experiments/shapenet/generate.ts";
import { Random } from "../../src/random.ts";

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: ArrayLike<number>) => {
  const middle = mean(values);
  return Math.sqrt(mean(Array.from(values, (value) => (value - middle) ** 2)));
};

describe("cosmology", () => {
  it("displaces matter out of where it is thin: density is minus the divergence of the displacement", () => {
    const field = densityField(new Random(3));
    const step = 0.5;
    for (const [x, y, z] of [
      [10, 20, 30],
      [999, 500, 1],
      [333, 777, 555],
    ]) {
      const along = (axis: number, sign: number) => {
        const place = [x, y, z];
        place[axis] += sign * step;
        return field.displacement(place[0], place[1], place[2])[axis];
      };
      const divergence = [0, 1, 2].reduce((sum, axis) => sum + (along(axis, 1) - along(axis, -1)) / (2 * step), 0);
      expect(divergence).toBeCloseTo(-field.density(x, y, z), 4);
      // The box is periodic: opposite sides are the same place.
      expect(field.density(x + 1000, y - 1000, z)).toBeCloseTo(field.density(x, y, z), 6);
    }
  });

  it("gives catalogues as published: sorted by mass, in the box, as fast, and clustered", () => {
    const halos = haloCatalogue(3000, 1, 0);
    expect([...halos.M200c]).toEqual([...halos.M200c].sort((a, b) => b - a));
    for (const axis of ["x", "y", "z"]) {
      expect(Math.min(...halos[axis])).toBeGreaterThanOrEqual(0);
      expect(Math.max(...halos[axis])).toBeLessThanOrEqual(1000);
      expect(deviation(halos[`v_${axis}`])).toBeGreaterThan(200);
      expect(deviation(halos[`v_${axis}`])).toBeLessThan(500);
    }
    expect(halos.tpcf.length).toBe(24);
    expect(mean(halos.tpcf.subarray(4, 12)), "halos lie together").toBeGreaterThan(0.1);
    expect(haloCatalogue(100, 1, 7)).toEqual(haloCatalogue(100, 1, 7));
    expect(haloCatalogue(100, 1, 7).x).not.toEqual(haloCatalogue(100, 1, 8).x);
  });

  it("finds no correlation in a uniform cloud", () => {
    const random = new Random(5);
    const axis = () => Float32Array.from({ length: 3000 }, () => 1000 * random.uniform());
    expect(Math.abs(mean(correlation(axis(), axis(), axis()).subarray(8)))).toBeLessThan(0.05);
  });
});

describe("md", () => {
  it("takes its forces from its energy", () => {
    const chain = chainTrajectory(12, 1, 4, "chain");
    const positions = Float64Array.from(chain.positions);
    const forces = new Float64Array(positions.length);
    chainForces(positions, chain.types, forces);
    const scratch = new Float64Array(positions.length);
    for (let i = 0; i < positions.length; i++) {
      const energyAt = (shift: number) => {
        const moved = positions.slice();
        moved[i] += shift;
        return chainForces(moved, chain.types, scratch).energy;
      };
      expect(forces[i]).toBeCloseTo(-(energyAt(1e-5) - energyAt(-1e-5)) / 2e-5, 4);
    }
    for (let axis = 0; axis < 3; axis++) {
      expect(mean(forces.filter((_, i) => i % 3 === axis))).toBeCloseTo(0, 10);
    }
  });

  it("keeps its energy without a thermostat", () => {
    const chain = chainTrajectory(16, 1, 4, "chain");
    const positions = Float64Array.from(chain.positions);
    const random = new Random(1);
    const velocities = positions.map(() => random.normal());
    const forces = new Float64Array(positions.length);
    const energy = () => {
      const { energy } = chainForces(positions, chain.types, forces);
      return energy + velocities.reduce((sum, v) => sum + 0.5 * v * v, 0);
    };
    const before = energy();
    for (let frame = 0; frame < 20; frame++) {
      advanceChain(positions, velocities, forces, chain.types, random, { friction: 0, steps: 100 });
    }
    expect(Math.abs(energy() - before)).toBeLessThan(0.01 * Math.abs(before));
  });

  it("moves as fast as published chains, each bond there once", () => {
    const chain = chainTrajectory(40, 60, 2, "chain");
    const row = 3 * chain.beads;
    const steps = chain.positions.slice(row).map((value, i) => value - chain.positions[i]);
    expect(deviation(steps)).toBeGreaterThan(0.9);
    expect(deviation(steps)).toBeLessThan(1.7);
    expect([...chain.bonds.slice(0, 6)]).toEqual([0, 1, 1, 2, 2, 3]);
    expect(chain.bonds.length).toBe(2 * 39);
    expect(new Set(chain.types)).toEqual(new Set([0, 1, 2, 3]));
  });
});

describe("eagle", () => {
  const vortices: Vortex[] = [
    { x: -0.4, y: 1, circulation: 5, core: 0.04 },
    { x: 0.5, y: 1.3, circulation: -3, core: 0.05 },
  ];

  it("flows free of divergence, and along the ground on it", () => {
    const step = 1e-4;
    for (const [x, y] of [
      [0.1, 0.3],
      [-0.4, 1.05],
      [2, 2],
    ]) {
      const [right] = velocityAt(x + step, y, vortices, 0.5);
      const [left] = velocityAt(x - step, y, vortices, 0.5);
      const [, above] = velocityAt(x, y + step, vortices, 0.5);
      const [, below] = velocityAt(x, y - step, vortices, 0.5);
      expect((right - left + above - below) / (2 * step)).toBeCloseTo(0, 4);
    }
    for (const x of [-2, 0, 1]) expect(velocityAt(x, 0, vortices, 0.5)[1]).toBeCloseTo(0, 12);
  });

  it("carries a vortex along the ground by its image alone", () => {
    const alone: Vortex[] = [{ x: 0, y: 0.5, circulation: 4, core: 1e-4 }];
    for (let step = 0; step * STEP < 1 - STEP / 2; step++) advanceVortices(alone, 0);
    // The velocity is circulation / (4 pi height), over one second.
    expect(alone[0].x).toBeCloseTo(4 / (4 * Math.PI * 0.5), 4);
    expect(alone[0].y).toBeCloseTo(0.5, 10);
  });

  it("covers its points with triangles, and knows walls and openings", () => {
    const flow = flowTrajectory(150, 25, 1, "Spl/1/1");
    expect(flow.points.length).toBe(2 * 25 * flow.nodes);
    expect(new Set(flow.triangles.subarray(0, flow.triangles.length / 25)).size, "every point is a corner").toBe(
      flow.nodes,
    );
    for (const type of [0, 4, 5, 6]) expect(flow.mask).toContain(type);
    const ground = flow.mask.indexOf(6);
    expect(flow.VY[ground]).toBeCloseTo(0, 6);
    expect(deviation(flow.VX)).toBeGreaterThan(0.8);
    expect(deviation(flow.VX)).toBeLessThan(4);
    const changes = flow.VX.slice(flow.nodes).map((speed, i) => speed - flow.VX[i]);
    expect(deviation(changes), "a wake is another in the next frame").toBeGreaterThan(0.2 * deviation(flow.VX));
  });
});

describe("shapenet", () => {
  it("knows the flow around a sphere, and around a disc-like and a needle-like body", () => {
    for (const speed of surfaceSpeeds([2, 2, 2])) expect(speed).toBeCloseTo(1.5, 4);
    // Lamb's formula for spheroids gives alpha in closed form.
    const eccentricity = Math.sqrt(1 - 1 / 9);
    const e2 = eccentricity ** 2;
    const along =
      ((2 * (1 - e2)) / (e2 * eccentricity)) * (0.5 * Math.log((1 + eccentricity) / (1 - eccentricity)) - eccentricity);
    expect(surfaceSpeeds([1, 1, 3])[2]).toBeCloseTo(2 / (2 - along), 4);
    // The pressure coefficient of a sphere is 1 - 9/4 sin^2.
    for (const angle of [0, 0.4, 1.1, Math.PI / 2]) {
      const point = [Math.sin(angle), 0, Math.cos(angle)];
      expect(pressureCoefficient(point, [1, 1, 1], [0, 0, -1])).toBeCloseTo(1 - 2.25 * Math.sin(angle) ** 2, 3);
    }
  });

  it("presses hardest where the wind meets the body, as hard as it can", () => {
    const body = carBody(800, 1, 0);
    const strongest = body.pressure.indexOf(Math.max(...body.pressure));
    expect(body.pressure[strongest]).toBeGreaterThan(0.9 * 240);
    expect(Math.max(...body.pressure)).toBeLessThanOrEqual(240);
    const z = body.points.filter((_, i) => i % 3 === 2);
    expect(z[strongest], "in front: the wind blows towards -z").toBeGreaterThan(0.8 * Math.max(...z));
    expect(Math.min(...body.quads)).toBe(0);
    expect(Math.max(...body.quads)).toBe(body.pressure.length - 1);
  });
});
