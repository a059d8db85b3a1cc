// Texts in files of named arrays, as NumPy, h5py, netCDF4, pandas and PyTables write them (texts/make.py): they are labels of classes.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { FormatError } from "../../src/errors.ts";
import { MemorySource } from "../../src/experiments/data-source.ts";
import { resolveFolderConfig } from "../../src/experiments/folder/config.ts";
import { proposeConfig } from "../../src/experiments/folder/propose.ts";
import { readSample } from "../../src/experiments/folder/read-sample.ts";
import { survey } from "../../src/experiments/folder/survey.ts";
import { readHdf5 } from "../../src/formats/hdf5/lazy.ts";
import { readNpz } from "../../src/formats/numpy/npz.ts";
import { Random } from "../../src/random.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "texts", name));
const all = { texts: () => true };
const kinds = ["ground", "tree", "", "Straße"];
const ofEach = (texts: string[]) => ({ shape: [4], texts });

describe("texts", () => {
  it("of .npz files are in characters, in bytes, in either order of bytes, in structures and by columns", () => {
    const { arrays, texts, leftOut } = readNpz(read("numpy.npz"), all);
    expect([...arrays.keys()]).toEqual(["pos", "table/id"]);
    expect(Object.fromEntries(texts!)).toEqual({
      unicode: ofEach(kinds),
      bytes: ofEach(kinds),
      big: ofEach(kinds),
      latin: ofEach(kinds),
      columns: { shape: [4, 2], texts: kinds.flatMap((kind, i) => [kind, kinds[3 - i]]) },
      "table/kind": ofEach(kinds),
      "table/bytes": ofEach(kinds),
      whole: { shape: [], texts: ["car"] },
      emoji: { shape: [1], texts: ["🌲"] },
    });
    expect(leftOut.get("unicode")).toBe("<U6");
    const some = readNpz(read("numpy.npz"), { only: ["pos", "big"], texts: (name) => name === "big" });
    expect([[...some.arrays.keys()], [...some.texts!.keys()]]).toEqual([["pos"], ["big"]]);
  });

  it("of HDF5 are of fixed and of varying length, members of compounds, filled with zeros or spaces, and there may be none", async () => {
    const { texts, leftOut } = await readHdf5(read("h5py.h5"), all);
    expect(Object.fromEntries(texts!)).toEqual({
      fixed: ofEach(kinds),
      varying: ofEach(kinds),
      unwritten: ofEach(["", "", "", ""]),
      "compounds/kind": ofEach(kinds),
      "compounds/bytes": ofEach(kinds),
      whole: { shape: [], texts: ["car"] },
      none: { shape: [0], texts: [] },
      padded: ofEach(kinds),
    });
    expect(leftOut.get("varying")).toBe("text");
    const pandas = await readHdf5(read("pandas.h5"), all);
    expect(pandas.texts!.get("frame/table/kind")).toEqual(ofEach(kinds));
    const ofMembers = await readHdf5(readFileSync(join(import.meta.dirname, "hdf5", "compounds.h5")), all);
    expect(ofMembers.texts!.get("group/particles/name")?.texts[3]).toBe("β");
    expect(ofMembers.texts!.get("group/particles/words")).toEqual({ shape: [4, 2], texts: Array(8).fill("") });
    const compressed = await readHdf5(readFileSync(join(import.meta.dirname, "hdf5", "pytables.h5")), all);
    expect(compressed.texts!.get("atoms/name")?.texts).toEqual(["H", "H", "H", "H", "H"]);
  });

  it("of netCDF are characters in a last axis, too", async () => {
    const { texts } = await readHdf5(read("netcdf4.nc"), all);
    expect(Object.fromEntries(texts!)).toEqual({ letters: ofEach(kinds), varying: ofEach(kinds) });
    const classic = await readHdf5(read("classic.nc"), all);
    expect(Object.fromEntries(classic.texts!)).toEqual({ letters: ofEach(kinds) });
  });
});

test.each([
  ["numpy.npz", "big"],
  ["h5py.h5", "varying"],
  ["h5py.h5", "compounds/kind"],
  ["netcdf4.nc", "letters"],
  ["classic.nc", "letters"],
])("labels of %s in %s are the classes of a target", async (file, name) => {
  const source = new MemorySource(new Map([[file, read(file)]]), "data");
  const proposed = parse(proposeConfig(await survey(source), "data"));
  const kind = proposed.inputs[name];
  expect(kind).toEqual({ classes: ["Straße", "ground", "tree"], ignore: "" });
  const config = resolveFolderConfig({ targets: { [name]: kind } });
  const sample = await readSample(read(file), file, config);
  expect([...(sample.targets[0]?.data ?? [])]).toEqual([1, 2, -1, 0]);
  const fewer = resolveFolderConfig({ targets: { [name]: { classes: ["tree", "ground"], ignore: "" } } });
  await expect(readSample(read(file), file, fewer)).rejects.toThrow(
    `${file}: array "${name}", row 3: "Straße" is none of the labels "tree", "ground", "": name it among classes or in ignore.`,
  );
  const unlabelled = await readSample(read(file), file, fewer, { truth: false });
  expect([unlabelled.targets, unlabelled.unusable]).toEqual([[undefined], expect.stringContaining('"Straße" is none')]);
  const numbers = readSample(read(file), file, resolveFolderConfig({ targets: { [name]: { classes: 3 } } }));
  await expect(numbers).rejects.toThrow(/list the texts as labels: classes: \[NAME, \.\.\.\]/);
});

test("a text of the whole is the class of a sample", async () => {
  const config = resolveFolderConfig({ targets: { whole: { classes: ["plane", "car"], whole: true } } });
  for (const file of ["numpy.npz", "h5py.h5"]) {
    const sample = await readSample(read(file), file, config);
    expect([...(sample.targets[0]?.data ?? [])]).toEqual([1]);
  }
});

test.each(["numpy.npz", "h5py.h5", "classic.nc"])(
  "%s gives its texts or a FormatError where it is damaged",
  async (file) => {
    const bytes = read(file);
    const random = new Random(0, file);
    for (let i = 0; i < 200; i++) {
      const damaged = Uint8Array.from(bytes);
      damaged[Math.floor(bytes.length * random.uniform())] ^= 1 << Math.floor(8 * random.uniform());
      const contents = await (async () => (file.endsWith("z") ? readNpz : readHdf5)(damaged, { file, ...all }))().catch(
        (error: unknown) => {
          expect(error).toBeInstanceOf(FormatError);
          expect((error as Error).message.startsWith(file)).toBe(true);
          return undefined;
        },
      );
      for (const { shape, texts } of contents?.texts?.values() ?? []) {
        expect(texts).toHaveLength(shape.reduce((product, size) => product * size, 1));
      }
    }
  },
);
