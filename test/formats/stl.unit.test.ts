// Surfaces that VTK and meshio wrote (meshes/make.py).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.ts";
import { loadStl } from "../../src/formats/clouds/stl.ts";
import { readPointCloud } from "../../src/formats/pointcloud.ts";
import { flips, mustRefuse, readOrRefuse, text, truncations } from "./corruption.ts";

const foreign = (name: string) => readFileSync(new URL(`./meshes/${name}`, import.meta.url));
const expected = JSON.parse(foreign("expected.json").toString());
const points: number[] = expected.points;

describe("stl", () => {
  it.each([
    ["vtk-ascii.stl", expected.triangles, 4],
    ["vtk-binary.stl", expected.triangles, 15],
    [
      "meshio.stl",
      [
        [0, 1, 2],
        [1, 2, 3],
      ],
      15,
    ],
  ])("%s", (name, triangles: number[][], digits) => {
    const corners = triangles.flat().flatMap((i) => points.slice(3 * i, 3 * i + 3));
    const apart = loadStl(foreign(name), { merge: false });
    expect(apart.positions).toHaveLength(corners.length);
    apart.positions.forEach((value, i) => expect(value).toBeCloseTo(corners[i], digits));
    expect([...apart.triangles]).toEqual(triangles.flat().map((_, i) => i));
    const merged = loadStl(foreign(name));
    expect(merged.positions).toHaveLength(12);
    expect([...merged.triangles].flatMap((i) => [...merged.positions.slice(3 * i, 3 * i + 3)])).toEqual([
      ...apart.positions,
    ]);
    expect(readPointCloud(foreign(name), name).positions).toEqual(merged.positions);
  });

  const triangle = [
    "facet normal 0 0 1",
    "outer loop",
    "vertex 0 0 0",
    "vertex 1 0 0",
    "vertex 0 1 0",
    "endloop",
    "endfacet",
  ];
  it("reads several solids, and takes 0 and -0 for one place", () => {
    const other = triangle.map((line) => line.replace("vertex 0 0 0", "vertex -0 0 0"));
    const bytes = text("solid a b", ...triangle, "endsolid a b", "solid", ...other, "endsolid");
    expect([...loadStl(bytes).triangles]).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it.each([
    ["a word", text("solid", ...triangle.map((line) => line.replace("1", "one")), "endsolid"), /line 5|line 2/],
    ["a missing corner", text("solid", ...triangle.filter((_, i) => i !== 3), "endsolid"), /expected vertex/],
    [
      "half a keyword",
      text("solid", ...triangle.map((line) => line.replace("vertex 1", "ver 1")), "endsolid"),
      /line 5/,
    ],
    ["no end", text("solid", ...triangle), /has no end/],
    ["another file", text("ply"), /no STL file/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => loadStl(bytes)).toThrow(message);
    expect(() => loadStl(bytes)).toThrow(FormatError);
  });

  it("survives every truncation and every flipped byte", () => {
    for (const name of ["vtk-ascii.stl", "vtk-binary.stl"]) {
      const file = foreign(name);
      const end = file.lastIndexOf("endsolid") > 0 ? file.lastIndexOf("endsolid") : file.length;
      for (const bytes of truncations(file.subarray(0, end))) mustRefuse(loadStl, bytes);
      for (const bytes of flips(file)) {
        const surface = readOrRefuse(loadStl, bytes);
        if (surface) assert.ok(surface.triangles.every((i) => i < surface.positions.length / 3));
      }
    }
  });
});
