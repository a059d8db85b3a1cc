// Meshes whose fields are values of cells.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { ConfigError, FormatError } from "../../../src/errors.ts";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import { frameRule } from "../../../src/experiments/folder/array-frames.ts";
import { resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { FramesSource } from "../../../src/experiments/folder/frames.ts";
import { encode } from "../../../src/experiments/folder/prediction-file.ts";
import { proposeConfig } from "../../../src/experiments/folder/propose.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import { survey } from "../../../src/experiments/folder/survey.ts";
import { cellEdges } from "../../../src/formats/clouds/cell-edges.ts";
import { loadExodus } from "../../../src/formats/exodus/exodus.ts";
import { loadNpz } from "../../../src/formats/numpy/npz.ts";
import { loadVtk } from "../../../src/formats/vtk/vtk.ts";
import { loadVtp, loadVtu } from "../../../src/formats/vtk/vtu.ts";

const read = (name: string) => new Uint8Array(readFileSync(new URL(`../../formats/cells/${name}`, import.meta.url)));
const ofCells = { location: "cells", targets: ["p"], inputs: ["U"], graph: "mesh" };
const config = resolveFolderConfig(ofCells);

it("have a point at the centre of each cell, and edges between cells that share a side", async () => {
  const sample = await readSample(read("sphere.vtp"), "a.vtp", config);
  const { cells, points, cellData } = loadVtp(read("sphere.vtp"));
  expect([sample.points, sample.dimensions]).toEqual([24, 3]);
  expect(sample.edges).toEqual(cellEdges(cells, points.shape[0]));
  expect(sample.targets[0]?.data).toEqual(cellData.get("p")?.data);
  expect(sample.inputs[0].width).toBe(3);
  const legacy = await readSample(read("sphere-binary.vtk"), "a.vtk", config);
  expect(legacy.edges).toEqual(sample.edges);
});

it("get predictions as values of cells in all of VTK's formats, and at the centres in others", async () => {
  const prediction = Float32Array.from({ length: 24 }, (_, i) => i / 8);
  const arrays = new Map([["prediction", { shape: [24], data: prediction }]]);
  for (const name of ["sphere.vtp", "sphere-binary.vtk"]) {
    const bytes = read(name);
    const sample = await readSample(bytes, name, config);
    const given = { bytes, sample, arrays };
    const mesh = loadVtu(await encode(given, "a.vtu"));
    expect([...mesh.cellData.keys()]).toEqual(["p", "U", "prediction"]);
    expect(mesh.cellData.get("prediction")?.data).toEqual(prediction);
    expect([mesh.points.shape[0], mesh.pointData.size]).toEqual([
      loadVtk(read("sphere-binary.vtk")).positions.length / 3,
      0,
    ]);
    const archive = loadNpz(await encode(given, "a.npz"));
    expect(archive.get("node_positions")?.shape).toEqual([24, 3]);
    expect(archive.get("prediction")?.data).toEqual(prediction);
  }
  const bytes = read("sphere.vtp");
  const copy = await encode({ bytes, sample: await readSample(bytes, "a.vtp", config), arrays }, "b.vtp");
  expect(loadVtp(copy).cellData.get("prediction")?.data).toEqual(prediction);
  expect(loadVtp(copy).pointData).toEqual(loadVtp(bytes).pointData);
});

it("are found where points have no values, or if they are asked for", async () => {
  const quiet = read("quad.vtu");
  const text = new TextDecoder("latin1").decode(quiet);
  // Without the array of points, as programs of finite volumes write them.
  const [start, end] = [text.indexOf("<PointData"), text.indexOf("</PointData>") + "</PointData>".length];
  const bytes = Uint8Array.from([...quiet.subarray(0, start), ...quiet.subarray(end)]);
  const found = await survey(new MemorySource(new Map([["a.vtu", bytes]])));
  expect(found).toMatchObject({ location: "cells", points: [4, 4], hasCells: true, cellData: [] });
  const proposed = proposeConfig(found, "data");
  expect(proposed).toMatch(/1 \.vtu files of 4 cells/);
  expect(resolveFolderConfig(parse(proposed))).toMatchObject({ location: "cells", graph: { kind: "mesh" } });
  const both = new MemorySource(new Map([["a.vtu", quiet]]));
  const ofPoints = await survey(both);
  expect(ofPoints).toMatchObject({ cellData: ["p", "U"] });
  expect(ofPoints.location).toBeUndefined();
  expect(proposeConfig(ofPoints, "data")).toContain("data of cells (p, U): location: cells is for these");
  const asked = await survey(both, { location: "cells" });
  expect(asked.arrays.map(({ name }) => name)).toEqual(["p", "U"]);
  await expect(survey(both, { location: "faces" as "cells" })).rejects.toThrow("location");
});

it("are those of Exodus' elements, too, of each step in time", async () => {
  const bytes = (name: string) =>
    new Uint8Array(readFileSync(new URL(`../../formats/exodus/${name}`, import.meta.url)));
  const sizes = resolveFolderConfig({ location: "cells", targets: ["size"], graph: "mesh" });
  const sample = await readSample(bytes("cells.e"), "a.e", sizes);
  // The middles of a square and of the triangle beside it, which share a side.
  expect([...sample.positions]).toEqual([0.5, 0.5, 0, 4 / 3, 0.5, 0]);
  expect([...sample.targets[0]!.data]).toEqual([3.5, 4.5]);
  expect(sample.edges).toEqual(Int32Array.of(0, 1, 1, 0));
  const alone = resolveFolderConfig({ targets: ["size"] });
  await expect(readSample(bytes("cells.e"), "a.e", alone)).rejects.toThrow("It is of cells: set location: cells");

  const inTime = resolveFolderConfig({ ...{ location: "cells", graph: "mesh" }, targets: ["size"], sequence: true });
  const source = new FramesSource(new MemorySource(new Map([["run.e", bytes("steps.e")]])), frameRule(inTime));
  expect((await source.list("")).map(({ name, folder }) => [name, folder])).toEqual([["run.e", true]]);
  const frames = (await source.list("run.e")).map(({ name }) => `run.e/${name}`);
  expect(frames).toHaveLength(3);
  const last = await readSample(await source.read(frames[2]), frames[2], inTime);
  expect([...last.targets[0]!.data]).toEqual([2, 3, 4, 5]);
  expect([...last.positions.subarray(0, 3)]).toEqual([0.5, 0.5, 0.5]);
  const { cells, points } = await loadExodus(bytes("steps.e"));
  expect(last.edges).toEqual(cellEdges(cells, points.shape[0]));
  const found = await survey(new MemorySource(new Map([["run.e", bytes("steps.e")]])), { location: "cells" });
  expect(found.arrays.map(({ name, of }) => [name, of])).toContainEqual(["size", "points"]);
  // The edges between four cells are as few numbers as one of the whole may have.
  expect(found.arrays.map(({ name }) => name)).not.toContain("edge_index");
});

it("are told from values of points, and from formats and settings without cells", async () => {
  const bytes = read("sphere.vtp");
  const wrong = (given: object) => readSample(bytes, "a.vtp", resolveFolderConfig(given));
  await expect(wrong({ targets: ["p"] })).rejects.toThrow(
    'no array "p" of its points; there are "height". It is of cells',
  );
  await expect(wrong({ targets: ["height"], location: "cells" })).rejects.toThrow(
    'no array "height" of its cells; there are "p", "U". It is of points: leave out location: cells.',
  );
  const csv = readSample(new TextEncoder().encode("x,y,p\n0,0,1\n"), "a.csv", config);
  await expect(csv).rejects.toThrow(FormatError);
  await expect(csv).rejects.toThrow(
    "read from .vtu, .vtp, .vti, .vtr, .vts, .msh, .vtk, .e, .exo, .ex2, .vtkhdf, not from .csv",
  );
  expect(() => resolveFolderConfig({ ...ofCells, grid: ["lat", "lon"] })).toThrow(ConfigError);
  expect(() => resolveFolderConfig({ ...ofCells, location: "faces" })).toThrow("location");
  const moving = { targets: ["positions"], sequence: true, location: "cells" };
  expect(() => resolveFolderConfig(moving)).toThrow("targets.positions: cells do not move");
});
