// Writes generated bodies as files of the published kind: for each car a legacy VTK file of quads, and the pressures.

import { saveNpy } from "../../formats/numpy/npy.ts";
import { saveVtkQuads } from "../../formats/vtk/vtk.ts";
import type { DataGenerator } from "../generator.ts";
import { carBody } from "./generate.ts";
import { shapenetPicture } from "./picture.ts";

/** The number of folders over which cars are spread. */
const FOLDERS = 9;

export const shapenetGenerator: DataGenerator = {
  summary: "car-like ellipsoids and the pressure of the potential flow around them",
  defaults: { samples: 40, points: 800 },
  training: "--steps 200 --validate-every 50",
  // The lowest published test index is 4.
  least: { samples: 5, points: 16 },
  async *files({ samples, seed, points }, onSample) {
    for (let index = 0; index < samples; index++) {
      const { points: positions, quads, pressure } = carBody(points, seed, index);
      // Cars fill the folders in the order of their indices, as the published test split assumes.
      const folder = `param${Math.floor((index * FOLDERS) / samples)}/${String(index).padStart(4, "0")}`;
      onSample();
      yield { path: `${folder}/quadpress_smpl.vtk`, bytes: saveVtkQuads(positions, quads) };
      yield { path: `${folder}/press.npy`, bytes: saveNpy({ shape: [pressure.length], data: pressure }) };
    }
  },
  picture: shapenetPicture,
};
