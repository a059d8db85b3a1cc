// Configs of folders: the documented example, defaults, overrides, and errors.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ConfigError } from "../../../src/errors.ts";
import { resolveConfig } from "../../../src/erwin/config.ts";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import { folderOptions, resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { findUnits, matchesPattern } from "../../../src/experiments/folder/files.ts";
import { FramesSource } from "../../../src/experiments/folder/frames.ts";
import { proposeConfig } from "../../../src/experiments/folder/propose.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import { divide } from "../../../src/experiments/folder/splits.ts";
import { survey } from "../../../src/experiments/folder/survey.ts";
import type { SafeTensorInput } from "../../../src/formats/bytes/elements.ts";
import { saveNpz } from "../../../src/formats/numpy/npz.ts";
import { saveSafetensors } from "../../../src/formats/safetensors/safetensors.ts";
import { savePvd } from "../../../src/formats/vtk/pvd.ts";

const page = readFileSync(new URL("../../../src/experiments/folder/README.md", import.meta.url), "utf8");
const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";

describe("the documented example", () => {
  const config = resolveFolderConfig(parse(example));

  it("is read as it says", () => {
    expect(config).toMatchObject({
      files: "**/*.vtu",
      dimensions: 3,
      graph: { kind: "mesh" },
      augmentation: { rotation: "z", noise: 0.01 },
      splits: { kind: "fractions", fractions: { train: 0.8, val: 0.1, test: 0.1 } },
    });
    expect(config.inputs.map(({ from }) => from.length)).toEqual([1, 1, 1, 3]);
    expect(config.targets.map(({ name, loss, weight, whole }) => [name, loss, weight, whole])).toEqual([
      ["pressure", "mse", 1, false],
      ["velocity", "relative_l2", 0.5, false],
      ["region", "cross_entropy", 1, false],
      ["drag", "mse", 1, true],
    ]);
    expect(resolveConfig(config.model)).toMatchObject({ cHidden: [16, 32], ballSizes: [128, 128], mpSteps: 3 });
  });

  it("names all that can be set", () => {
    expect(Object.keys(parse(example).training)).toHaveLength(Object.keys(folderOptions).length);
    for (const line of example
      .split("\n")
      .filter((text) => text.startsWith("# splits: ") || text.startsWith("# sequence: "))) {
      const other = { ...parse(example), ...parse(line.slice(2)) };
      delete other.targets.region;
      delete other.targets.drag;
      expect(() => resolveFolderConfig(other), line).not.toThrow();
    }
  });
});

it("takes names for fields, and the keys of another spelling", () => {
  const short = resolveFolderConfig({ inputs: "a", targets: ["p"], training: { "batch-size": 3 } });
  const long = resolveFolderConfig({
    inputs: { a: null },
    targets: [{ name: "p", from: "p" }],
    training: { batchSize: 3 },
  });
  expect(short).toEqual(long);
  expect(short).toMatchObject({ graph: { kind: "knn", k: 8, loop: true }, training: { batchSize: 3, steps: 2000 } });
});

it.each([
  [{ target: ["p"] }, "target", /perhaps targets was meant/],
  [{ targets: {} }, "targets", /must name the fields/],
  [{ targets: { p: { los: "mse" } } }, "targets.p.los", /perhaps loss was meant/],
  [{ targets: { p: { loss: "msee" } } }, "targets.p.loss", /one of mse.*perhaps mse was meant/],
  [{ targets: { p: { ignore: -1 } } }, "targets.p.ignore", /is of classes: say how many there are, classes: N/],
  [{ targets: { p: { classes: 2, ignore: 0.5 } } }, "targets.p.ignore", /the label that does not count/],
  [{ targets: { p: { classes: 2, class_weights: [1] } } }, "targets.p.class_weights", /balanced, or 2 numbers/],
  [{ targets: { p: { classes: 2, class_weights: [0, 0] } } }, "targets.p.class_weights", /of which some are greater/],
  [{ targets: { p: { classes: 2, loss: "mse" } } }, "targets.p.loss", /classes have the loss cross_entropy/],
  [{ targets: ["p"], graph: { kind: "radius" } }, "graph.radius", /greater than 0, not undefined/],
  [{ targets: ["p"], splits: { train: 0.8, test: 0.3 } }, "splits", /at most 1 together/],
  [{ targets: ["p"], model: { size: "small", ball_sizes: [100] } }, "model.ball_sizes", /power of two/],
  [{ targets: ["p"], model: { c_hiden: 3 } }, "model.c_hiden", /cHiden/],
  [{ targets: ["p"], training: { batch_size: 0 } }, "training.batch_size", /at least 1/],
  [{ targets: ["p"], training: { lr: 1, Lr: 1 } }, "training.Lr", /no key training\.Lr/],
  [{ targets: ["p"], normalisation: { inputs: "yes" } }, "normalisation.inputs", /one of standard, range, none/],
  [{ targets: { p: { classes: 3 } }, sequence: true }, "targets.p", /numbers that change/],
])("refuses %j", (given, field, message) => {
  const refuse = () => resolveFolderConfig(given);
  expect(refuse).toThrow(ConfigError);
  expect(refuse).toThrow(message);
  try {
    refuse();
  } catch (error) {
    expect((error as ConfigError).details.field).toBe(field);
  }
});

it.each([
  ["notes", "notes: holds"],
  ["", "the data set: holds"],
])("proposes nothing for a folder without samples, by the name %j", async (name, message) => {
  const source = new MemorySource(new Map([["notes.txt", new Uint8Array(3)]]), name);
  await expect(survey(source)).rejects.toThrow(`${message} no sample (.vtu `);
});

it("names a sample that is empty, and does without it where that is wanted", async () => {
  const table = new TextEncoder().encode("x,y,p\n0,1,2\n");
  const files = [["a.csv", new Uint8Array()] as const, ["b.csv", table] as const];
  await expect(survey(new MemorySource(new Map(files), "data"))).rejects.toThrow("data/a.csv: is empty.");
  const bad: string[] = [];
  const options = { onBad: (file: string, problem: string) => bad.push(`${file}, ${problem}`) };
  expect(await survey(new MemorySource(new Map(files), "data"), options)).toMatchObject({ files: 2, looked: 1 });
  expect(bad).toEqual(["a.csv, data/a.csv: is empty."]);
  const none = survey(new MemorySource(new Map(files.slice(0, 1)), "data"), options);
  await expect(none).rejects.toThrow("data: all of the 1 files that were looked at are damaged.");
  const pos = { shape: [0, 3], data: new Float32Array() };
  const config = resolveFolderConfig({ targets: ["p"] });
  await expect(readSample(saveNpz({ pos, p: { shape: [0], data: pos.data } }), "c.npz", config)).rejects.toThrow(
    "c.npz: has no points.",
  );
});

it("proposes nothing for a model, which is no sample", async () => {
  const model = saveSafetensors(new Map([["embed.weight", { shape: [1], data: new Float32Array(1) }]]), {
    config: "{}",
  });
  const source = new MemorySource(new Map([["model.safetensors", model]]), "runs");
  await expect(survey(source)).rejects.toThrow("model.safetensors: expected a sample, found a model");
});

it("divides all samples where the fractions are 1 together, each into one split", async () => {
  for (let count = 2; count < 40; count++) {
    const units = Array.from({ length: count }, (_, i) => ({ name: `${i}.csv`, files: [`${i}.csv`] }));
    const { train, val, test } = await divide(units, undefined, new MemorySource(new Map()));
    const names = [...train, ...val, ...test].map(({ name }) => name);
    expect([names.length, new Set(names).size], `${count} samples`).toEqual([count, count]);
  }
});

describe("what a folder's files suggest", () => {
  const propose = async (files: Record<string, Uint8Array>) => {
    const found = await survey(new MemorySource(new Map(Object.entries(files)), "data"));
    return { found, text: proposeConfig(found, "data"), config: parse(proposeConfig(found, "data")) };
  };
  const csv = (speed: number) =>
    new TextEncoder().encode(`x,y,z,p,U_0,U_1,U_2,speed\n0,0,0,1.5,1.5,2.5,3.5,${speed}\n1,1,1,2.5,4,5,6,${speed}\n`);

  it("are the files that a pattern matches, which the config then names", async () => {
    const files = { "0/internal.csv": csv(0.5), "0/wall.csv": new Uint8Array(), "0.vtm": new Uint8Array() };
    const source = new MemorySource(new Map(Object.entries(files)), "data");
    const found = await survey(source, { files: "**/internal.csv" });
    expect(found).toMatchObject({ files: 1, extension: "csv", others: [] });
    expect(parse(proposeConfig(found, "data")).files).toBe("**/internal.csv");
    await expect(survey(source, { files: "*.npz" })).rejects.toThrow("data: holds no sample (*.npz)");
  });

  it("are not those of a run beside them, which has predictions and tables", async () => {
    const run = {
      "a/config.json": new Uint8Array(),
      "a/metrics.jsonl": new Uint8Array(),
      "a/last.safetensors": new Uint8Array(),
    };
    const files = { ...run, "a/predictions/1.csv": csv(9), "b/1.csv": csv(0.5), "b/config.json": new Uint8Array() };
    expect((await propose(files)).found).toMatchObject({ files: 1, extension: "csv", others: [] });
    const source = new MemorySource(new Map(Object.entries(files)), "data");
    expect((await findUnits(source, { sequence: false })).map(({ name }) => name)).toEqual(["b/1.csv"]);
  });

  it("are the folders of splits, other formats, vectors in columns, and columns that are numbers of the whole", async () => {
    const files = { "train/a.csv": csv(0.5), "test/b.csv": csv(0.75), "test/c.ply": new Uint8Array() };
    const { config, text } = await propose(files);
    expect(config).toMatchObject({ splits: "folders", files: "**/*.csv", targets: { p: {}, U: {} } });
    expect(Object.keys(config.targets)).toEqual(["p", "U"]);
    expect(config.globals).toEqual({ speed: {} });
    expect(text).toContain("U: {}   # 3 components, 1.5 to 6");
    expect((await propose({ "a.csv": csv(1) })).config.splits).toMatchObject({ train: 0.8 });
    // Where the files are named in capitals, what is proposed finds them.
    const capitals = { "A.CSV": csv(0.5), "B.CSV": csv(0.75), "c.ply": new Uint8Array() };
    const source = new MemorySource(new Map(Object.entries(capitals)), "data");
    const units = await findUnits(source, { files: (await propose(capitals)).config.files, sequence: false });
    expect(units.map(({ name }) => name)).toEqual(["A.CSV", "B.CSV"]);
    const matching = ["a.csv", "b/a.CSV", "b/c/a.csv", "b/xa.csv", "xa.csv"].filter((path) =>
      matchesPattern(path, "**/a.csv"),
    );
    expect(matching).toEqual(["a.csv", "b/a.CSV", "b/c/a.csv"]);
  });

  it("are only arrays that all files have: what some lack is a comment, because training would fail", async () => {
    const table = (columns: string, values: string) =>
      new TextEncoder().encode(`x,y,z,${columns}\n0,0,0,${values}\n1,1,1,${values.replaceAll(".5", ".25")}\n`);
    const { text, config } = await propose({
      "a.csv": table("p,T,sdf,wall", "1.5,2.5,3.5,4.5"),
      "b.csv": table("p,sdf", "1.5,3.5"),
    });
    expect(config).toMatchObject({ inputs: { sdf: {} }, targets: { p: {} } });
    expect([Object.keys(config.inputs), Object.keys(config.targets)]).toEqual([["sdf"], ["p"]]);
    expect(text).toMatch(/^ {2}# T: \{\} +# not in all files: 2.25 to 2.5$/m);
    const none = await propose({ "a.csv": table("p", "1.5"), "b.csv": table("T", "1.5") });
    expect(none.config.targets).toBe(null);
    expect(none.text).toMatch(/^targets: {3}# edit: nothing in all files looks like a result, .* array of your own$/m);
    const moved = saveNpz({ positions: { shape: [3, 2, 3], data: Float32Array.from({ length: 18 }, (_, i) => i) } });
    expect((await propose({ "a.npz": moved })).text).toMatch(/: positions, with sequence: \{history: 5\}$/m);
  });

  it("are positions in a group of a file, whose third coordinate is kept, and numbers in half precision", async () => {
    const half = { dtype: "F16" as const, shape: [2], data: Uint16Array.of(0x3c00, 0xc000) };
    const points = { shape: [2, 3], data: Float32Array.of(0, 0, 0, 1, 1, 1) };
    const sample = (name: string) =>
      saveSafetensors(
        new Map<string, SafeTensorInput>([
          [name, points],
          ["half", half],
        ]),
      );
    const { found, text, config } = await propose({ "a.safetensors": sample("mesh/points") });
    expect(found).toMatchObject({ points: [2, 2], dimensions: 3, coordinates: ["mesh/points"] });
    expect(config).toMatchObject({ coordinates: "mesh/points", dimensions: 3 });
    expect(text).toContain("half: {}   # -2 to 1");
    const vertices = new Map<string, SafeTensorInput>([
      ["vertices", points],
      ["p", { shape: [2], data: Float32Array.of(0.5, 1.5) }],
      ["edges", { shape: [1, 2], data: Int32Array.of(0, 1) }],
    ]);
    const mesh = await propose({ "a.safetensors": saveSafetensors(vertices) });
    expect(mesh.config).toMatchObject({ coordinates: "vertices", graph: "mesh" });
    const read = await readSample(saveSafetensors(vertices), "a.safetensors", resolveFolderConfig(mesh.config));
    expect(read.edges).toEqual(Int32Array.of(0, 1, 1, 0));
    // Of two edges in an array [2, 2] the name says whether they are rows: here (0, 1) and (1, 2), there (0, 2) and (1, 2).
    const ofTwo = async (name: string, list: number[]) => {
      const arrays = new Map<string, SafeTensorInput>([
        ["positions", { shape: [3, 2], data: new Float32Array(6) }],
        ["p", { shape: [3], data: new Float32Array(3) }],
        [name, { shape: [2, 2], data: Int32Array.from(list) }],
      ]);
      const graph = resolveFolderConfig({ targets: ["p"], graph: "mesh" });
      return (await readSample(saveSafetensors(arrays), "a.safetensors", graph)).edges;
    };
    expect(await ofTwo("edges", [0, 1, 1, 2])).toEqual(Int32Array.of(0, 1, 1, 2, 1, 2, 0, 1));
    expect(await ofTwo("edge_index", [0, 1, 2, 2])).toEqual(Int32Array.of(0, 1, 2, 2, 2, 2, 0, 1));
    const dolfinx = await propose({ "a.safetensors": sample("Mesh/mesh/geometry") });
    expect(dolfinx.config.coordinates).toBe("Mesh/mesh/geometry");
    const unknown = await propose({ "a.safetensors": sample("q") });
    expect(unknown.config.dimensions).toBeUndefined();
    expect(unknown.text).toContain("1 .safetensors files.");
  });

  it("are inputs and targets by the names of arrays without their groups, and elements however many are between them", async () => {
    const numbers = (...shape: number[]) => {
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i / 7);
      return { shape, data };
    };
    // The names of Gadget's particles.
    const particles = new Map<string, SafeTensorInput>([
      ["PartType1/Coordinates", numbers(3, 3)],
      ["PartType1/Velocities", numbers(3, 3)],
      ["PartType1/NormalDistance", numbers(3)],
    ]);
    const { config } = await propose({ "a.safetensors": saveSafetensors(particles) });
    expect(Object.keys(config.targets)).toEqual(["PartType1/Velocities"]);
    expect(Object.keys(config.inputs)).toEqual(["PartType1/NormalDistance"]);
    const atoms = "Properties=species:S:1:pos:R:3:forces:R:3\nAu 0 0 0 0.5 0 0\nCu 1 0 0 0 0 1.5\n";
    const alloy = await propose({ "a.extxyz": new TextEncoder().encode(`2\n${atoms}`) });
    expect(alloy.config).toMatchObject({ inputs: { species: { classes: 80 } }, targets: { forces: {} } });
    expect(Object.keys(alloy.config.targets)).toEqual(["forces"]);
  });

  it("are positions in an array for each axis, as in netCDF, unless they are a grid's; turned ones are refused", async () => {
    const rows = (...data: number[]) => ({ shape: [data.length], data: Float32Array.from(data) });
    const table = new Map<string, SafeTensorInput>(
      ["Y", "p", "X", "z"].map((name, i) => [name, rows(i, 2 * i + 1.5, 4 * i)]),
    );
    const { found, text, config } = await propose({ "a.safetensors": saveSafetensors(table) });
    expect(found).toMatchObject({ points: [3, 3], dimensions: 3, coordinates: ["X", "Y", "z"] });
    expect(text).toContain('coordinates: [X, "Y", z]   # the arrays that seem');
    expect(config).toMatchObject({ coordinates: ["X", "Y", "z"], targets: { p: {} }, inputs: {} });
    expect(Object.keys(config.targets)).toEqual(["p"]);
    const grid = new Map<string, SafeTensorInput>([...table, ["X", rows(0, 1)]]);
    const square = new Map<string, SafeTensorInput>([...table, ["u", { shape: [3, 3], data: new Float32Array(9) }]]);
    for (const axes of [grid, square])
      expect((await propose({ "a.safetensors": saveSafetensors(axes) })).found.coordinates).toBeUndefined();
    const turned = new Map([["pos", { shape: [3, 4], data: new Float32Array(12) }]]);
    await expect(propose({ "a.safetensors": saveSafetensors(turned) })).rejects.toThrow(
      "data/a.safetensors: expected positions of shape [points, 2] or [points, 3], found [3,4]: transpose it",
    );
  });

  it("are of files that may be of several kinds in turn, and no long lists of the whole", async () => {
    const pos = { shape: [2, 3], data: Float32Array.of(0, 0, 0, 1, 1, 1) };
    const file = (i: number) =>
      saveNpz({
        pos,
        ...{ spectrum: { shape: [100], data: new Float32Array(100) }, speed: { shape: [1], data: Float32Array.of(i) } },
        [i < 20 ? "p" : "q"]: { shape: [2], data: Float32Array.of(0.5, i + 0.5) },
      });
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i + 10}.npz`, file(i)]));
    const { found, config } = await propose(files);
    expect([found.looked, found.arrays.map(({ name }) => name).sort()]).toEqual([8, ["p", "q", "speed"]]);
    expect(config.globals).toEqual({ speed: {} });
  });

  it("know a time t of the whole from a temperature T", async () => {
    const arrays = {
      pos: { shape: [2, 3], data: new Float32Array(6) },
      T: { shape: [2], data: Float32Array.of(1.5, 2) },
    };
    const wholes = { t: { shape: [], data: Float64Array.of(0.5) }, Re: { shape: [1], data: Float64Array.of(100) } };
    const { config } = await propose({ "a.safetensors": saveSafetensors({ ...arrays, ...wholes }) });
    expect([Object.keys(config.targets), Object.keys(config.globals)]).toEqual([["T"], ["Re"]]);
  });

  it("are of other formats, which is said with how to convert them", async () => {
    const refusal = (...paths: string[]) => propose(Object.fromEntries(paths.map((path) => [path, new Uint8Array()])));
    await expect(refusal("readme.md", "flow.zarr/p/0.0")).rejects.toThrow('"flow.zarr" is a folder of arrays: save');
    await expect(refusal("a.stl")).rejects.toThrow('"a.stl" is a surface without fields: save it with them');
    await expect(refusal("halos.fits")).rejects.toThrow('"halos.fits" is a table of astronomy: convert it by astropy');
    await expect(refusal("a.pth")).rejects.toThrow('"a.pth" is a file of PyTorch: save its arrays by safetensors');
    // With this, the command line does not advise to skip damaged samples.
    await expect(refusal("a.npy")).rejects.toMatchObject({ details: { found: ["npy"] } });
  });
});

it("proposes a config that can be used", () => {
  const array = (name: string, of: "points" | "whole", more = {}) => ({
    name,
    of,
    components: 1,
    least: 0,
    most: 1,
    samples: 3,
    ...more,
  });
  const text = proposeConfig(
    {
      extension: "vtu",
      files: 9,
      looked: 3,
      collections: 0,
      dimensions: 2,
      points: [10, 12],
      namesPositions: true,
      hasCells: true,
      arrays: [
        array("Druck p: 1", "points"),
        array("Normals", "points", { components: 3 }),
        array("kind", "points", { classes: 3 }),
        array("TimeValue", "whole"),
        array("speed", "whole"),
      ],
      cellData: ["quality"],
      leftOut: new Map(),
    },
    "data",
  );
  const config = resolveFolderConfig(parse(text));
  expect(config.targets.map(({ name }) => name)).toEqual(["Druck p: 1"]);
  expect(config.inputs.map(({ name, classes }) => [name, classes])).toEqual([
    ["Normals", undefined],
    ["kind", 3],
  ]);
  expect(config.globals.map(({ name }) => name)).toEqual(["speed"]);
  expect(config).toMatchObject({ dimensions: 2, graph: { kind: "mesh" } });
});

it("where points are labelled, proposes to predict the labels from all else, without those of -1", async () => {
  const column = (...values: number[]) => ({ shape: [4], data: Float32Array.from(values) });
  const file = saveNpz({
    positions: { shape: [4, 3], data: Float32Array.from({ length: 12 }, (_, i) => i * i) },
    ...{ intensity: column(5, 7.5, 1, 2), direction: column(-1, 1, 0, 1), semantic_label: column(2, -1, 0, 1) },
  });
  const found = await survey(new MemorySource(new Map([["a.npz", file]]), "data"));
  const config = resolveFolderConfig(parse(proposeConfig(found, "data")));
  expect(config.inputs.map(({ name, classes }) => [name, classes])).toEqual([
    ["intensity", undefined],
    ["direction", undefined],
  ]);
  expect(config.targets).toMatchObject([{ name: "semantic_label", classes: 3, ignore: [-1] }]);
});

it("a mesh in pieces is refused, whose pieces would be samples, unless the config says that they are", async () => {
  const paths = ["a.pvtu", "a_0.vtu", "a_1.vtu"];
  const source = new MemorySource(new Map(paths.map((path) => [path, new Uint8Array()])), "data");
  const refusal = /^data\/a\.pvtu: is in pieces, each of which would be a sample of its own: join them in ParaView/;
  await expect(findUnits(source, { sequence: false })).rejects.toThrow(refusal);
  await expect(survey(source)).rejects.toThrow(refusal);
  expect(await findUnits(source, { sequence: false, files: "*.vtu" })).toHaveLength(2);
});

it("takes the frames of a file of atoms for samples, and for a sequence", async () => {
  const frame = (energy: number) => `1\nProperties=species:S:1:pos:R:3 energy=${energy}\nC 0 1 ${energy}\n`;
  const file = (energies: number[]) => new TextEncoder().encode(energies.map(frame).join(""));
  const train = Array.from({ length: 12 }, (_, i) => i);
  const files = { "train.extxyz": file(train), "test.xyz": file([20, 21]), "one.extxyz": file([30]) };
  const memory = new MemorySource(new Map(Object.entries(files)), "data");
  const source = new FramesSource(memory);
  const units = await findUnits(source, { sequence: false });
  expect(units).toHaveLength(15);
  const splits = await divide(units, undefined, source);
  // Names are in the order of the frames.
  const nameOf = (i: number) => `train.extxyz/${String(i).padStart(2, "0")}.extxyz`;
  expect(splits.train.map(({ name }) => name)).toEqual(train.map(nameOf));
  expect(splits.test.map(({ name }) => name)).toEqual(["test.xyz/0.xyz", "test.xyz/1.xyz"]);
  const read = async (path: string, range?: object) => new TextDecoder().decode(await source.read(path, range));
  expect([await read("train.extxyz/09.extxyz"), await read("one.extxyz")]).toEqual([frame(9), frame(30)]);
  expect(await read("test.xyz/0.xyz", { offset: 2, length: 1000 })).toBe(frame(20).slice(2));
  expect(await source.size("test.xyz/1.xyz")).toBe(frame(21).length);
  expect(await findUnits(source, { sequence: false, files: "t*.xyz" })).toHaveLength(2);
  const listed = await divide(units, { kind: "lists", lists: { train: ["train.extxyz"], val: ["test.xyz"] } }, source);
  expect([listed.train.length, listed.val.length]).toEqual([12, 2]);
  const [sequence] = await findUnits(source, { sequence: true, files: "train.*" });
  expect([sequence.name, sequence.files.length, sequence.files[11]]).toEqual([
    "train.extxyz",
    12,
    "train.extxyz/11.extxyz",
  ]);
  expect(await survey(memory)).toMatchObject({ files: 13, extension: "extxyz", splitFolders: true });
});

describe("sequences of numbered files", () => {
  const sequences = (...paths: string[]) =>
    findUnits(new MemorySource(new Map(paths.map((path) => [path, new Uint8Array()]))), { sequence: true });

  it("are of files whose names differ in nothing but their last number", async () => {
    expect(await sequences("a/run_10.vtu", "a/run_9.vtu", "b/run_1.vtu", "notes.7", "0.npz", "1.npz")).toEqual([
      { name: "npz", files: ["0.npz", "1.npz"] },
      { name: "a/run", files: ["a/run_9.vtu", "a/run_10.vtu"] },
    ]);
    expect(await sequences("run1_0.csv", "run1_0.npz", "run1_1.csv", "run1_1.npz", "run1-0.csv", "run1-1.csv")).toEqual(
      [
        { name: "run1-.csv", files: ["run1-0.csv", "run1-1.csv"] },
        { name: "run1_.csv", files: ["run1_0.csv", "run1_1.csv"] },
        { name: "run1_.npz", files: ["run1_0.npz", "run1_1.npz"] },
      ],
    );
  });

  it("are refused where the numbers tell no order, as decimals do not", async () => {
    const refused = sequences("t_0.05.csv", "t_0.1.csv");
    await expect(refused).rejects.toThrow(/t_0\.05\.csv.*"05" and, in "t_0\.1\.csv", "1" do not tell .*as many digits/);
    expect(await sequences("t_00.csv", "t_99.csv", "t_100.csv")).toHaveLength(1);
    await expect(sequences("t_0.csv", "t_05.csv", "t_1.csv")).rejects.toThrow('"05" and, in "t_0.csv", "0"');
  });
});

describe("splits", () => {
  const nowhere = new MemorySource(new Map());
  const unitsOf = (...names: string[]) => names.map((name) => ({ name, files: [name] }));

  it.each([
    [1, { train: 0.8, val: 0.1, test: 0.1 }, [1, 0, 0]],
    [2, { train: 0.8, val: 0.1, test: 0.1 }, [2, 0, 0]],
    [3, { train: 0.8, val: 0.1, test: 0.1 }, [1, 1, 1]],
    [4, { train: 0.8, val: 0.1, test: 0.1 }, [2, 1, 1]],
    [10, { train: 0.5, val: 0.2, test: 0.1 }, [5, 2, 1]],
    [4, { train: 0.1, val: 0, test: 0 }, [1, 0, 0]],
  ])(
    "of %i samples by %o are not empty where that can be, and leave out what they say",
    async (count, fractions, sizes) => {
      const units = unitsOf(...Array.from({ length: count }, (_, i) => `${i}.vtu`));
      const { train, val, test } = await divide(units, { kind: "fractions", fractions, seed: 0 }, nowhere);
      expect([train.length, val.length, test.length]).toEqual(sizes);
      expect(new Set([...train, ...val, ...test]).size).toBe(train.length + val.length + test.length);
    },
  );

  it("keep frames of a file, or files in a folder, together where groups are asked for", async () => {
    const runs = Array.from({ length: 10 }, (_, i) => `run ${i}.npz`);
    const frames = unitsOf(...runs.flatMap((run) => ["0000.npz", "0001.npz"].map((frame) => `case/${run}/${frame}`)));
    const splitsOf = async (rule: object, units = frames) => {
      const { splits } = resolveFolderConfig({ targets: ["p"], splits: rule });
      const { train, val, test } = await divide(units, splits, nowhere);
      return [train, val, test].map((split) => split.map(({ name }) => name));
    };
    const [train, val, test] = await splitsOf({ group_by: "file" });
    expect([train.length, val.length, test.length]).toEqual([16, 2, 2]);
    const fileOf = (name: string) => name.slice(0, name.lastIndexOf("/"));
    for (const held of [val, test]) expect(new Set(held.map(fileOf)).size).toBe(1);
    expect(new Set([...train, ...val, ...test]).size).toBe(20);
    // By default each frame is for itself: two of one run are then in two splits.
    const [apart] = await splitsOf({ seed: 0 });
    expect(apart.length - new Set(apart.map(fileOf)).size).toBeLessThan(8);
    const steps = unitsOf("a/1.vtu", "a/2.vtu", "b/1.vtu", "b/2.vtu", "c.vtu");
    const byFolder = await splitsOf({ train: 0.4, val: 0.3, test: 0.3, group_by: "folder" }, steps);
    expect(byFolder.map((names) => names.join()).sort()).toEqual(["a/1.vtu,a/2.vtu", "b/1.vtu,b/2.vtu", "c.vtu"]);
    await expect(splitsOf({ group_by: "folder" })).rejects.toThrow(
      "splits.group_by: folder cannot divide the samples of one folder: leave it out, or give lists",
    );
    expect(() => resolveFolderConfig({ targets: ["p"], splits: { train: ["a"], group_by: "file" } })).toThrow(
      "splits.group_by must be left out beside lists, which divide alone",
    );
  });

  it("by lists have none whose names begin alike, and a sequence by one of its frames; folders may be in capitals", async () => {
    const named = (units: readonly { name: string }[]) => units.map(({ name }) => name);
    const run = { name: "run", files: ["run_0.vtu", "run_1.vtu"] };
    const units = [...unitsOf("case_1.vtu", "case_10.vtu", "case_1/a.vtu"), run];
    const lists = { train: ["case_1"], val: ["run_1.vtu"] };
    const { train, val } = await divide(units, { kind: "lists", lists }, nowhere);
    expect([named(train), named(val)]).toEqual([["case_1.vtu", "case_1/a.vtu"], ["run"]]);
    // A pattern for a file means all its frames, as its name does.
    const frames = unitsOf("data/train0.h5/0.npz", "data/train1.h5/0.npz", "data/test0.h5/0.npz");
    const byFile = await divide(frames, { kind: "lists", lists: { train: ["train*"], test: ["data/test0"] } }, nowhere);
    expect([named(byFile.train), named(byFile.test)]).toEqual([
      ["data/train0.h5/0.npz", "data/train1.h5/0.npz"],
      ["data/test0.h5/0.npz"],
    ]);
    const inFolders = await divide(unitsOf("Train/a.vtu", "VAL/b.vtu", "c.vtu"), undefined, nowhere);
    expect([named(inFolders.train), named(inFolders.val)]).toEqual([["Train/a.vtu"], ["VAL/b.vtu"]]);
  });
});

describe("files", () => {
  const sourceOf = (files: Record<string, Uint8Array>) => new MemorySource(new Map(Object.entries(files)), "data");
  const empty = (...paths: string[]) => Object.fromEntries(paths.map((path) => [path, new Uint8Array()]));

  it.each([
    ["*.vtu", ["a.vtu", "b/c.vtu", "D.VTU"], ["a.vtu.npz"]],
    ["b/*.vtu", ["b/c.vtu"], ["a.vtu", "b/d/c.vtu", "a/b/c.vtu"]],
    ["b/**/*.VTU", ["b/c.vtu", "b/d/e/c.vtu"], ["c.vtu", "a/b/c.vtu"]],
    ["run_?.(1)+.npz", ["run_1.(1)+.npz"], ["run_10.(1)+.npz", "run_1.11.npz"]],
  ])("match the pattern %s in any folder, or in those that it names", (pattern, matching, others) => {
    const isMatch = (path: string) => matchesPattern(path, pattern);
    expect([matching.filter(isMatch), others.filter(isMatch)]).toEqual([matching, []]);
  });

  it("that are hidden are no samples, and of a list those that match, each once", async () => {
    const lines = "\ufeffb.npz\r\n./a.npz\r\nb.csv\r\na.npz\r\n./b.npz\r\n";
    // As PowerShell's > writes it.
    const utf16 = new Uint8Array(Uint16Array.from([...lines], (_, i) => lines.charCodeAt(i)).buffer);
    const list = { "list.txt": new TextEncoder().encode(lines), "utf16.txt": utf16 };
    const source = sourceOf({ ...empty("a.npz", "._b.npz", ".git/c.npz", "b.npz", "b.csv"), ...list });
    const found = async (options: object) =>
      (await findUnits(source, { sequence: false, ...options })).map(({ name }) => name);
    expect(await found({})).toEqual(["a.npz", "b.csv", "b.npz"]);
    for (const list of ["list.txt", "utf16.txt"]) {
      expect(await found({ list, files: "b.*" })).toEqual(["b.npz", "b.csv"]);
      expect(await found({ list })).toEqual(["b.npz", "./a.npz", "b.csv"]);
    }
  });

  it("of a collection are in the order of its times, one for each, by paths from its own folder", async () => {
    const times = [0.5, 0, 1.5];
    const paths = ["..\\frames\\b.vtu", "./a.vtu", "../runs/../frames/c.vtu"];
    const collection = (times: number[]) => savePvd(paths.map((file, i) => ({ file, time: times[i] })));
    const frames = empty("runs/a.vtu", "frames/b.vtu", "frames/c.vtu");
    const units = (times: number[]) =>
      findUnits(sourceOf({ ...frames, "runs/flow.pvd": collection(times) }), { sequence: true });
    expect(await units(times)).toEqual([
      { name: "runs/flow.pvd", files: ["runs/a.vtu", "frames/b.vtu", "frames/c.vtu"], times: [0, 0.5, 1.5] },
    ]);
    await expect(units([0, 1, 0])).rejects.toThrow("data/runs/flow.pvd: has several files at the time 0");
  });
});

it("proposes fewer levels where one ball of a size's would hold each cloud", async () => {
  const cloud = (points: number) =>
    saveNpz({
      positions: { shape: [points, 3], data: Float32Array.from({ length: 3 * points }, (_, i) => Math.sin(i * i)) },
      u: { shape: [points], data: Float32Array.from({ length: points }, (_, i) => Math.sin(i)) },
    });
  const modelFor = async (...sizes: number[]) => {
    const files = sizes.map((points, i) => [`${i}.npz`, cloud(points)] as const);
    const proposed = proposeConfig(await survey(new MemorySource(new Map(files), "data")), "data");
    return resolveConfig(resolveFolderConfig(parse(proposed)).model);
  };
  expect(await modelFor(40, 256)).toMatchObject({ cIn: 32, cHidden: [32, 64], ballSizes: [128, 128], strides: [2] });
  expect(await modelFor(40, 257)).toMatchObject({ cHidden: [32, 64, 128, 256], ballSizes: [256, 256, 256, 256] });
});
