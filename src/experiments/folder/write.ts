// Writes generated plates as a folder of .vtu files, as a finite-element program would.

import { equalCells, kinds } from "../../formats/clouds/cells.ts";
import { inSpace } from "../../formats/clouds/mesh.ts";
import { saveVtu } from "../../formats/vtk/vtu-write.ts";
import type { DataGenerator } from "../generator.ts";
import { heatedPlate, type Plate } from "./generate.ts";
import { platePicture } from "./picture.ts";

export const folderGenerator: DataGenerator = {
  summary: "steady heat in plates with holes, by finite elements, as .vtu files: for training on a folder of your own",
  defaults: { samples: 120, points: 600 },
  least: { samples: 3, points: 50 },
  async *files({ samples, seed, points }, onSample) {
    const digits = String(samples - 1).length;
    for (let index = 0; index < samples; index++) {
      const bytes = meshFile(heatedPlate(points, seed, index));
      onSample();
      yield { path: `plate-${String(index).padStart(digits, "0")}.vtu`, bytes };
    }
  },
  picture: platePicture,
};

function meshFile({ points, positions, triangles, kinds: kind, conductivity, temperature, flux, hot, source }: Plate) {
  return saveVtu({
    points: { shape: [points, 3], data: inSpace(Float32Array.from(positions), 2) },
    cells: equalCells(triangles, 3, kinds.triangle),
    pointData: new Map([
      ["kind", { shape: [points], data: kind }],
      ["conductivity", { shape: [points], data: Float32Array.from(conductivity) }],
      ["temperature", { shape: [points], data: Float32Array.from(temperature) }],
      ["flux", { shape: [points, 3], data: inSpace(Float32Array.from(flux), 2) }],
    ]),
    fieldData: new Map([
      ["hot", { shape: [1], data: Float64Array.of(hot) }],
      ["source", { shape: [1], data: Float64Array.of(source) }],
    ]),
  });
}
