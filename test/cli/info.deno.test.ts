// erwin info --json, with files that other software wrote, and with the folder of a data set.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { saveNpz, saveVtu } from "erwin/formats";
import { afterAll, expect, it } from "vitest";
import { useErwin } from "./calls.ts";
import { errorLine, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

async function info(file: string) {
  const { code, stdout, stderr } = await erwin(["info", file, "--json"]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

it("sums up arrays, and counts what is not finite apart", async () => {
  const data = Float32Array.of(1, Number.NaN, -3, Number.POSITIVE_INFINITY);
  writeFileSync(path("a.npz"), saveNpz({ a: { shape: [2, 2], data }, b: { shape: [0], data: new Int32Array() } }));
  expect(await info(path("a.npz"))).toEqual({
    file: path("a.npz"),
    format: "npz",
    arrays: [
      { name: "a", shape: [2, 2], dtype: "F32", min: -3, max: 1, mean: -1, nan: 1, infinite: 1 },
      { name: "b", shape: [0], dtype: "I32", min: null, max: null, mean: null, nan: 0, infinite: 0 },
    ],
    samples: 1,
  });
});

it("names the tensors in a PyTorch file by the way to them", async () => {
  const { arrays } = await info(join(import.meta.dirname, "torch", "checkpoint.pt"));
  const names = arrays.map(({ name }: { name: string }) => name);
  expect(names).toContain("model_state_dict._orig_mod.main_model.embed.embed_fn.weight");
  expect(names).toContain("optimizer_state_dict.state.0.exp_avg");
});

it("reads what is attached to points, and names the text that it leaves out", async () => {
  writeFileSync(path("a.csv"), "x,y,z,heat,label\n0,0,0,1,a\n1,2,3,5,b\n");
  const { arrays, leftOut } = await info(path("a.csv"));
  expect(leftOut).toEqual({ label: 'row 2, column 5: "a" is not a number' });
  expect(arrays).toMatchObject([
    { name: "positions", shape: [2, 3], mean: 1 },
    { name: "heat", shape: [2], min: 1, max: 5 },
  ]);
});

it("says of which type elements are in the file, whatever type they are read as", async () => {
  const typesOf = async (file: string) =>
    Object.fromEntries((await info(file)).arrays.map(({ name, dtype }: Record<string, string>) => [name, dtype]));
  const header = "ply\nformat ascii 1.0\nelement vertex 2\n";
  const properties = ["double x", "double y", "double z", "double heat", "uchar kind", "float flow"];
  const rows = "0 0 0 0.1 1 0.5\n1 1 1 0.2 2 0.5\n";
  writeFileSync(path("a.ply"), `${header}${properties.map((one) => `property ${one}\n`).join("")}end_header\n${rows}`);
  expect(await typesOf(path("a.ply"))).toEqual({ positions: "F64", heat: "F64", kind: "U8", flow: "F32" });
  const points = { shape: [2, 3], data: new Float64Array(6) };
  const pointData = {
    heat: { shape: [2], data: Float64Array.of(0.1, 0.2) },
    id: { shape: [2], data: new BigInt64Array(2) },
  };
  writeFileSync(path("a.vtu"), saveVtu({ points, pointData }));
  expect(await typesOf(path("a.vtu"))).toEqual({ positions: "F64", heat: "F64", id: "I64" });
  expect((await info(path("a.vtu"))).arrays[1]).toMatchObject({ name: "heat", min: 0.1, max: 0.2 });
  const formats = join(import.meta.dirname, "..", "formats");
  expect(await typesOf(join(formats, "maps", "doubles.pcd"))).toEqual({ positions: "F64", p: "F64" });
  const ofPcl = { positions: "F32", normal_x: "F32", red: "U8", green: "U8", blue: "U8" };
  expect(await typesOf(join(formats, "foreign", "pcl-binary.pcd"))).toMatchObject(ofPcl);
  // Digits have no type of their own: they are float64 where float32 would round them much.
  writeFileSync(path("b.csv"), "x,y,z,heat\n4500000.125,0,0,0.5\n");
  expect(await typesOf(path("b.csv"))).toEqual({ positions: "F64", heat: "F32" });
  expect((await info(path("b.csv"))).arrays[0]).toMatchObject({ max: 4500000.125 });
});

it("sums up the frames of a file of atoms, which ASE wrote", async () => {
  const file = join(import.meta.dirname, "..", "formats", "maps", "ase.extxyz");
  const { samples, arrays } = await info(file);
  expect(samples).toBe(2);
  expect(arrays).toMatchObject([
    { name: "positions", shape: [2, 3], max: expect.closeTo(1.128, 6) },
    { name: "species", min: 6, max: 8, mean: 7 },
    { name: "energy", shape: [2] },
  ]);
  const { code, stdout } = await erwin(["info", file]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("ase.extxyz: extxyz, 2 samples")]);
});

it("says of a LAZ file what it says of the LAS file in it", async () => {
  const laz = (name: string) => join(import.meta.dirname, "..", "formats", "laz", name);
  const { arrays } = await info(laz("walk.laz"));
  expect(arrays.length).toBe(20);
  expect(arrays).toEqual((await info(laz("walk.las"))).arrays);
});

it("reads the arrays of TensorFlow's records, and names the text and the bytes that it leaves out", async () => {
  const records = join(import.meta.dirname, "..", "formats", "tensorflow", "records.tfrecord");
  const { arrays, leftOut, samples } = await info(records);
  expect(samples).toBe(3);
  expect(leftOut).toEqual({ text: "bytes that are no serialized tensor of numbers" });
  const types = Object.fromEntries(
    arrays.map(({ name, dtype, shape }: Record<string, string>) => [name, `${dtype} [${shape}]`]),
  );
  expect(types).toEqual({
    ...{ x: "F32 [300]", values: "F32 [1,3]", scalar: "F32 []", double: "F64 [2]", counts: "I64 [2]" },
    ...{ floats: "F32 [2]", integers: "I64 [2]" },
  });
});

it("takes HDF5 for a file of arrays, also if the first is called positions", async () => {
  const { code, stdout, stderr } = await erwin([
    "info",
    join(import.meta.dirname, "..", "formats", "hdf5", "elsewhere.h5"),
  ]);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^ +positions +F32 +\[2, 3\] +0 to 5, mean 2.5$/m);
  expect(stdout).toContain("left out: link (a link to /position in the file latest.h5), ");
});

it("counts the samples of a data set by split", async () => {
  mkdirSync(path("set/splits"), { recursive: true });
  mkdirSync(path("set/polymer_train/a"), { recursive: true });
  writeFileSync(path("set/polymer_train/a/position.h5"), "");
  for (const [list, text] of [
    ["train", "a\nb\n"],
    ["val", "c\n"],
    ["test_class2", "d"],
  ]) {
    writeFileSync(path(`set/splits/${list}.txt`), text);
  }
  expect(await info(path("set"))).toMatchObject({
    format: "md",
    files: { h5: 1, txt: 3 },
    samples: { train: 2, val: 1, test: 1 },
  });
});

it("refuses what it cannot read in one line", async () => {
  writeFileSync(path("a.docx"), "");
  const { code, stderr } = await erwin(["info", path("a.docx"), "--json"]);
  expect(code).toBe(1);
  expect(errorLine({ code, stdout: "", stderr })).toContain("known are .safetensors");
});
