// A folder of the user's own .vtu files: the built command line trains on it, continues, evaluates and predicts.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loadNpz, loadPvd, loadVtu, savePvd, saveVtu, toFloat32 } from "erwin/formats";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectClose } from "../support/compare.ts";
import { useErwin } from "./calls.ts";
import { errorLine, interruptErwin, start, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

/** Makes a triangulated square with a wave, whose frequency depends on the sample. */
function plate(index: number) {
  const side = 8 + (index % 3);
  const frequency = 1 + index / 8;
  const points = side * side;
  const at = (p: number) => [Math.floor(p / side) / side, (p % side) / side];
  const of = (value: (x: number, y: number) => number) =>
    Float32Array.from({ length: points }, (_, p) => value(at(p)[0], at(p)[1]));
  const corners: number[] = [];
  for (let p = 0; p + side + 1 < points; p++) {
    if (p % side < side - 1) corners.push(p, p + 1, p + side, p + 1, p + side + 1, p + side);
  }
  const temperature = of((x, y) => 300 + 20 * Math.sin(3 * frequency * x) * Math.cos(2 * y));
  const flux = Float32Array.from({ length: 2 * points }, (_, i) => frequency * at(i >> 1)[i % 2]);
  const region = Int32Array.from(of((x, y) => (x + y < 0.8 ? 0 : x > y ? 1 : 2)));
  const triangles = corners.length / 3;
  return saveVtu({
    points: {
      shape: [points, 3],
      data: Float32Array.from({ length: 3 * points }, (_, i) => (i % 3 < 2 ? 100 * at(Math.floor(i / 3))[i % 3] : 0)),
    },
    cells: {
      offsets: Int32Array.from({ length: triangles + 1 }, (_, i) => 3 * i),
      connectivity: Int32Array.from(corners),
      types: new Uint8Array(triangles).fill(5),
    },
    pointData: new Map([
      ["height", { shape: [points], data: of((x, y) => x * y) }],
      ["temperature", { shape: [points], data: temperature }],
      ["flux", { shape: [points, 2], data: flux }],
      ["region", { shape: [points], data: region }],
    ]),
    cellData: new Map([["quality", { shape: [triangles], data: new Float32Array(triangles).fill(0.5) }]]),
    fieldData: new Map([["frequency", { shape: [1], data: Float64Array.of(frequency) }]]),
  });
}

const config = `
dimensions: 2
inputs: [height]
targets:
  temperature:
  flux: {loss: relative_l2}
  region: {classes: 3}
globals: [frequency]
graph: mesh
splits: {train: 0.7, val: 0.15, test: 0.15}
model:
  c_in: 8
  c_hidden: 8
  ball_sizes: [16, 16]
  enc_depths: [1, 1]
  enc_num_heads: [2, 2]
  dec_depths: [1]
  dec_num_heads: [2]
  strides: [2]
training: {steps: 60, batch_size: 4, lr: 0.005, warmup: 0, log_every: 1, save_every: 20, validate_every: 30}
`;

const words = (out: string) => [
  "train",
  "--data-path",
  path("plates/samples.txt"),
  "--config",
  path("run.yaml"),
  "--out",
  path(out),
];
const onCpu = ["--backend", "cpu", "--threads", "1"];

beforeAll(() => {
  mkdirSync(path("plates"));
  for (let i = 0; i < 14; i++) writeFileSync(path(`plates/plate-${i}.vtu`), plate(i));
  writeFileSync(path("plates/plate-99.vtu"), plate(14));
  const listed = Array.from({ length: 14 }, (_, i) => `${i % 2 ? "./" : ""}plate-${i}.vtu\n`);
  writeFileSync(path("plates/samples.txt"), listed.join("\n"));
  writeFileSync(path("run.yaml"), config);
});

it("trains on the files of a list with a falling loss that ends below the mean's, and to the same bits after SIGINT", async () => {
  const whole = await erwin([...words("whole"), ...onCpu]);
  expect(whole.code, whole.stderr).toBe(0);
  expect(whole.stdout).toContain("10 to train on, 2 to validate with, 2 to test with");
  const entries = readFileSync(path("whole/metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const losses = entries.filter(({ kind }) => kind === "training").map(({ loss }) => loss);
  const mean = Number(/without learning: mean (\S+)/.exec(whole.stdout)?.[1]);
  expect(losses).toHaveLength(60);
  expect(losses.at(-1)).toBeLessThan(losses[0] / 2);
  expect(entries.at(-1)).toMatchObject({ kind: "test", step: 60 });
  expect(entries.at(-1).loss).toBeLessThan(mean);

  const begun = await interruptErwin([...words("parts"), ...onCpu], 30, () =>
    existsSync(path("parts/last.safetensors")),
  );
  expect(begun.code, begun.stderr).toBe(0);
  expect(begun.stdout).toMatch(/stopped after \d+ of 60 steps/);
  const other = await erwin([...words("parts"), ...onCpu, "graph=knn"]);
  expect(other.code).toBe(1);
  expect(errorLine(other)).toContain("graph.kind mesh, not knn");
  expect((await erwin([...words("parts"), ...onCpu])).code).toBe(0);
  for (const file of ["last.safetensors", "model.safetensors"]) {
    expect(readFileSync(path(`parts/${file}`)).equals(readFileSync(path(`whole/${file}`))), file).toBe(true);
  }
});

it("ends early by patience, with the best weights, and has then ended for the same command", async () => {
  const settings = ["training.patience=2", "training.validate_every=2", "training.lr=0.5", "training.save_every=2"];
  const command = [...words("early"), ...onCpu, ...settings];
  for (const _ of [1, 2]) {
    const ended = await erwin(command);
    expect(ended.code, ended.stderr).toBe(0);
    const [, step] = /done after (\d+) of 60 steps, as no validation was better/.exec(ended.stdout) ?? [];
    const entries = readFileSync(path("early/metrics.jsonl"), "utf8").trim().split("\n");
    const found = entries.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "validation");
    const losses = found.map(({ loss }) => loss);
    expect(found.at(-1).step).toBe(Number(step));
    expect(losses.indexOf(Math.min(...losses))).toBe(losses.length - 3);
  }
  // With more patience it goes on, as if it had been begun with that.
  const more = "training.patience=4";
  const continued = await erwin([...command, more]);
  expect(continued.code, continued.stderr).toBe(0);
  const patient = await erwin([...words("patient"), ...onCpu, ...settings, more]);
  expect(patient.code, patient.stderr).toBe(0);
  const entriesIn = (run: string) =>
    readFileSync(path(`${run}/metrics.jsonl`), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .map(({ kind, step, loss }) => ({ kind, step, loss }));
  expect(entriesIn("early")).toEqual(entriesIn("patient"));
  expect(JSON.parse(readFileSync(path("early/config.json"), "utf8")).settings.patience).toBe("4");
});

it("begins with the part of another model's weights that fits, and says what begins anew", async () => {
  const settings = ["targets.region.classes=4", "training.steps=1"];
  const command = (...more: string[]) => [...words("other"), ...onCpu, "--predictions", "off", ...settings, ...more];
  const init = ["--init", path("whole/model.safetensors")];
  expect(errorLine(await erwin(command(...init)))).toContain("Misshapen (2): ");
  expect((await erwin(command("--partial"))).stderr).toContain("--partial is of --init FILE");
  const begun = await erwin(command(...init, "--partial"));
  expect(begun.code, begun.stderr).toBe(0);
  expect(begun.stderr).toMatch(
    /whole\/model\.safetensors has no fitting values, .* for head\.2\.weight, head\.2\.bias$/m,
  );
  const [first] = readFileSync(path("other/metrics.jsonl"), "utf8").split("\n");
  expect(JSON.parse(first)).toMatchObject({ kind: "training", step: 1 });
});

it("measures each field in its own units, sample by sample", async () => {
  const result = await erwin(["evaluate", "--model", path("whole"), "--json", path("found.json"), ...onCpu]);
  expect(result.code, result.stderr).toBe(0);
  const found = JSON.parse(readFileSync(path("found.json"), "utf8"));
  expect(found).toMatchObject({ experiment: "folder", split: "test", clouds: 2 });
  const names = ["mae", "rmse", "relative_l2", "r2"].flatMap((name) => [`${name}_temperature`, `${name}_flux`]);
  for (const name of [...names, "accuracy_region", "iou_region"]) expect(found.metrics, name).toHaveProperty(name);
  // One of the targets is a class, of which zero means nothing.
  expect(Object.keys(found.baselines)).toEqual(["mean"]);
  expect(found.metrics.mae_temperature).toBeLessThan(found.baselines.mean.mae_temperature);
  expect(found.baselines.mean.r2_temperature).toBeLessThan(1e-6);
  expect(result.stderr).toMatch(new RegExp(`rmse_temperature +${found.metrics.rmse_temperature.toPrecision(4)} +\\d`));
  expect(found.samples).toHaveLength(2);
  const mean = (name: string) => (found.samples[0][name] + found.samples[1][name]) / 2;
  expect(found.metrics.mae_temperature).toBeCloseTo(mean("mae_temperature"), 10);
  expect(found.metrics.rmse_temperature ** 2).toBeCloseTo(
    (found.samples[0].rmse_temperature ** 2 + found.samples[1].rmse_temperature ** 2) / 2,
    6,
  );

  writeFileSync(
    path("plates/three.json"),
    '{"train": ["plate-1.vtu"], "test": ["plate-2.vtu", "plate-3.vtu", "plate-4.vtu"]}',
  );
  const others = ["evaluate", "--model", path("whole"), "--data-path", path("plates/three.json"), ...onCpu];
  expect(JSON.parse((await erwin(others)).stdout)).toMatchObject({ split: "test", clouds: 3 });
  expect(errorLine(await erwin([...others, "--split", "val"]))).toMatch(
    /three\.json" has no samples in the split val: measure another, --split train or test, or .* with {"val": \["\*"\]}\.$/,
  );
});

it("predicts into the input's own file what it measures, by the run and by its model file alone", async () => {
  const words = ["--input", path("plates/plate-3.vtu"), ...onCpu];
  const result = await erwin(["predict", "--model", path("whole"), "--output", path("out.vtu"), ...words]);
  expect(result.code, result.stderr).toBe(0);
  const [before, after] = [path("plates/plate-3.vtu"), path("out.vtu")].map((file) => loadVtu(readFileSync(file)));
  expect(after.points).toEqual(before.points);
  expect(after.cells).toEqual(before.cells);
  expect(after.cellData).toEqual(before.cellData);
  expect(after.fieldData).toEqual(before.fieldData);
  for (const [name, array] of before.pointData) expect(after.pointData.get(name), name).toEqual(array);
  const values = (name: string) => toFloat32(after.pointData.get(name)!);
  expect(after.pointData.get("prediction_flux")?.shape).toEqual([before.points.shape[0], 2]);
  const [truth, prediction, error] = ["temperature", "prediction_temperature", "error_temperature"].map(values);
  expect(Math.max(...error.map((value, i) => Math.abs(prediction[i] - truth[i] - value)))).toBeLessThan(1e-4);

  // The mean of the errors in the file is what evaluate prints for this sample.
  const split = await erwin([
    "evaluate",
    "--model",
    path("whole"),
    "--split",
    "train",
    "--json",
    path("train.json"),
    ...onCpu,
  ]);
  expect(split.code, split.stderr).toBe(0);
  const samples = JSON.parse(readFileSync(path("train.json"), "utf8")).samples as Record<string, number | string>[];
  const own = samples.find(({ name }) => name === "plate-3.vtu");
  const mae = error.reduce((sum, value) => sum + Math.abs(value), 0) / error.length;
  if (own) expect(mae).toBeCloseTo(own.mae_temperature as number, 3);

  const folder = ["--input", path("plates"), "--output", path("predicted"), ...onCpu];
  expect((await erwin(["predict", "--model", path("whole/model.safetensors"), ...folder])).stdout).toContain(
    "15 predicted",
  );
  expect(readFileSync(path("predicted/plate-3.vtu")).equals(readFileSync(path("out.vtu")))).toBe(true);
});

it("serves the same file as predict writes, with its normalisation, and ends at SIGTERM", async () => {
  const { pid, ended, printed } = start(["serve", "--model", path("whole"), "--port", "0", ...onCpu]);
  const url = await printed(/http:\S+/);
  const body = readFileSync(path("plates/plate-3.vtu"));
  const answer = await fetch(`${url}/predict?from=vtu`, { method: "POST", body });
  expect(answer.status).toBe(200);
  expect(readFileSync(path("out.vtu")).equals(new Uint8Array(await answer.arrayBuffer()))).toBe(true);
  const json = await fetch(`${url}/predict`, {
    method: "POST",
    body: "{}",
    headers: { "Content-Type": "application/json" },
  });
  expect([json.status, await json.text()]).toEqual([400, expect.stringMatching(/from is \\"json\\", expected .*vtu/)]);
  // This is not child.kill, after which Deno reports the signal instead of the exit code.
  process.kill(pid, "SIGTERM");
  expect((await ended).code).toBe(0);
});

it("proposes a config for files of h5py, which trains as it stands on those that a split file lists", async () => {
  const hdf5 = (name: string) => fileURLToPath(new URL(`hdf5/${name}`, import.meta.url));
  const proposed = await erwin(["init", hdf5("samples"), "--out", path("proposed.yaml")]);
  expect(proposed.code, proposed.stderr).toBe(0);
  expect(proposed.stdout).toContain("inputs material; targets deflection, slope; globals load");
  const text = readFileSync(path("proposed.yaml"), "utf8");
  expect(text).toMatch(/^# How to train on .*: 5 \.h5 files of 25 to 36 points/);
  expect(text).toMatch(/^ {2}slope: \{\} +# 2 components, -17\.28 to 17\.28$/m);
  expect(text).toMatch(/^graph: mesh +# along the sides of the cells/m);

  const config = ["--data-path", hdf5("split.json"), "--config", path("proposed.yaml"), "--out", path("split")];
  const trained = await erwin(["train", ...config, "training.steps=1", "training.batch_size=2", ...onCpu]);
  expect(trained.code, trained.stderr).toBe(0);
  expect(trained.stdout).toContain("2 to train on, 1 to validate with, 1 to test with");
  const { statistics } = JSON.parse(readFileSync(path("split/config.json"), "utf8")).data;
  for (const [name, { mean, deviation }] of Object.entries<Record<string, number[]>>(
    JSON.parse(readFileSync(hdf5("expected.json"), "utf8")),
  )) {
    const found = statistics.targets[name];
    mean.forEach((value, i) => expect(found.mean[i], name).toBeCloseTo(value, 10));
    expectClose(found.deviation, deviation, 1e-10, name);
  }
});

it("predicts a sequence from its first frame, as far from the truth as evaluate says", async () => {
  mkdirSync(path("flow"));
  const line = Float32Array.from({ length: 48 }, (_, i) => (i % 3 === 0 ? i / 48 : 0));
  for (const [s, name] of ["a", "b", "c"].entries()) {
    for (let frame = 0; frame < 4; frame++) {
      const heat = Float32Array.from({ length: 16 }, (_, p) => 300 + 5 * Math.sin((p + s) / 3 - frame));
      const pointData = new Map([["heat", { shape: [16], data: heat }]]);
      writeFileSync(path(`flow/${name}-${frame}.vtu`), saveVtu({ points: { shape: [16, 3], data: line }, pointData }));
    }
  }
  const frames = [0, 1, 2, 3].map((frame) => ({ file: `a-${frame}.vtu`, time: frame / 10 }));
  writeFileSync(path("flow/a.pvd"), savePvd(frames));
  const sequence = 'sequence: true\ntargets: [heat]\nsplits: {train: [b], val: [c], test: ["a.pvd"]}\n';
  writeFileSync(path("flow.yaml"), sequence + config.slice(config.indexOf("model:")));
  const data = ["--data-path", path("flow"), "--config", path("flow.yaml"), "--out", path("moved")];
  const trained = await erwin(["train", ...data, "training.steps=3", ...onCpu]);
  expect(trained.code, trained.stderr).toBe(0);
  const measured = await erwin(["evaluate", "--model", path("moved"), "--json", path("moved.json"), ...onCpu]);
  expect(measured.code, measured.stderr).toBe(0);
  const { rollout, baselines } = JSON.parse(readFileSync(path("moved.json"), "utf8"));
  expect(Object.keys(baselines)).toEqual(["mean", "persistence"]);

  const predict = async (input: string, output: string, ...more: string[]) => {
    const found = await erwin([
      "predict",
      "--model",
      path("moved"),
      "--input",
      input,
      "--output",
      output,
      ...more,
      ...onCpu,
    ]);
    expect(found.code, found.stderr).toBe(0);
    return loadPvd(readFileSync(join(output, "a.pvd"))).map(({ file, time }) => {
      const { pointData } = loadVtu(readFileSync(join(output, file)));
      const [truth, prediction, error] = ["heat", "prediction", "error"].map((name) => toFloat32(pointData.get(name)!));
      return { time, truth, prediction, error };
    });
  };
  const found = await predict(path("flow/a.pvd"), path("moved-a"));
  expect(found.map(({ time }) => time)).toEqual(frames.map(({ time }) => time));
  expect(found[0].prediction).toEqual(found[0].truth);
  const errors = found.map(({ error }) => Math.sqrt(error.reduce((sum, value) => sum + value ** 2, 0) / error.length));
  expectClose(errors.slice(1), rollout.rmse_heat, 1e-6, "errors");

  // Of all sequences, and no further than one is asked for.
  expect(await predict(path("flow"), path("moved-all"), "--rollout", "2")).toEqual(found.slice(0, 3));
  expect(readdirSync(path("moved-all"))).toEqual(
    ["a", "b", "c"].flatMap((name) => [
      ...[0, 1, 2].map((frame) => `${name}.${frame}.vtu`),
      ...[`${name}.job.json`, `${name}.pvd`],
    ]),
  );
});

it("predicts the frames of one file of atoms, which move by what is predicted", async () => {
  mkdirSync(path("atoms"));
  const frame = (f: number) => {
    const rows = Array.from({ length: 20 }, (_, p) => `Ar ${p} ${10 - f * (p + 1)} ${p % 3}`);
    return ["20", "Properties=species:S:1:pos:R:3", ...rows].join("\n");
  };
  writeFileSync(path("atoms/fall.extxyz"), [0, 1, 2, 3].map(frame).join("\n"));
  const moving = 'sequence: true\ntargets: [positions]\nsplits: {train: ["*"]}\n';
  writeFileSync(path("atoms.yaml"), moving + config.slice(config.indexOf("model:")));
  const data = ["--data-path", path("atoms"), "--config", path("atoms.yaml"), "--out", path("atoms-run")];
  const trained = await erwin(["train", ...data, "training.steps=2", ...onCpu]);
  expect(trained.code, trained.stderr).toBe(0);
  const words = ["predict", "--model", path("atoms-run"), "--output", path("fallen"), "--rollout", "2", ...onCpu];
  const found = await erwin([...words, "--input", path("atoms/fall.extxyz")]);
  expect(found.code, found.stderr).toBe(0);
  expect(readdirSync(path("fallen"))).toEqual([
    ...[0, 1, 2].map((step) => `fall.extxyz.${step}.npz`),
    "fall.extxyz.job.json",
  ]);
  const { prediction, error, node_positions } = Object.fromEntries(
    [...loadNpz(readFileSync(path("fallen/fall.extxyz.2.npz")))].map(([name, array]) => [name, toFloat32(array)]),
  );
  expectClose(
    error,
    prediction.map((value, i) => value - node_positions[i]),
    1e-5,
    "errors",
  );
  const other = await erwin([...words, "--input", path("run.yaml")]);
  expect(other.code).toBe(2);
  expect(other.stderr).toMatch(/expected a folder or a file \(\.pvd, \.vtu, .*\.extxyz/);
});

it("learns labels that are texts in tables, and writes them as predictions", async () => {
  mkdirSync(path("tiles"));
  const kinds = ["ground", "tree", "house, flat"];
  const tile = (i: number, label = (k: number) => `"${kinds[k]}"`) => {
    const rows = Array.from({ length: 40 }, (_, p) => [Math.sin(p + i), Math.cos(p * p), p / 40, label(p % 3)].join());
    return ["x,y,z,label", ...rows].join("\n");
  };
  for (let i = 0; i < 4; i++) writeFileSync(path(`tiles/${i}.csv`), tile(i, i === 3 ? () => "" : undefined));
  const proposed = await erwin(["init", path("tiles"), "--out", path("tiles.yaml")]);
  expect(proposed.code, proposed.stderr).toBe(0);
  expect(readFileSync(path("tiles.yaml"), "utf8")).toContain(
    'label: {classes: [ground, "house, flat", tree], ignore: ""}   # texts',
  );
  const small = ["c_in", "c_hidden"].map((name) => `model.${name}=8`);
  const training = ["training.steps=2", "training.warmup=0", `splits={train: ["*"]}`, ...small];
  const words = ["--data-path", path("tiles"), "--config", path("tiles.yaml"), "--out", path("tiles-run")];
  const trained = await erwin(["train", ...words, ...onCpu, ...training]);
  expect(trained.code, trained.stderr).toBe(0);
  expect((await erwin(["info", path("tiles-run")])).stdout).toContain("label [ground, house, flat, tree]");

  const predict = async (table: string, output: string) => {
    writeFileSync(path("tile.csv"), table);
    return erwin([
      "predict",
      "--model",
      path("tiles-run"),
      "--input",
      path("tile.csv"),
      "--output",
      path(output),
      ...onCpu,
    ]);
  };
  expect(await predict(tile(0), "labelled.csv")).toMatchObject({ code: 0, stderr: "" });
  const [header, ...rows] = readFileSync(path("labelled.csv"), "utf8").split("\n");
  expect(header).toBe("x,y,z,label,prediction,error");
  for (const [p, row] of rows.entries()) {
    // The column of the file is as it was, with all its quotes.
    const [, label, guess, error] = /,"(.*)",(ground|tree|"house, flat"),([01])$/.exec(row) as RegExpExecArray;
    expect([p, guess.replaceAll('"', "") === label]).toEqual([p, error === "0"]);
  }
  const other = await predict(
    tile(0, (k) => (k ? "tree" : "rock")),
    "rock.csv",
  );
  expect(other).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/without the truth: row 2, column 4: "rock" is none/),
  });
  const asInput = ["targets={z2: {from: z}}", "inputs={label: {classes: [ground, tree]}}"];
  const refused = await erwin(["train", ...words.slice(0, -1), path("never"), ...onCpu, ...training, ...asInput]);
  expect(errorLine(refused)).toMatch(/csv: row 4, column 4: "house, flat" is none of the labels "ground", "tree"/);
});

it("says what is wrong with a config by line, and what a file lacks", async () => {
  const run = async (text: string, ...more: string[]) => {
    writeFileSync(path("wrong.yaml"), text);
    return errorLine(
      await erwin([
        "train",
        "--data-path",
        path("plates"),
        "--config",
        path("wrong.yaml"),
        "--out",
        path("none"),
        ...onCpu,
        ...more,
      ]),
    );
  };
  expect(await run("inputs: [height]\ntarget: [flux]\n")).toMatch(
    /wrong\.yaml, line 2: there is no key target, perhaps targets was meant/,
  );
  expect(await run("targets: [flux]\ntraining:\n  lr: fast\n")).toMatch(/wrong\.yaml, line 3: .*lr must be a number/);
  expect(await run("targets: [flux]\n", "training.stesp=3")).toMatch(/"training\.stesp=3": .*perhaps steps was meant/);
  expect(await run("targets: [fluxes]\n")).toMatch(
    /plate-\d+\.vtu: has no array "fluxes".*"height", "temperature", "flux"/,
  );
  expect(await run("targets: [quality]\n")).toMatch(/of cells/);
  expect(await run("targets: {region: {classes: 2}}\n")).toMatch(
    /plate-\d+\.vtu: array "region", row \d+: is 2, expected a class from 0 to 1/,
  );
});
