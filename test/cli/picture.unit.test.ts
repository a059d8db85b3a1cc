// The picture of balls that erwin demo draws: points on a surface, colours, and SVG that is well-formed.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawBalls } from "../../src/cli/pictures/balls.ts";
import type { TriangleMesh } from "../../src/drawing/normals.ts";
import { sampleSurface } from "../../src/drawing/surface.ts";

/** The surface of the cube from -1 to 1: two triangles per side, counter-clockwise as seen from outside. */
const cube: TriangleMesh = {
  positions: Array.from({ length: 8 }, (_, i) => [i & 1 ? 1 : -1, i & 2 ? 1 : -1, i & 4 ? 1 : -1]),
  cells: [
    [0, 2, 1],
    [1, 2, 3],
    [4, 5, 6],
    [5, 7, 6],
    [0, 1, 4],
    [1, 5, 4],
    [2, 6, 3],
    [3, 6, 7],
    [0, 4, 2],
    [2, 4, 6],
    [1, 3, 5],
    [3, 7, 5],
  ],
};

describe("sampleSurface", () => {
  const count = 600;
  const { positions, normals } = sampleSurface(cube, count, 1);
  const row = (values: Float32Array, i: number) => [...values.subarray(i * 3, i * 3 + 3)];

  it("puts points on the surface, facing outwards", () => {
    expect(positions).toHaveLength(count * 3);
    for (let i = 0; i < count; i++) {
      const [position, normal] = [row(positions, i), row(normals, i)];
      expect(Math.max(...position.map(Math.abs))).toBeCloseTo(1, 5);
      expect(Math.hypot(...normal)).toBeCloseTo(1, 5);
      expect(position.reduce((sum, value, d) => sum + value * normal[d], 0)).toBeGreaterThan(0);
    }
  });

  it("spreads them evenly: like many on each side, and none close together", () => {
    for (let side = 0; side < 6; side++) {
      const onSide = Array.from({ length: count }, (_, i) => row(positions, i)).filter(
        (position) => position[side >> 1] === (side & 1 ? 1 : -1),
      );
      expect(Math.abs(onSide.length - count / 6)).toBeLessThan(12);
    }
    let nearest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < i; j++) {
        nearest = Math.min(nearest, Math.hypot(...row(positions, i).map((value, d) => value - row(positions, j)[d])));
      }
    }
    // The nearest of uniformly random points would be ten times as near.
    expect(nearest).toBeGreaterThan(0.5 * Math.sqrt(24 / count));
  });

  it("gives the same points for the same seed", () => {
    expect(sampleSurface(cube, 50, 7)).toEqual(sampleSurface(cube, 50, 7));
    expect(sampleSurface(cube, 50, 7)).not.toEqual(sampleSurface(cube, 50, 8));
  });
});

describe("drawBalls", () => {
  const { positions, normals } = sampleSurface(cube, 256, 1);
  const draw = (ballOf: Int32Array, title = "a cube") =>
    drawBalls({
      title,
      explanation: "",
      positions,
      normals,
      rows: [{ title: "", explanation: "", panels: [{ title: "", ballOf }] }],
    });

  it("draws each point that faces the viewer once", () => {
    const dots = [...draw(new Int32Array(256)).matchAll(/M(-?\d+) (-?\d+)h0/g)];
    expect(dots.length).toBeGreaterThan(256 / 4);
    expect(dots.length).toBeLessThan((256 * 3) / 4);
  });

  it("gives neighbouring balls different colours", () => {
    const hues = (svg: string) => new Set([...svg.matchAll(/stroke="(#[0-9a-f]{6})" d/g)].map(([, colour]) => colour));
    const halves = positions.filter((_, i) => i % 3 === 0);
    const two = hues(draw(Int32Array.from(halves, (x) => (x < 0 ? 0 : 1))));
    const one = hues(draw(new Int32Array(256)));
    expect(two.size).toBeGreaterThan(one.size);
  });

  it("is well-formed whatever the titles and balls are", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.nat(40), { minLength: 256, maxLength: 256 }), (title, balls) => {
        const svg = draw(Int32Array.from(balls), title);
        expect(svg).not.toMatch(/NaN|undefined|Infinity/);
        expect(svg.match(/<text/g)?.length).toBe(svg.match(/<\/text>/g)?.length);
      }),
      { numRuns: 20 },
    );
  });
});
