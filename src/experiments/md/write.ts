// Writes generated polymers as files of the published kind: a folder of HDF5 files for each trajectory.

import { saveHdf5 } from "../../formats/hdf5/lazy.ts";
import type { SafeTensor } from "../../formats/safetensors/safetensors.ts";
import { type DataGenerator, type GeneratedFile, listFile, splitSizes } from "../generator.ts";
import { type ChainTrajectory, chainTrajectory } from "./generate.ts";
import { mdPicture } from "./picture.ts";

/** The side of the box, which a chain never leaves. */
const BOX = 400;

export const mdGenerator: DataGenerator = {
  summary: "polymers: bead-spring chains under a Langevin thermostat",
  defaults: { samples: 10, points: 64, frames: 200 },
  training: "--steps 300 --batch-size 16 --lr 1e-3 --min-lr 1e-5 --validate-every 100",
  least: { samples: 3, points: 2, frames: 17 },
  async *files({ samples, seed, points, frames }, onSample) {
    const { train, validation, test } = splitSizes(samples);
    const names = Array.from({ length: samples }, (_, i) =>
      i < train + validation ? `class1-${number(i + 1)}` : `class2-${number(i + 1 - train - validation)}`,
    );
    for (const [i, name] of names.entries()) {
      const folder = `${i < train + validation ? "polymer_train" : "polymer_test"}/${name}`;
      const chain = chainTrajectory(points, frames, seed, name);
      onSample();
      yield* filesOf(folder, chain);
    }
    yield listFile("splits/train.txt", names.slice(0, train));
    yield listFile("splits/val.txt", names.slice(train, train + validation));
    yield listFile("splits/test_class2.txt", names.slice(-test));
  },
  picture: mdPicture,
};

const number = (value: number) => String(value).padStart(5, "0");

async function* filesOf(folder: string, chain: ChainTrajectory): AsyncGenerator<GeneratedFile> {
  const { beads, positions, types, bonds, radii } = chain;
  const frames = radii.length;
  const datasets: [file: string, name: string, SafeTensor][] = [
    ["position", "position", { dtype: "F32", shape: [frames, beads, 3], data: positions }],
    ["ptype", "particle_type", { dtype: "I32", shape: [beads], data: types }],
    ["bond", "bond_indices", { dtype: "I32", shape: [beads - 1, 2], data: bonds }],
    ["lattice", "lattice", { dtype: "F32", shape: [frames, 3], data: new Float32Array(3 * frames).fill(BOX) }],
    ["rgs", "rgs", { dtype: "F32", shape: [frames], data: radii }],
  ];
  // The library is large to download, so it is loaded only when there is something to write.
  for (const [file, name, tensor] of datasets) {
    yield { path: `${folder}/${file}.h5`, bytes: await saveHdf5(new Map([[name, tensor]])) };
  }
}
