// A damaged file of a data set gives a FormatError that names the file.

import { saveNpy } from "erwin/formats";
import { expect, it, vi } from "vitest";
import { MemorySource } from "../../src/experiments/data-source.ts";
import { loadWindows } from "../../src/experiments/md/windows.ts";
import { loadCars } from "../../src/experiments/shapenet/cars.ts";
import { saveHdf5 } from "../../src/formats/hdf5/hdf5.ts";
import { Random } from "../../src/random.ts";

const frames = 20;
const beads = 5;

async function chain(): Promise<Map<string, Uint8Array>> {
  const random = new Random(1);
  const position = Float32Array.from({ length: frames * beads * 3 }, () => random.normal());
  const save = (name: string, shape: number[], data: Float32Array | Int32Array) =>
    saveHdf5(new Map([[name, { dtype: data instanceof Int32Array ? "I32" : "F32", shape, data }]]));
  return new Map([
    ["splits/train.txt", new TextEncoder().encode("chain\n")],
    ["polymer_train/chain/position.h5", await save("position", [frames, beads, 3], position)],
    ["polymer_train/chain/ptype.h5", await save("particle_type", [beads], new Int32Array(beads))],
    ["polymer_train/chain/bond.h5", await save("bond_indices", [2, 2], Int32Array.of(0, 1, 1, 4))],
  ]);
}

it("md: reads windows, and names what does not fit", async () => {
  const files = await chain();
  const split = await loadWindows(new MemorySource(files, "D"), "train");
  expect(split.size).toBe(frames - 16);
  const sample = await split.load(3, new Random(0));
  expect(sample.edges).toEqual(Int32Array.of(0, 1, 1, 4, 1, 4, 0, 1));

  const wrong = async (path: string, bytes: Uint8Array | undefined) => {
    const changed = new Map(files);
    if (bytes) changed.set(path, bytes);
    else changed.delete(path);
    await expect(loadWindows(new MemorySource(changed, "D"), "train")).rejects.toMatchObject({
      name: "FormatError",
      message: expect.stringContaining(`D/${path}`),
      details: { file: `D/${path}` },
    });
  };
  const position = "polymer_train/chain/position.h5";
  // With someone to tell, a trajectory that cannot be read is left out: here the first of two.
  const partly = new Map([...files, ["splits/train.txt", new TextEncoder().encode("absent\nchain\n")]] as const);
  const onBad = vi.fn();
  const sound = await loadWindows(new MemorySource(partly, "D"), "train", { onBad });
  expect([sound.size, sound.nameOf(3)]).toEqual([split.size, split.nameOf(3)]);
  expect((await sound.load(3, new Random(0))).positions).toEqual(sample.positions);
  const problem = expect.stringContaining("D/polymer_train/absent/position.h5");
  expect(onBad.mock.calls).toEqual([[{ split: "train", sample: "absent", problem }]]);
  const array = (name: string, shape: number[], data: Float32Array | Int32Array) =>
    saveHdf5(new Map([[name, { dtype: data instanceof Int32Array ? "I32" : "F32", shape, data }]]));
  await wrong(position, undefined);
  await wrong("splits/train.txt", undefined);
  await wrong(position, files.get(position)!.slice(0, 300));
  await wrong(position, await array("position", [16, beads, 3], new Float32Array(16 * beads * 3)));
  await wrong(
    position,
    await array("position", [frames, beads, 3], new Float32Array(frames * beads * 3).fill(Number.NaN)),
  );
  await wrong("polymer_train/chain/ptype.h5", await array("particle_type", [beads + 1], new Int32Array(beads + 1)));
  await wrong("polymer_train/chain/ptype.h5", await array("particle_type", [beads], Int32Array.of(0, 1, 2, 3, 4)));
  await wrong("polymer_train/chain/bond.h5", await array("bond_indices", [1, 2], Int32Array.of(0, beads)));
});

/** Two quads of the seven points, one of which belongs to neither. */
const mesh = `# vtk DataFile Version 3.0
car
ASCII
DATASET UNSTRUCTURED_GRID
POINTS 7 float
${Array.from({ length: 7 }, (_, i) => `${i} ${i * i} ${-i}`).join("\n")}
CELLS 2 10
4 6 5 4 3
4 3 4 1 0
CELL_TYPES 2
9 9
`;

function cars(count: number): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let car = 0; car < count; car++) {
    files.set(`param0/car${car}/quadpress_smpl.vtk`, new TextEncoder().encode(mesh));
    const data = Float32Array.from({ length: 7 }, (_, i) => 100 * car + i);
    files.set(`param0/car${car}/press.npy`, saveNpy({ shape: [7], data }));
  }
  return files;
}

it("shapenet: takes the quads' points in ascending order, and keeps training, validation and test cars apart", async () => {
  const source = new MemorySource(cars(6), "D");
  const splits = await Promise.all((["train", "val", "test"] as const).map((name) => loadCars(source, name, "val")));
  const names = splits.map((split) => Array.from({ length: split!.size }, (_, i) => split!.nameOf(i)));
  // The published test indices below 6 are 4 and 5.
  expect(names[2]).toEqual(["param0/car4", "param0/car5"]);
  expect(names.flat().sort()).toEqual(Array.from({ length: 6 }, (_, car) => `param0/car${car}`));
  expect(names[1]).toHaveLength(1);
  const { pressure } = await splits[2]!.load(0, new Random(0));
  const expected = [0, 1, 3, 4, 5, 6].map((point) => (400 + point + 36.3099) / 48.5743);
  pressure.forEach((value, i) => void expect(value).toBeCloseTo(expected[i], 5));
});

it("shapenet: names the file that is missing or does not fit", async () => {
  const read = async (change: (files: Map<string, Uint8Array>) => void) => {
    const files = cars(1);
    change(files);
    const split = await loadCars(new MemorySource(files, "D"), "train", "test");
    return split!.load(0, new Random(0));
  };
  const expectFile = (result: Promise<unknown>, file: string) =>
    expect(result).rejects.toMatchObject({ name: "FormatError", details: { file: `D/param0/car0/${file}` } });
  await expectFile(
    read((files) => files.delete("param0/car0/press.npy")),
    "press.npy",
  );
  const short = saveNpy({ shape: [6], data: new Float32Array(6) });
  await expectFile(
    read((files) => files.set("param0/car0/press.npy", short)),
    "press.npy",
  );
  const cut = new TextEncoder().encode(mesh.slice(0, 120));
  await expectFile(
    read((files) => files.set("param0/car0/quadpress_smpl.vtk", cut)),
    "quadpress_smpl.vtk",
  );
  await expect(loadCars(new MemorySource(new Map(), "D"), "train", "val")).rejects.toMatchObject({
    name: "FormatError",
  });
});
