// Writes generated flows as files of the published kind: a NumPy archive and the triangles for each trajectory.

import { saveNpy } from "../../formats/numpy/npy.ts";
import { saveNpz } from "../../formats/numpy/npz.ts";
import type { SafeTensorInput } from "../../formats/safetensors/safetensors.ts";
import { type DataGenerator, listFile, splitSizes } from "../generator.ts";
import { flowTrajectory } from "./generate.ts";
import { eaglePicture } from "./picture.ts";

/** The grounds of the published flows: steps, rough, triangular. */
const GROUNDS = ["Spl", "Cre", "Tri"];

export const eagleGenerator: DataGenerator = {
  summary: "wakes of drones over ground: vortices that carry each other along, on a mesh that follows the drone",
  defaults: { samples: 40, points: 250, frames: 160 },
  training:
    "--steps 400 --batch-size 4 --lr 2e-3 --min-lr 1e-5 --warmup 20 --max-grad-norm 1 --validate-every 50 --rollout 20",
  // Validation uses frames 100 and 101.
  least: { samples: 3, points: 30, frames: 102 },
  async *files({ samples, seed, points, frames }, onSample) {
    const { train, validation } = splitSizes(samples);
    const names = Array.from({ length: samples }, (_, i) => `${GROUNDS[i % 3]}/${Math.floor(i / 3) + 1}/1`);
    for (const name of names) {
      const flow = flowTrajectory(points, frames, seed, name);
      const perNode = (data: Float32Array | Int32Array): SafeTensorInput => ({ shape: [frames, flow.nodes], data });
      const { VX, VY, PS, PG, mask } = flow;
      const arrays = {
        pointcloud: { shape: [frames, flow.nodes, 2], data: flow.points },
        VX: perNode(VX),
        VY: perNode(VY),
        PS: perNode(PS),
        PG: perNode(PG),
        mask: perNode(mask),
      };
      onSample();
      yield { path: `${name}/sim.npz`, bytes: saveNpz(arrays) };
      const shape = [frames, flow.triangles.length / (3 * frames), 3];
      yield { path: `${name}/triangles.npy`, bytes: saveNpy({ shape, data: flow.triangles }) };
    }
    yield listFile("Splits/train.txt", names.slice(0, train));
    yield listFile("Splits/valid.txt", names.slice(train, train + validation));
    yield listFile("Splits/test.txt", names.slice(train + validation));
  },
  picture: eaglePicture,
};
