// Missing values in files as other programs write them: what is proposed for them, how they are read, and what is written beside them.

import { expect, it } from "vitest";
import { parse } from "yaml";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import { turned } from "../../../src/experiments/folder/augment.ts";
import { resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { folderExperiment, folderExperimentOf } from "../../../src/experiments/folder/experiment.ts";
import { arraysOf } from "../../../src/experiments/folder/prediction-file.ts";
import { proposeConfig } from "../../../src/experiments/folder/propose.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import { survey } from "../../../src/experiments/folder/survey.ts";
import { resolveOptions } from "../../../src/experiments/options.ts";
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

it("the error of a prediction is NaN where there is no truth, and where a prediction is not finite it is not written", () => {
  const field = { name: "u", channels: 1, truth: Float64Array.of(1, Number.NaN) };
  const arrays = arraysOf([{ ...field, prediction: Float64Array.of(3, 4) }], "a.npz", "b.npz");
  expect([...(arrays.get("error")!.data as Float32Array)]).toEqual([2, Number.NaN]);
  const wrong = { ...field, prediction: Float64Array.of(3, Number.NaN) };
  expect(() => arraysOf([wrong], "a.npz", "b.npz")).toThrow("a.npz: prediction is NaN in row 1");
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
