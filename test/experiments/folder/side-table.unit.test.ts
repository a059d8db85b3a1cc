// A table beside the samples: how init finds it, which row is a sample's, what its columns are, and what is said where they are not there.

import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ConfigError, FormatError } from "../../../src/errors.ts";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import { resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { folderExperiment } from "../../../src/experiments/folder/experiment.ts";
import { findFiles } from "../../../src/experiments/folder/files.ts";
import { proposeConfig } from "../../../src/experiments/folder/propose.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import {
  keyFor,
  parseSideTable,
  partOf,
  type SideTable,
  tableOfPart,
} from "../../../src/experiments/folder/side-table.ts";
import { survey } from "../../../src/experiments/folder/survey.ts";
import { findTableAmong } from "../../../src/experiments/folder/survey-table.ts";
import { resolveOptions } from "../../../src/experiments/options.ts";
import { saveNpz } from "../../../src/formats/numpy/npz.ts";

const text = (value: string) => new TextEncoder().encode(value);
const cloud = (u: number) => text(`x,y,z,u\n0,0,0,${u + 0.5}\n1,0,0,${u + 1}\n0,1,0,${u + 2}\n`);
const params = "case;speed;shape;drag\nFall 1;0,5;Würfel;1,25\nFall 2;1,5;Kugel;NA\nFall 3;2,5;Kugel;3,25\n";
const clouds = { "sub/Fall 1.csv": cloud(1), "sub/Fall 2.csv": cloud(2), "sub/Fall 3.csv": cloud(3) };
const sourceOf = (files: Record<string, Uint8Array>) => new MemorySource(new Map(Object.entries(files)), "data");

const globals = { speed: {}, shape: { classes: ["Kugel", "Würfel"] } };
const targets = { u: {}, drag: { whole: true, missing: "nan" } };

async function load(config: object, files: Record<string, Uint8Array>) {
  const experiment = folderExperiment({ splits: { train: ["*"] }, model: "small", ...config });
  const data = await experiment.load("train", resolveOptions(experiment.options) as never, sourceOf(files));
  const loaded = [];
  for (let i = 0; i < data!.size; i++) loaded.push(await data!.load(i, undefined as never));
  return { experiment, data: data!, loaded };
}

describe("init", () => {
  it("proposes a table of which a column names the samples, and its columns", async () => {
    const found = await survey(sourceOf({ ...clouds, "params.csv": text(`\ufeff${params}`) }));
    const config = parse(proposeConfig(found, "data"));
    expect(config).toMatchObject({ table: "params.csv", globals, targets });
    expect(found.files).toBe(3);
    expect(found.points).toEqual([3, 3]);
    expect(() => resolveFolderConfig(config)).not.toThrow();
  });

  it("names the column that does so if it is not the first, and finds the table beside other formats and patterns", async () => {
    const rows = params.split("\n").map((line, i) => line && `${i === 0 ? "no" : 10 * i};${line}`);
    const points = {
      positions: { shape: [3, 3], data: new Float32Array(9) },
      u: { shape: [3], data: new Float32Array(3) },
    };
    const files = Object.fromEntries([1, 2, 3].map((i) => [`Fall ${i}.npz`, saveNpz(points)]));
    const source = sourceOf({ ...files, "readme.csv": text("a,b\n1,2\n3,4\n"), "z.csv": text(rows.join("\n")) });
    for (const options of [{}, { files: "*.npz" }])
      expect((await survey(source, options)).table).toEqual({ file: "z.csv", key: "case" });
    const config = parse(proposeConfig(await survey(source, { files: "*.npz" }), "data"));
    expect(config.table).toEqual({ file: "z.csv", key: "case" });
    expect(Object.keys(config.globals)).toEqual(["no", "speed", "shape"]);
  });

  it("proposes no column without a name, such as the rows' numbers that pandas writes", async () => {
    const rows = params.split("\n").map((line, i) => line && `${i === 0 ? "" : i - 1};${line}`);
    const config = parse(
      proposeConfig(await survey(sourceOf({ ...clouds, "params.csv": text(rows.join("\n")) })), "data"),
    );
    expect(config).toMatchObject({ table: { file: "params.csv", key: "case" }, globals, targets });
    expect(() => resolveFolderConfig(config)).not.toThrow();
  });

  it("takes no table that names others, and no sample", async () => {
    const other = params.replaceAll("Fall", "Lauf");
    expect(
      (await survey(sourceOf({ ...clouds, "params.csv": text(other) }), { files: "sub/*" })).table,
    ).toBeUndefined();
    expect((await survey(sourceOf(clouds))).table).toBeUndefined();
  });
});

describe("a run", () => {
  it("has the table's values as globals and targets of the whole, and not the table as a sample", async () => {
    const { experiment, data, loaded } = await load(
      { table: "params.csv", globals, targets },
      { ...clouds, "params.csv": text(params) },
    );
    expect(data.size).toBe(3);
    expect(data.note).toBe('1 of the 3 values of "drag" in the split train are missing (33.3 %), and left out');
    const { layout } = experiment;
    const speed = layout.globals[0];
    const { shift, scale } = speed.scaling;
    const speeds = loaded.map(({ features }) => features[speed.first] * scale[0] + shift[0]);
    expect(speeds.map((value) => Number(value.toFixed(5)))).toEqual([0.5, 1.5, 2.5]);
    const { first } = layout.globals[1];
    expect(loaded.map(({ features }) => [...features.subarray(first, first + 2)])).toEqual([
      [0, 1],
      [1, 0],
      [1, 0],
    ]);
  });

  it("names the sample without a row, the column that is not there, and a cell that does not fit", async () => {
    const of = (table: string, config: object = { globals, targets }) =>
      load({ table: "params.csv", ...config }, { ...clouds, "params.csv": text(table) });
    await expect(of(params.replace("Fall 2", "Fall 4"))).rejects.toThrow(
      'data/params.csv has no row of this sample: its column "case" names "Fall 1", "Fall 4", "Fall 3".',
    );
    await expect(of(params, { globals: ["sped"], targets: ["u"] })).rejects.toThrow(
      'data/sub/Fall 1.csv: has no array "sped"; there are "u", "speed", "shape", "drag".',
    );
    await expect(of(params, { globals: ["shape"], targets: ["u"] })).rejects.toThrow(
      'data/sub/Fall 1.csv: in its row of data/params.csv the column "shape" has "Würfel", which is no number; list such texts as labels',
    );
    await expect(of(params.replace("Kugel", "Ei"))).rejects.toThrow(
      'in its row of data/params.csv the column "shape" has "Ei", which is none of the labels "Kugel", "Würfel": name it among classes',
    );
    await expect(of(params, { inputs: ["speed"], targets: ["u"] })).rejects.toThrow(
      'array "speed" has one row, there are 3 points. Numbers of the whole sample are globals',
    );
    await expect(of(params.replace("Fall 3", "Fall 1"))).rejects.toThrow(
      'two rows are of "Fall 1"; the column "case" has to name each sample once',
    );
    await expect(of(params, { table: { file: "params.csv", key: "name" }, targets: ["u"] })).rejects.toThrow(
      'data/params.csv: has no column "name"; there are "case", "speed", "shape", "drag".',
    );
    await expect(of("1,2\n3,4\n")).rejects.toThrow("its first line does not name the columns");
    await expect(load({ table: "other.csv", targets: ["u"] }, clouds)).rejects.toThrow(FormatError);
  });

  it("goes before arrays of the same names, but for those of points", async () => {
    const table = parseSideTable(text("file,u,v\na,7,8\n"), "t.csv");
    const file = text("x,y,z,u,v\n0,0,0,1,5\n1,0,0,2,5\n");
    const config = resolveFolderConfig({ targets: ["u"], globals: ["v"], table: "t.csv" });
    const sample = await readSample(file, "a.csv", config, { table });
    expect([...sample.targets[0]!.data]).toEqual([1, 2]);
    expect([...sample.globals[0].data]).toEqual([8]);
  });

  it("is predicted without the truth of the table, but not without what the model sees", async () => {
    const table = parseSideTable(text(params), "params.csv");
    const config = resolveFolderConfig({ table: "params.csv", globals, targets });
    const bytes = text("x,y,z\n0,0,0\n1,0,0\n");
    const options = { truth: false, table };
    const sample = await readSample(bytes, "new/Fall 1.csv", config, options);
    expect(sample.globals.map(({ data }) => [...data])).toEqual([[0.5], [1]]);
    expect(sample.targets.map((columns) => columns && [...columns.data])).toEqual([undefined, [1.25]]);
    await expect(readSample(bytes, "Fall 9.csv", config, options)).rejects.toThrow(
      'Fall 9.csv: has no array "speed"; there are none. params.csv has no row of this sample',
    );
    await expect(readSample(bytes, "Fall 1.csv", config, { truth: false })).rejects.toThrow(
      'from the table "params.csv", which is not beside this file: give it together with the file, or by erwin predict --table FILE, or give the values alone',
    );
  });
});

it("has for a queue's worker, as JSON, what one sample needs of it, or what an error names", async () => {
  const table = parseSideTable(text(params), "params.csv");
  const config = resolveFolderConfig({ table: "params.csv", globals, targets });
  const bytes = text("x,y,z\n0,0,0\n1,0,0\n");
  const read = (path: string, used: SideTable) =>
    readSample(bytes, path, config, { truth: false, table: used }).catch((error: Error) => error.message);
  const sent = (path: string) => tableOfPart(JSON.parse(JSON.stringify(partOf(table, path))));
  expect(sent("/new/Fall 1.csv").rows.size).toBe(1);
  for (const path of ["/new/Fall 1.csv", "/new/Fall 9.csv"])
    expect(await read(path, sent(path))).toEqual(await read(path, table));
  const ofFrames = parseSideTable(
    text("case,speed\nwater.extxyz/0001,1\nwater.extxyz/0002,2\nice.extxyz/0001,3\n"),
    "t.csv",
  );
  expect(partOf(ofFrames, "/data/water.extxyz").rows.map(([name]) => name)).toEqual([
    "water.extxyz/0001",
    "water.extxyz/0002",
  ]);
  // Not those of its neighbours, by which the jobs of a folder would grow with its square.
  const inFolder = parseSideTable(text("case,speed\nnew/a.vtu,1\nnew/b.vtu,2\n"), "t.csv");
  expect(partOf(inFolder, "/data/new/a.vtu").rows.map(([name]) => name)).toEqual(["new/a.vtu"]);
  const gaps = parseSideTable(text("case,speed\na,\nb,fast\n"), "t.csv");
  const cell = (name: string) => tableOfPart(partOf(gaps, name)).rows.get(name)![0];
  expect(cell("a").number).toBeNaN();
  expect(cell("b").number).toBeInstanceOf(FormatError);
});

describe("a sample's row", () => {
  const keyIn = (key: string, path: string) => keyFor(new Set([key]), path);

  it("is found by its path or the end of it, its file's, its folder's, or its sequence's", () => {
    for (const [key, path] of [
      ["a/b/c.vtu", "a/b/c.vtu"],
      ["b/c.vtu", "a/b/c.vtu"],
      ["b/c", "/data/a/b/c.vtu"],
      ["c", "a\\b\\c.vtu"],
      ["run_U12.5", "run_U12.5.vtu"],
      ["run 3", "runs/run 3/frame_07.npz"],
      ["water", "water.extxyz/0012.extxyz"],
      ["flow", "flow_012.vtu"],
    ])
      expect(keyIn(key, path), path).toBe(key);
    expect(keyIn("c", "a/b/cc.vtu")).toBeUndefined();
    expect(keyFor(new Set(["run 3", "frame_07"]), "run 3/frame_07.npz")).toBe("frame_07");
  });

  it("is named in the table with slashes of Windows, too", () => {
    const { rows, columns } = parseSideTable(text('file,"note, long",n\n".\\a\\b.vtu",x,1e9\n'), "t.csv");
    expect([...rows.keys()]).toEqual(["a/b.vtu"]);
    expect(columns).toEqual(["note, long", "n"]);
    expect(rows.get("a/b.vtu")?.map(({ text }) => text)).toEqual(["x", "1e9"]);
    expect(rows.get("a/b.vtu")?.[1].number).toBe(1e9);
  });
});

it("the config's key is a path, or a path and a column", () => {
  const tableOf = (table: unknown) => resolveFolderConfig({ targets: ["p"], table }).table;
  expect(tableOf("./params.csv")).toEqual({ file: "params.csv" });
  expect(tableOf({ file: "a\\params.csv", key: "id" })).toEqual({ file: "a/params.csv", key: "id" });
  expect(tableOf(undefined)).toBeUndefined();
  for (const wrong of [3, "", { key: "id" }, { file: "a.csv", column: "id" }]) {
    expect(() => tableOf(wrong), String(wrong)).toThrow(ConfigError);
  }
});

it("and its samples may be more than a call takes arguments", async () => {
  const names = Array.from({ length: 130_000 }, (_, i) => `case_${i}`);
  const files = sourceOf(Object.fromEntries(names.map((name) => [`many/${name}.csv`, text("")])));
  expect(await findFiles(files)).toHaveLength(names.length);
  const table = text(`case,speed\n${names.map((name, i) => `${name},${i}`).join("\n")}\n`);
  const few = names.slice(0, 50_000).map((name) => `${name}.csv`);
  const found = await findTableAmong(sourceOf({ "params.csv": table }), ["params.csv"], few);
  expect(found?.columns[0]).toMatchObject({ name: "speed", least: 0, most: names.length - 1 });
});
