// Missing values in files as other programs write them: what is proposed for them, how they are read, and what is written beside them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import { turned } from "../../../src/experiments/folder/augment.ts";
import { resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { folderExperiment, folderExperimentOf } from "../../../src/experiments/folder/experiment.ts";
import { sampleOfInput } from "../../../src/experiments/folder/given-fields.ts";
import { arraysOf } from "../../../src/experiments/folder/prediction-file.ts";
import { proposeConfig } from "../../../src/experiments/folder/propose.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import { survey } from "../../../src/experiments/folder/survey.ts";
import { resolveOptions } from "../../../src/experiments/options.ts";
import { saveNpz } from "../../../src/formats/numpy/npz.ts";
import { Random } from "../../../src/random.ts";

const text = (value: string) => new TextEncoder().encode(value);
// By pandas' to_csv, and by its na_rep="NA", sep=";", decimal=",".
const tables = {
  "a.csv": text("x,y,z,u,v_0,v_1,kind,sensor\n0,0,0,0.5,1.5,,wall,\n1,0,0,,2.5,3.5,,\n0,1,0,1.25,,4.5,inlet,\n"),
  "b.csv": text("x;y;z;u;v_0;v_1;kind;sensor\n0;0;0;NA;1,5;2,5;wall;NA\n1;0;0;NA;2,5;3,5;inlet;NA\n"),
  "c.csv": text("x,y,z,u,v_0,v_1,kind,sensor\n0,0,1,0.75,1.5,1.5,,\n1,1,0,2.25,2.5,3.5,,\n"),
};

it("columns with gaps are proposed as targets whose values may be missing, and read so", async () => {
  const found = await survey(new MemorySource(new Map(Object.entries(tables)), "data"));
  const proposed = proposeConfig(found, "data");
  const { targets, inputs } = parse(proposed);
  expect(inputs).toEqual({ kind: { classes: ["inlet", "wall"], ignore: "" } });
  expect(targets).toEqual({ u: { missing: "nan" }, v: { missing: "nan" } });
  expect(proposed).toMatch(/u: \{missing: nan\} +# 0\.5 to 2\.25; 42\.9 % missing/);
  expect(found.leftOut.get("sensor")).toBe("no number in the files that were looked at");
  const config = resolveFolderConfig({ targets });
  const columnsOf = async (name: keyof typeof tables) =>
    (await readSample(tables[name], name, config)).targets.map((columns) => [...columns!.data]);
  expect(await columnsOf("a.csv")).toEqual([
    [0.5, Number.NaN, 1.25],
    [1.5, Number.NaN, 2.5, 3.5, Number.NaN, 4.5],
  ]);
  expect(await columnsOf("b.csv")).toEqual([
    [Number.NaN, Number.NaN],
    [1.5, 2.5, 2.5, 3.5],
  ]);
  await expect(readSample(text("x,y,z,u\n0,0,0,none of it\n"), "d.csv", config)).rejects.toThrow(
    'd.csv: row 2, column 4: "none of it" is not a number',
  );
});

it("of a sequence, too: what is missing of a frame is 0 in the model's input, and so is unknown of which change", async () => {
  const sea = new Uint8Array(readFileSync(join(import.meta.dirname, "missing", "sea.nc")));
  const source = new MemorySource(new Map([["sea.nc", sea]]), "data");
  const { globe, targets } = parse(proposeConfig(await survey(source), "data"));
  expect({ globe, targets }).toEqual({ globe: ["lon", "lat"], targets: { sst: { missing: "nan" } } });
  const sequence = { history: 1 };
  const experiment = folderExperiment({ globe, targets, sequence, splits: { train: ["*"] }, model: "small" });
  const data = await experiment.load("train", resolveOptions(experiment.options) as never, source);
  expect(data!.note).toBe('3 of the 12 values of "sst" in the split train are missing (25 %), and left out');
  const { features, truth } = await data!.load(0, undefined as never);
  const { layout } = experiment;
  const column = ({ first, scaling: { shift, scale } }: (typeof layout.state)[0]) =>
    Array.from({ length: 6 }, (_, row) => features[row * layout.features + first]).map(
      (value) => value && Number((value * scale[0] + shift[0]).toFixed(4)),
    );
  // By make-sea.py 280 + frame^2 k / 4 at the point k from 1 on, of which the second is land, and the sixth has a gap in frame 2.
  expect(column(layout.state[0])).toEqual([280.25, 0, 280.75, 281, 281.25, 281.5]);
  expect(column(layout.history[0])).toEqual([0.25, 0, 0.75, 1, 1.25, 1.5]);
  const { shift, scale } = layout.targets[0].scaling;
  expect([...truth!].map((value) => Number((value * scale[0] + shift[0]).toFixed(4)))).toEqual([
    0.75,
    Number.NaN,
    2.25,
    3,
    3.75,
    Number.NaN,
  ]);
  const read = await data!.load(1, undefined as never);
  expect(read.truth!.findIndex(Number.isNaN)).toBe(1);
  // What was missing before is not known of the change to the last frame either.
  expect(Number.isNaN(read.truth![5])).toBe(true);
});

it("a prediction that is NaN where a value is missing is given again for the next step, however files have gaps", () => {
  const config = resolveFolderConfig({ targets: { u: { missing: -9999 }, v: {} }, sequence: true });
  const needed = ["positions", "u", "v"].map((name) => ({
    name,
    channels: name === "positions" ? 2 : 1,
    isWhole: false,
  }));
  const given = (v: number) => ({
    positions: [
      [0, 0],
      [1, 1],
    ],
    u: Float64Array.of(Number.NaN, -9999),
    v: [1, v],
  });
  const [u] = sampleOfInput(given(2), needed, config).targets;
  expect([...u!.data]).toEqual([Number.NaN, Number.NaN]);
  expect(() => sampleOfInput(given(Number.NaN), needed, config)).toThrow('array "v", row 1: is NaN');
});

it("many whole numbers are measured, few may be labels", async () => {
  const proposed = async (count: number) => {
    const rows = Array.from({ length: 120 }, (_, i) => `${i},0,0,${i === 7 ? "" : i % count}`);
    const table = text(["x,y,z,n", ...rows, ""].join("\n"));
    return parse(proposeConfig(await survey(new MemorySource(new Map([["a.csv", table]]), "data")), "data"));
  };
  expect((await proposed(120)).targets).toEqual({ n: { missing: "nan" } });
  expect((await proposed(3)).inputs).toEqual({ n: { classes: ["0", "1", "2"], ignore: "" } });
});

it("of the whole, they are counted by samples", async () => {
  const sample = (drag: number) =>
    saveNpz({
      pos: { shape: [2, 3], data: new Float32Array(6) },
      drag: { shape: [1], data: Float64Array.of(drag) },
    });
  const files = { "a.npz": sample(1), "b.npz": sample(Number.NaN), "c.npz": sample(2) };
  const target = { whole: true, missing: "nan" };
  const experiment = folderExperiment({ targets: { drag: target }, splits: { train: ["*"] }, model: "small" });
  const source = new MemorySource(new Map(Object.entries(files)), "data");
  const data = await experiment.load("train", resolveOptions(experiment.options) as never, source);
  expect(data!.note).toBe('1 of the 3 values of "drag" in the split train are missing (33.3 %), and left out');
});

it("of a grid, whose axes are no coordinates of points, it is said that the config has to name them", async () => {
  const grid = new Uint8Array(readFileSync(join(import.meta.dirname, "missing", "grid.nc")));
  const found = await survey(new MemorySource(new Map([["grid.nc", grid]]), "data"));
  const { inputs, targets, globals, ...proposed } = parse(proposeConfig(found, "data"));
  expect(proposed).toMatchObject({ globe: ["lon", "lat"], grid: ["lat", "lon"] });
  expect([inputs, targets, globals]).toEqual([{}, { sst: { missing: "nan" } }, {}]);
  const config = resolveFolderConfig({ coordinates: ["lon", "lat"], targets });
  await expect(readSample(grid, "grid.nc", config)).rejects.toThrow(
    "grid.nc: arrays side by side have 3 and 2 rows. The axes of a grid are not the coordinates of its points: say which they are, grid: [lat, lon],",
  );
});

it("points that move have to be somewhere, and a value in two frames to have a change", async () => {
  const moving = { targets: { positions: { missing: "nan" } }, sequence: true };
  expect(() => resolveFolderConfig(moving)).toThrow(
    "targets.positions.missing: points without a place have to be left",
  );
  const frames = [
    [1, Number.NaN],
    [Number.NaN, 2],
  ].map(([a, b], i) => [`f_${i}.csv`, text(`x,y,u\n0,0,${a}\n1,0,${b}`)]);
  const experiment = folderExperiment({
    targets: { u: { missing: "nan" } },
    sequence: true,
    splits: { train: ["*"] },
    model: "small",
  });
  const source = new MemorySource(new Map(frames as [string, Uint8Array<ArrayBuffer>][]), "data");
  await expect(experiment.load("train", resolveOptions(experiment.options) as never, source)).rejects.toThrow(
    'no change of "u" in the training split is measured: in no two frames that follow each other',
  );
});

it("the error of a prediction is NaN where there is no truth, and where a prediction is not finite it is not written", () => {
  const field = { name: "u", channels: 1, truth: Float64Array.of(1, Number.NaN) };
  const sample = { file: "a.npz", targets: [] };
  const arrays = arraysOf([{ ...field, prediction: Float64Array.of(3, 4) }], sample, "b.npz");
  expect([...(arrays.get("error")!.data as Float32Array)]).toEqual([2, Number.NaN]);
  const wrong = { ...field, prediction: Float64Array.of(3, Number.NaN) };
  // In a sequence, where it goes on from a missing value.
  const next = arraysOf([{ ...wrong, state: Float64Array.of(2, Number.NaN) }], sample, "b.npz");
  expect([...(next.get("prediction")!.data as Float32Array)]).toEqual([3, Number.NaN]);
  expect(() => arraysOf([{ ...wrong, state: Float64Array.of(Number.NaN, 2) }], sample, "b.npz")).toThrow("in row 1");
  expect(() => arraysOf([wrong], sample, "b.npz")).toThrow("a.npz: prediction is NaN in row 1");
});

it("a component that is missing is missing in no other that it does not turn into", async () => {
  const config = resolveFolderConfig({ targets: { v: { missing: "nan" } }, augmentation: { rotation: "z" } });
  const table = text("x,y,z,v_0,v_1,v_2\n1,0,0,3,4,nan\n0,1,0,nan,4,5\n");
  const pair = { sample: await readSample(table, "a.csv", config) };
  const [a, b, c, d, e, f] = turned(pair, config, new Random(0, "turn")).sample.targets[0]!.data;
  expect(Math.hypot(a, b)).toBeCloseTo(5, 12);
  expect([c, d, e, f]).toEqual([Number.NaN, Number.NaN, Number.NaN, 5]);
});

it("YAML's own .nan is kept with a model, whose description is JSON, which has none", async () => {
  const given = { ...parse("targets: {u: {missing: [.nan, -9999]}}"), splits: { train: ["*"] }, model: "small" };
  const experiment = folderExperiment(given);
  const options = resolveOptions(experiment.options) as never;
  const source = new MemorySource(new Map([["c.csv", tables["c.csv"]]]), "data");
  await experiment.load("train", options, source);
  const metadata = experiment.build(experiment.config(options)).metadata();
  expect(folderExperimentOf(metadata, "m").described.targets[0].missing).toEqual([Number.NaN, -9999]);
});
