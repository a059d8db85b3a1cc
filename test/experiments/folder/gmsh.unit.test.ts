// Meshes of Gmsh as samples.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import { resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { encode } from "../../../src/experiments/folder/prediction-file.ts";
import { proposeConfig } from "../../../src/experiments/folder/propose.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import { survey } from "../../../src/experiments/folder/survey.ts";
import { loadNpz } from "../../../src/formats/numpy/npz.ts";
import { loadVtu } from "../../../src/formats/vtk/vtu.ts";

const read = (name: string) => new Uint8Array(readFileSync(new URL(`../../formats/gmsh/${name}`, import.meta.url)));

it("are found with their fields, of which those of some nodes have gaps", async () => {
  const bytes = read("plate-41.msh");
  const found = await survey(
    new MemorySource(
      new Map([
        ["a.msh", bytes],
        ["b.msh", bytes],
      ]),
    ),
  );
  expect(found).toMatchObject({ extension: "msh", files: 2, points: [20, 20], dimensions: 2, hasCells: true });
  const config = proposeConfig(found, "data");
  expect(config).toMatch(/^graph: mesh /m);
  expect(config).toMatch(/^ {2}heat: \{\} +# 0 to 12$/m);
  expect(config).toMatch(/^ {2}"flow on the edge": \{missing: nan\} +# 3 components, 0 to 4; \d+ % missing$/m);
  expect(config).toContain("data of cells (gmsh:physical, gmsh:geometrical, size)");
  const steps = await survey(new MemorySource(new Map([["a.msh", read("steps.msh")]])));
  expect(steps.leftOut.get("wave")).toBe("a.msh: has 3 steps in time: save each as a file of its own");
});

it("are read with the sides of their cells, and predictions for them are written as .npz or .vtu", async () => {
  const bytes = read("plate-22-binary.msh");
  const config = resolveFolderConfig({ targets: ["heat"], graph: "mesh", dimensions: 2 });
  const sample = await readSample(bytes, "a.msh", config);
  expect([sample.points, sample.dimensions]).toEqual([20, 2]);
  expect(sample.edges?.length).toBe(2 * 78);
  const [heat] = sample.targets;
  expect(heat?.data[0]).toBe(sample.positions[0] + 10 * sample.positions[1]);
  const arrays = new Map([["prediction", { shape: [20], data: new Float32Array(20).fill(3) }]]);
  const archive = loadNpz(await encode({ bytes, sample, arrays }, "a.npz"));
  expect([...archive.keys()].sort()).toEqual(["flow on the edge", "heat", "node_positions", "prediction"]);
  const mesh = loadVtu(await encode({ bytes, sample, arrays }, "a.vtu"));
  expect(new Set(mesh.cells.types)).toEqual(new Set([3, 5, 9]));
  expect(mesh.pointData.get("prediction")?.data).toEqual(new Float32Array(20).fill(3));
  await expect(readSample(read("steps.msh"), "a.msh", resolveFolderConfig({ targets: ["wave"] }))).rejects.toThrow(
    'a.msh: "wave" has 3 steps in time: save each as a file of its own.',
  );
});
