// Gmsh's mesh files, as Gmsh and meshio write them (gmsh/make.py), and damaged ones.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { attributeNames, sortAttributes } from "../../src/formats/attribute-names.ts";
import { meshEdges } from "../../src/formats/clouds/cells.ts";
import { type GmshFile, loadGmsh } from "../../src/formats/gmsh/gmsh.ts";
import { readPointCloud } from "../../src/formats/pointcloud.ts";
import { concat, flips, numbers, readOrRefuse, text, truncations } from "./corruption.ts";
import expected from "./gmsh/expected.json" with { type: "json" };

const folder = new URL("gmsh/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const load = (name: string) => loadGmsh(bytesOf(name), { file: name });

/** Returns the points of each cell. */
function listCells({ cells: { offsets, connectivity, types } }: GmshFile): number[][] {
  return Array.from(types, (type, i) => [type, ...connectivity.subarray(offsets[i], offsets[i + 1])]);
}

const pointOf = ({ points }: GmshFile, i: number) => [...points.data.slice(3 * i, 3 * i + 3)].map(Number);

/** Returns the area of a flat cell, and of others 0. */
function areaOf(mesh: GmshFile, [type, ...corners]: number[]): number {
  if (type !== 5 && type !== 9) return 0;
  const places = corners.map((corner) => pointOf(mesh, corner));
  const cross = places.map(([x, y], i) => {
    const [nextX, nextY] = places[(i + 1) % places.length];
    return x * nextY - y * nextX;
  });
  return Math.abs(cross.reduce((sum, value) => sum + value, 0)) / 2;
}

describe("gmsh", () => {
  it.each(Object.entries(expected))("reads %s as meshio does", (name, { points, cells, groups, pointData }) => {
    const mesh = load(`${name}.msh`);
    expect(mesh.points).toEqual({ dtype: "F64", shape: [points.length / 3, 3], data: Float64Array.from(points) });
    // It lists cells of the same type together, as these files do, too.
    expect(listCells(mesh)).toEqual(cells);
    if (groups.length > 0) expect([...(mesh.cellData.get("gmsh:physical")?.data ?? [])]).toEqual(groups);
    expect([...mesh.pointData.keys()]).toEqual(Object.keys(pointData));
    for (const [name, values] of Object.entries(pointData)) {
      expect(mesh.pointData.get(name)?.data, name).toEqual(Float64Array.from(values));
    }
  });

  const plates = ["plate-41.msh", "plate-41-binary.msh", "plate-22.msh", "plate-22-binary.msh"];
  it.each(plates)("reads nodes, parts and fields of %s", (name) => {
    const mesh = load(name);
    const points = mesh.points.shape[0];
    expect(points).toBe(20);
    const heat = mesh.pointData.get("heat");
    const flow = mesh.pointData.get("flow on the edge");
    expect(flow?.shape).toEqual([points, 3]);
    for (let i = 0; i < points; i++) {
      const [x, y, z] = pointOf(mesh, i);
      expect(heat?.data[i]).toBeCloseTo(x + 10 * y + 100 * z, 12);
      const values = [...(flow?.data.slice(3 * i, 3 * i + 3) ?? [])];
      expect(values).toEqual(x === 0 || y === 0 ? [2 * x, 2 * y, 2 * z] : [Number.NaN, Number.NaN, Number.NaN]);
    }
    const groups = [...(mesh.cellData.get("gmsh:physical")?.data ?? [])].map(Number);
    const areas = new Map<number, number>();
    const cells = listCells(mesh);
    cells.forEach((cell, i) => {
      areas.set(groups[i], (areas.get(groups[i]) ?? 0) + areaOf(mesh, cell));
    });
    expect(areas.get(7)).toBeCloseTo(1, 12);
    expect(areas.get(8)).toBeCloseTo(1, 12);
    expect([...areas.keys()].sort()).toEqual([3, 7, 8]);
    const inlet = cells.filter((_, i) => groups[i] === 3);
    expect(inlet.map(([type]) => type)).toEqual([3, 3]);
    expect(inlet.flatMap(([, ...ends]) => ends.map((end) => pointOf(mesh, end)[0]))).toEqual([0, 0, 0, 0]);
    const size = mesh.cellData.get("size");
    expect(size?.shape).toEqual([cells.length]);
    expect([...(size?.data ?? [])].map(Number.isNaN)).toEqual(cells.map(([type]) => type === 3));
    expect(mesh.leftOut.size).toBe(0);
  });

  /** Text has sixteen digits. */
  const areClose = (a: GmshFile, b: GmshFile) =>
    a.points.data.every((value, i) => Math.abs(Number(value) - Number(b.points.data[i])) < 1e-15);

  it("reads the same of all versions, in text and binary", () => {
    const [first, ...others] = plates.map(load);
    for (const other of others) {
      expect(other.cells).toEqual(first.cells);
      expect(areClose(other, first)).toBe(true);
    }
    const [plain, ...withParameters] = ["cylinder.msh", "parametric.msh", "parametric-binary.msh"].map(load);
    for (const other of withParameters) {
      expect(other.cells).toEqual(plain.cells);
      expect(areClose(other, plain)).toBe(true);
    }
  });

  it("gives points to attributes, and names", () => {
    const bytes = bytesOf("plate-41.msh");
    expect(attributeNames(bytes, "a.msh")).toEqual(["heat", "flow on the edge"]);
    const { positions, dimensionality, attributes } = readPointCloud(bytes, "a.msh", { attributes: ["heat"] });
    expect([positions.length, dimensionality]).toEqual([60, 3]);
    expect(attributes?.get("heat")?.data).toEqual(
      Float32Array.from(load("plate-41.msh").pointData.get("heat")?.data as Float64Array),
    );
    expect(() => readPointCloud(bytes, "a.msh", { attributes: ["cold"] })).toThrow(
      'a.msh: has no attribute "cold"; there are "heat", "flow on the edge".',
    );
  });

  it("says why a field of several steps is left out", () => {
    const reason = "has 3 steps in time: save each as a file of its own";
    expect(load("steps.msh").leftOut).toEqual(new Map([["wave", reason]]));
    expect(load("steps.msh").pointData.size).toBe(0);
    expect(() => loadGmsh(bytesOf("steps.msh"), { file: "a.msh", only: ["wave"] })).toThrow(`a.msh: "wave" ${reason}.`);
    expect(sortAttributes(bytesOf("steps.msh"), "a.msh")).toEqual({
      numeric: [],
      others: new Map([["wave", `"wave" ${reason}`]]),
    });
  });

  it("orders the points of second order as VTK does", () => {
    const corners = load("kinds-1.msh");
    expect(corners.cells.types).toEqual(Uint8Array.of(10, 12, 13, 14));
    for (const [name, types] of [
      ["kinds-2-incomplete.msh", [24, 25, 26, 27]],
      ["kinds-2.msh", [24, 29, 32, 27]],
    ] as const) {
      const mesh = load(name);
      expect([...mesh.cells.types]).toEqual(types);
      const edges = meshEdges(mesh.cells, mesh.points.shape[0]);
      const half = edges.length / 2;
      const neighbours = new Map<number, number[]>();
      for (let i = 0; i < half; i++) {
        neighbours.set(edges[i], [...(neighbours.get(edges[i]) ?? []), edges[half + i]]);
      }
      // Those behind the twelve corners are in the middle of a side, or of a face or cell and in no side.
      const middles = [...neighbours].filter(([point]) => point >= 12);
      expect(middles.length).toBe(24);
      for (const [point, ends] of middles) {
        expect(ends.length).toBe(2);
        const [a, b] = ends.map((end) => pointOf(mesh, end));
        expect(a.map((value, axis) => (value + b[axis]) / 2)).toEqual(pointOf(mesh, point));
      }
    }
    // VTK's order of the points in the middle of faces.
    const faces = [
      [20, [0, 4, 7, 3]],
      [21, [1, 2, 6, 5]],
      [22, [0, 1, 5, 4]],
      [23, [3, 2, 6, 7]],
      [24, [0, 1, 2, 3]],
      [25, [4, 5, 6, 7]],
      [26, [0, 1, 2, 3, 4, 5, 6, 7]],
    ] as const;
    const prismFaces = [
      [15, [0, 1, 4, 3]],
      [16, [1, 2, 5, 4]],
      [17, [2, 0, 3, 5]],
    ] as const;
    const mesh = load("kinds-2.msh");
    const [, [, ...hexahedron], [, ...prism]] = listCells(mesh);
    for (const [cell, list] of [
      [hexahedron, faces],
      [prism, prismFaces],
    ] as const) {
      for (const [middle, ends] of list) {
        const places = ends.map((end) => pointOf(mesh, cell[end]));
        const mean = [0, 1, 2].map((axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length);
        expect(pointOf(mesh, cell[middle])).toEqual(mean);
      }
    }
  });

  it("reads numbers of nodes with large gaps, in the byte order of the other kind of machines", () => {
    const tags = [4_000_000_000_000, 7];
    const size = (value: number) => numbers("Int32", [Math.floor(value / 2 ** 32), (value % 2 ** 32) | 0], false);
    const sizes = (...values: number[]) => concat(...values.map(size));
    const bytes = concat(
      ...[
        "$MeshFormat\n4.1 1 8\n",
        numbers("Int32", [1], false),
        "\n$EndMeshFormat\n$Nodes\n",
        sizes(1, 2, 7, tags[0]),
      ],
      ...[
        numbers("Int32", [1, 1, 0], false),
        sizes(2, ...tags),
        numbers("Float64", [1, 2, 3, 4, 5, 6], false),
        "\n$EndNodes\n",
      ],
      ...[
        "$Elements\n",
        sizes(1, 1, 1, 1),
        numbers("Int32", [1, 1, 1], false),
        sizes(1, 9, ...tags),
        "\n$EndElements\n",
      ],
    );
    const { points, cells } = loadGmsh(bytes);
    expect([...points.data]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...cells.connectivity]).toEqual([0, 1]);
  });

  const head = ["$MeshFormat", "2.2 0 8", "$EndMeshFormat"];
  const nodes = ["$Nodes", "2", "1 0 0 0", "2 1 0 0", "$EndNodes"];
  const line = (...numbers: string[]) => ["$Elements", "1", ...numbers, "$EndElements"];
  const heat = (...rows: string[]) => [
    "$NodeData",
    "1",
    '"heat"',
    "1",
    "0",
    "3",
    "0",
    "1",
    `${rows.length}`,
    ...rows,
    "$EndNodeData",
  ];

  it("has vertices where there are no elements, and values of nodes that nobody has given are NaN", () => {
    const mesh = loadGmsh(text(...head, ...nodes, ...heat("2 nan"), ...heat("1 2.5")));
    expect([...mesh.cells.types]).toEqual([1, 1]);
    expect(mesh.pointData.get("heat")?.data).toEqual(Float64Array.of(2.5, Number.NaN));
    expect(mesh.cellData.size).toBe(0);
  });

  it.each([
    ["an empty file", text(""), /does not begin with "\$MeshFormat"/],
    ["Fluent's meshes", text('(0 "grid")', "(2 3)"), /is a mesh of Fluent, not of Gmsh: convert it by meshio/],
    ["version 4.0", bytesOf("plate-40.msh"), /is of version 4 of Gmsh's format: save it as version 4.1 or 2.2/],
    ["version 1", text("$NOD", "1", "1 0 0 0", "$ENDNOD"), /truncated: \$NOD \(byte 0\) has no end/],
    ["third order", bytesOf("kinds-3.msh"), /\$Elements \(byte \d+\): elements are of Gmsh's type 29.*setOrder\(2\)/],
    ["no nodes", text(...head), /has no \$Nodes/],
    ["a section without an end", text(...head, "$Nodes", "0"), /truncated: \$Nodes \(byte \d+\) has no end/],
    ["text between sections", text(...head, "12", ...nodes), /byte 35: expected a section such as \$Nodes, found "12"/],
    [
      "more nodes than there is room for",
      text(...head, "$Nodes", "9999999999", "$EndNodes"),
      /truncated: 9999999999 nodes take/,
    ],
    [
      "fewer nodes than said",
      text(...head, "$Nodes", "2", "1 0.125 0.125 0.125", "$EndNodes"),
      /\$Nodes \(byte \d+\): truncated/,
    ],
    ["more nodes than said", text(...head, "$Nodes", "1", ...nodes.slice(2)), /\$Nodes \(byte \d+\): more follows/],
    ["a node twice", text(...head, "$Nodes", "2", "1 0 0 0", "1 1 0 0", "$EndNodes"), /node 1 occurs twice/],
    [
      "a coordinate that is none",
      text(...head, "$Nodes", "1", "1 0 nan 0", "$EndNodes"),
      /node 1: its y is not a finite number/,
    ],
    [
      "two meshes",
      text(...head, ...nodes, "$Nodes", "1", "1 0 0 0", "$EndNodes"),
      /has two sections \$Nodes that differ/,
    ],
    [
      "unknown nodes",
      text(...head, ...nodes, ...line("1 1 2 0 0 1 3")),
      /element 1 has the node 3, which there is not/,
    ],
    ["unknown elements", text(...head, ...nodes, ...line("1 99 2 0 0 1 2")), /elements are of Gmsh's type 99/],
    [
      "unknown nodes in a field",
      text(...head, ...nodes, ...heat("5 1")),
      /\$NodeData \(byte \d+\): has a value of node 5/,
    ],
    ["a value that is none", text(...head, ...nodes, ...heat("1 warm")), /"warm" is not a number/],
    [
      "components that differ",
      text(...head, ...nodes, ...heat("1 1"), ...heat("1 1").map((row, i) => (i === 7 ? "3" : row))),
      /has 3 components, and 1 before/,
    ],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => loadGmsh(bytes, { file: "a.msh" })).toThrow(message);
    expect(() => loadGmsh(bytes, { file: "a.msh" })).toThrow(/^a\.msh: /);
  });

  it("limits the memory of fields of few values", () => {
    const many = Array.from({ length: 3000 }, (_, i) => `${i + 1} 0 0 0`);
    const field = ["$NodeData", "1", '"a"', "1", "0", "3", "0", "9999", "0", "$EndNodeData"];
    const bytes = text(...head, "$Nodes", "3000", ...many, "$EndNodes", ...field);
    expect(() => loadGmsh(bytes, { file: "a.msh" })).toThrow(
      /a\.msh:a: with it, a file of \d+ bytes unpacks to \d+, more than/,
    );
  });

  it("survives every truncation and flipped byte", () => {
    for (const name of ["meshio-41.msh", "meshio-22.msh", "meshio-41-binary.msh", "meshio-22-binary.msh"]) {
      const bytes = bytesOf(name);
      // Without its last line break, a file is complete.
      for (const part of truncations(bytes.subarray(0, -1))) {
        const mesh = readOrRefuse((input) => loadGmsh(input), part);
        if (mesh) assert.deepEqual(mesh.points.shape, [4, 3]);
      }
      for (const damaged of flips(bytes, bytes.length, [0x01, 0x80])) {
        const mesh = readOrRefuse((input) => loadGmsh(input), damaged);
        if (mesh) assert.ok(mesh.cells.connectivity.every((point) => point < mesh.points.shape[0]));
      }
    }
  });
});
