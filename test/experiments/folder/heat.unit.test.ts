// The heat in generated plates agrees with known solutions, better on finer meshes, and no heat is lost.

import { describe, expect, it } from "vitest";
import { heatedPlate, PLATE_KINDS } from "../../../src/experiments/folder/generate.ts";
import { steadyHeat } from "../../../src/experiments/folder/heat.ts";

/** Returns a grid of `rows` times `columns` quadrilaterals, each cut in two; `place` returns the position of a row and a column. */
function grid(rows: number, columns: number, place: (row: number, column: number) => readonly number[]) {
  const at = (row: number, column: number) => row * (columns + 1) + column;
  const positions: number[] = [];
  const triangles: number[] = [];
  for (let row = 0; row <= rows; row++) {
    for (let column = 0; column <= columns; column++) {
      positions.push(...place(row, column));
      if (row === rows || column === columns) continue;
      const [a, b] = [at(row, column), at(row, column + 1)];
      const [c, d] = [at(row + 1, column), at(row + 1, column + 1)];
      triangles.push(a, b, c, b, d, c);
    }
  }
  return { positions: Float64Array.from(positions), triangles: Int32Array.from(triangles) };
}

describe("a heated quarter of a ring, of 400 K within and 300 K outside", () => {
  const [conductivity, source] = [15, 4000];
  // T = a + b ln r - source r^2 / (4 k), with the temperatures at radius 1 and 2.
  const b = (-100 + (3 * source) / (4 * conductivity)) / Math.LN2;
  const temperatureAt = (r: number) => 400 + b * Math.log(r) - (source * (r * r - 1)) / (4 * conductivity);
  const outwardsAt = (r: number) => -conductivity * (b / r - (source * r) / (2 * conductivity));

  const solved = (cells: number) => {
    const angle = (column: number) => (column * Math.PI) / (4 * cells);
    const radius = (row: number) => 1 + row / cells;
    const mesh = grid(cells, 2 * cells, (row, column) => [
      radius(row) * Math.cos(angle(column)),
      radius(row) * Math.sin(angle(column)),
    ]);
    const radii = Float64Array.from({ length: mesh.positions.length / 2 }, (_, p) =>
      Math.hypot(mesh.positions[2 * p], mesh.positions[2 * p + 1]),
    );
    const known = radii.map((r) => (r < 1 + 1e-9 ? 400 : r > 2 - 1e-9 ? 300 : Number.NaN));
    const heat = steadyHeat({ ...mesh, conductivity: radii.map(() => conductivity), known, source });
    const errors = heat.temperature.map((value, p) => Math.abs(value - temperatureAt(radii[p])));
    return { ...mesh, ...heat, radii, cells, worst: Math.max(...errors) };
  };
  const [coarse, fine] = [solved(8), solved(16)];

  it("is met four times as well by triangles half as large", () => {
    expect(fine.worst).toBeLessThan(0.1);
    expect(coarse.worst / fine.worst).toBeGreaterThan(3.5);
    expect(coarse.worst / fine.worst).toBeLessThan(4.5);
  });

  it("flows outwards as fast as it should", () => {
    const { positions, flux, radii, cells } = fine;
    for (let row = 4; row <= 12; row++) {
      const p = row * (2 * cells + 1) + cells;
      const outwards = (flux[2 * p] * positions[2 * p] + flux[2 * p + 1] * positions[2 * p + 1]) / radii[p];
      expect(Math.abs(outwards / outwardsAt(radii[p]) - 1), `at radius ${radii[p]}`).toBeLessThan(0.02);
    }
  });
});

it("where conduction is better, the temperature changes less", () => {
  const columns = 20;
  const mesh = grid(4, columns, (row, column) => [column / columns, row / 20]);
  const x = mesh.positions.filter((_, i) => i % 2 === 0);
  const known = x.map((at) => (at === 0 ? 300 : at === 1 ? 400 : Number.NaN));
  const { temperature } = steadyHeat({ ...mesh, conductivity: x.map((at) => 10 * (1 + at)), known, source: 0 });
  // For k = 10 (1 + x), the temperature is logarithmic in x.
  temperature.forEach((value, p) => expect(value).toBeCloseTo(300 + (100 * Math.log1p(x[p])) / Math.LN2, 1));
});

it.each([0, 1, 2, 3])("plate %i: at every point as much heat flows in as out", (index) => {
  const { points, positions, triangles, kinds, conductivity, temperature, flux, hot, source } = heatedPlate(
    300,
    7,
    index,
  );
  // The weight of a side is half of the cotangent of the angle opposite to it.
  const excess = new Float64Array(points);
  const passing = new Float64Array(points);
  for (let t = 0; t < triangles.length; t += 3) {
    const corners = [...triangles.subarray(t, t + 3)];
    const mean = corners.reduce((sum, corner) => sum + conductivity[corner], 0) / 3;
    for (let i = 0; i < 3; i++) {
      const [p, q, opposite] = [0, 1, 2].map((step) => corners[(i + step) % 3]);
      const [px, py] = [0, 1].map((axis) => positions[2 * p + axis] - positions[2 * opposite + axis]);
      const [qx, qy] = [0, 1].map((axis) => positions[2 * q + axis] - positions[2 * opposite + axis]);
      const twice = Math.abs(px * qy - py * qx);
      const flow = ((mean * (px * qx + py * qy)) / (2 * twice)) * (temperature[p] - temperature[q]);
      excess[p] += flow - (source * twice) / 6;
      excess[q] -= flow;
      passing[p] += Math.abs(flow);
      passing[q] += Math.abs(flow);
    }
  }
  for (let p = 0; p < points; p++) {
    expect(passing[p], "every point is a corner").toBeGreaterThan(0);
    if (kinds[p] === PLATE_KINDS.hot) expect(temperature[p]).toBe(hot);
    else if (kinds[p] === PLATE_KINDS.cold) expect(temperature[p]).toBe(293);
    else expect(Math.abs(excess[p])).toBeLessThan(1e-6 * passing[p]);
  }
  expect(Math.min(...temperature)).toBe(293);
  expect(flux.every(Number.isFinite)).toBe(true);
});
