// The readers of published data read what the generators write, value by value.
//
// Other software has read the same files: test/experiments/peer/read_generated.py checked the output of `erwin generate` with h5py 3, NumPy 2,
// meshio 5 and TensorBoard's record reader (2026-11-26).
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { haloCatalogue } from "../../src/experiments/cosmology/generate.ts";
import { flowTrajectory } from "../../src/experiments/eagle/generate.ts";
import { splitSizes } from "../../src/experiments/generator.ts";
import { generators } from "../../src/experiments/generators.ts";
import { chainTrajectory } from "../../src/experiments/md/generate.ts";
import { carBody } from "../../src/experiments/shapenet/generate.ts";
import { loadHdf5 } from "../../src/formats/hdf5/hdf5.ts";
import { loadNpy } from "../../src/formats/numpy/npy.ts";
import { loadNpz } from "../../src/formats/numpy/npz.ts";
import { readExample, readTensorProto } from "../../src/formats/tensorflow/tensorflow.ts";
import { readTfRecords } from "../../src/formats/tensorflow/tfrecord.ts";
import { loadVtk } from "../../src/formats/vtk/vtk.ts";

const SEED = 3;
/** The arrays of a catalogue with one element per halo. */
const HALO_FIELDS = ["x", "y", "z", "v_x", "v_y", "v_z", "J_x", "J_y", "J_z", "M200c", "Rvir"];

async function generated(name: string, sizes: { samples: number; points: number; frames?: number }) {
  let counted = 0;
  const files = new Map<string, Uint8Array>();
  for await (const { path, bytes } of generators[name].files({ seed: SEED, frames: 1, ...sizes }, () => counted++)) {
    files.set(path, bytes);
  }
  expect(counted).toBe(sizes.samples);
  return files;
}

const text = (bytes?: Uint8Array) => new TextDecoder().decode(bytes);

describe("generated files", () => {
  it("of every experiment are the same bytes for the same seed, others for another", async () => {
    for (const [name, { least, files }] of Object.entries(generators)) {
      const sizes = { ...least, frames: least.frames ?? 1 };
      const collect = async (seed: number) => {
        const all: [string, string][] = [];
        for await (const { path, bytes } of files({ ...sizes, seed }, () => {}))
          all.push([path, createHash("sha256").update(bytes).digest("hex")]);
        return all;
      };
      const first = await collect(1);
      expect(await collect(1), name).toEqual(first);
      expect(await collect(2), name).not.toEqual(first);
    }
  });

  it("of cosmology: a record a catalogue, in three splits", async () => {
    const files = await generated("cosmology", { samples: 5, points: 20 });
    const counts = [...files].map(([path, bytes]) => [path, [...readTfRecords(bytes)].length]);
    expect(counts).toEqual([
      ["halos_train_0.tfrecord", 3],
      ["halos_val_0.tfrecord", 1],
      ["halos_test_0.tfrecord", 1],
    ]);
    const [record] = readTfRecords(files.get("halos_val_0.tfrecord") as Uint8Array);
    const found = new Map(
      [...readExample(record, "val")].map(([name, feature]) => [
        name,
        readTensorProto((feature as { bytes: Uint8Array[] }).bytes[0], name),
      ]),
    );
    const halos = haloCatalogue(20, SEED, 3);
    expect([...found.keys()]).toEqual([...HALO_FIELDS, "Omega_m", "Omega_b", "h", "n_s", "sigma_8", "tpcf"]);
    for (const name of HALO_FIELDS) expect(found.get(name)).toEqual({ dtype: "F32", shape: [20], data: halos[name] });
    expect(found.get("h")?.shape).toEqual([]);
  });

  it("of md: a folder of HDF5 files a trajectory, named in the splits", async () => {
    const files = await generated("md", { samples: 4, points: 6, frames: 20 });
    expect(text(files.get("splits/train.txt"))).toBe("class1-00001\nclass1-00002\n");
    expect(text(files.get("splits/test_class2.txt"))).toBe("class2-00001\n");
    const chain = chainTrajectory(6, 20, SEED, "class2-00001");
    const read = async (file: string) => loadHdf5(files.get(`polymer_test/class2-00001/${file}.h5`) as Uint8Array);
    expect((await read("position")).get("position")).toEqual({
      dtype: "F32",
      shape: [20, 6, 3],
      data: chain.positions,
    });
    expect((await read("ptype")).get("particle_type")?.data).toEqual(chain.types);
    expect((await read("bond")).get("bond_indices")).toEqual({ dtype: "I32", shape: [5, 2], data: chain.bonds });
  });

  it("of eagle: arrays by frame and node, triangles by frame", async () => {
    const files = await generated("eagle", { samples: 3, points: 40, frames: 4 });
    expect(text(files.get("Splits/valid.txt"))).toBe("Cre/1/1\n");
    const flow = flowTrajectory(40, 4, SEED, "Cre/1/1");
    const arrays = loadNpz(files.get("Cre/1/1/sim.npz") as Uint8Array);
    expect(arrays.get("pointcloud")).toEqual({ dtype: "F32", shape: [4, flow.nodes, 2], data: flow.points });
    expect(arrays.get("PS")).toEqual({ dtype: "F32", shape: [4, flow.nodes], data: flow.PS });
    expect(arrays.get("mask")?.data).toEqual(flow.mask);
    const triangles = loadNpy(files.get("Cre/1/1/triangles.npy") as Uint8Array);
    expect(triangles.shape).toEqual([4, flow.triangles.length / 12, 3]);
    expect(triangles.data).toEqual(flow.triangles);
  });

  it("of shapenet: quads and a pressure a point, folder by folder", async () => {
    const files = await generated("shapenet", { samples: 12, points: 100 });
    const folders = [...files.keys()].filter((path) => path.endsWith(".vtk"));
    expect(folders).toEqual([...folders].sort());
    const body = carBody(100, SEED, 11);
    const mesh = loadVtk(files.get("param8/0011/quadpress_smpl.vtk") as Uint8Array);
    expect(mesh.positions).toEqual(body.points);
    expect(mesh.cells.get("CELLS")?.connectivity).toEqual(body.quads);
    expect(mesh.cellTypes).toEqual(new Int32Array(body.quads.length / 4).fill(9));
    expect(loadNpy(files.get("param8/0011/press.npy") as Uint8Array).data).toEqual(body.pressure);
  });
});

it("splits leave something for validation and test, and most for training", () => {
  expect(splitSizes(3)).toEqual({ train: 1, validation: 1, test: 1 });
  expect(splitSizes(40)).toEqual({ train: 32, validation: 4, test: 4 });
});
