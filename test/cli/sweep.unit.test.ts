// The runs that follow from a sweep's file.

import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { readEntries, weightsOf } from "../../src/cli/files/run-folder.ts";
import { readFolderExperiment } from "../../src/cli/options/folder-config.ts";
import { readSweep } from "../../src/cli/sweep/plan.ts";
import { reasonIn } from "../../src/cli/sweep/run.ts";
import { temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);

function read(text: string | Buffer) {
  writeFileSync(path("sweep.yaml"), text);
  return readSweep(path("sweep.yaml"));
}

it("is all combinations of a grid, each under a name of its own", async () => {
  const plan = await read(`
train: farthest
options: { steps: 5 }
search: { lr: [0.001, 3e-3], shuffle: [on, off], seed: [1] }
`);
  expect(plan).toMatchObject({ experiment: "farthest", options: { steps: "5" }, metric: "loss", goal: "min" });
  expect(plan.runs.map(({ settings }) => settings)).toEqual([
    { lr: "0.001", shuffle: "on", seed: "1" },
    { lr: "0.001", shuffle: "off", seed: "1" },
    { lr: "0.003", shuffle: "on", seed: "1" },
    { lr: "0.003", shuffle: "off", seed: "1" },
  ]);
  expect(plan.runs[1].name).toBe("lr-0.001,shuffle-off,seed-1");
});

it("has no two runs in one folder where settings differ in letters that no folder's name has", async () => {
  const { runs } = await read(`
train: farthest
search: { data-path: ["a/b", "a b", "a:b", "a/b"] }
`);
  expect(runs).toEqual([
    { name: "data-path-a_b", settings: { "data-path": "a/b" } },
    { name: "data-path-a_b+2", settings: { "data-path": "a b" } },
    { name: "data-path-a_b+3", settings: { "data-path": "a:b" } },
  ]);
});

it("draws runs from lists and ranges, the same ones each time", async () => {
  const text = `
options: { config: run.yaml }
random: 40
search:
  training.lr: { from: 0.0001, to: 0.1, scale: log }
  training.batchSize: [1, 2]
`;
  const { runs } = await read(text);
  expect(runs).toEqual((await read(text)).runs);
  expect(new Set(runs.map(({ name }) => name)).size).toBe(40);
  const rates = runs.map(({ settings }) => Number(settings["training.lr"]));
  expect(rates.every((rate) => rate >= 0.0001 && rate <= 0.1)).toBe(true);
  // Half of a logarithmic range is below its geometric mean, but only about three percent of a linear one.
  expect(rates.filter((rate) => rate < Math.sqrt(0.0001 * 0.1)).length).toBeGreaterThan(10);
  expect(new Set(runs.map(({ settings }) => settings["training.batchSize"]))).toEqual(new Set(["1", "2"]));
});

it.each([
  ["", /sweep\.yaml: expected fields by name/],
  ["- train: md", /sweep\.yaml: expected fields by name/],
  ["serch: {}", /sweep\.yaml:1: serch: expected one of train, options/],
  // As PowerShell writes it.
  [Buffer.from("\ufeffserch: {}", "utf16le"), /sweep\.yaml:1: serch: expected one of train, options/],
  ["train: md\noptions: { model.strides: [2] }", /sweep\.yaml:2: options\.model\.strides: .* in quotes/],
  ["train: md\nsearch: { model.strides: [[2], [4]] }", /sweep\.yaml:2: search\.model\.strides: .* in quotes/],
  ["search: { lr: [1] }", /train: expected an experiment/],
  [
    "train: md\nsearch: { lr: { from: 1, to: 2 } }",
    /sweep\.yaml:2: search\.lr: expected a list .* a grid has no ranges/,
  ],
  ["train: md\nrandom: 2\nsearch:\n  lr: { from: 0, to: 1, scale: log }", /sweep\.yaml:4: search\.lr: expected/],
])("names what is wrong with %j", async (text, message) => {
  await expect(read(text)).rejects.toThrow(message);
});

it("is YAML, in which a pattern of names needs quotes, as in the overrides of a config", async () => {
  await expect(read("train: *.vtu\n")).rejects.toThrow(
    /sweep\.yaml: neither JSON nor YAML: "\*\.vtu" begins with \*, write it/,
  );
  writeFileSync(path("run.yaml"), "targets: [p]\n");
  const override = (word: string) => readFolderExperiment(path("run.yaml"), [word], {});
  await expect(override("files=*.vtu")).rejects.toThrow(
    /value of "files=\*\.vtu" is no YAML: "\*\.vtu" begins with \*/,
  );
  await expect(override("model.c_hidden=[16,32")).rejects.toThrow(/is no YAML: Flow sequence must end with a \]/);
});

it("compares runs by their logs, of which a line cut short is skipped, and a damaged one is named", () => {
  const entry = { kind: "validation", step: 1, loss: 2 };
  writeFileSync(path("metrics.jsonl"), `${JSON.stringify(entry)}\n{"kind":"val`);
  expect(readEntries(path("metrics.jsonl"))).toEqual([entry]);
  for (const damage of ["\0\0\0", "null", "{}"]) {
    writeFileSync(path("metrics.jsonl"), `${JSON.stringify(entry)}\n${damage}\n`);
    expect(() => readEntries(path("metrics.jsonl"))).toThrow(/metrics\.jsonl, line 2: is damaged, .*remove the line/);
  }
});

it("a run's weights are its best ones; that they are the last ones is said, and why", () => {
  mkdirSync(path("run"));
  const notes: string[] = [];
  const weights = () => weightsOf(path("run"), (line) => notes.push(line));
  expect(weights).toThrow(/run" holds no weights, .*: it is no run, or has not reached its first checkpoint\.$/);
  writeFileSync(path("run/last.safetensors"), "");
  expect(weights()).toBe(path("run/last.safetensors"));
  expect(notes).toEqual([
    expect.stringMatching(
      /run has no best weights, model\.safetensors \(.*\): using its last ones, last\.safetensors\.$/,
    ),
  ]);
  writeFileSync(path("run/model.safetensors"), "");
  expect(weights()).toBe(path("run/model.safetensors"));
  expect(notes).toHaveLength(1);
});

it("says of a failed run what its error was, not the usage that follows it", () => {
  const noise = "error: XDG_RUNTIME_DIR is invalid or not set in the environment.\n";
  const usage = 'usage: erwin train cosmology|md ...\nSee "erwin help train".\n';
  expect(reasonIn(`${noise}error: Unknown option '--lrr'.\n${usage}`)).toBe("Unknown option '--lrr'.");
  expect(reasonIn("the host ran out of memory\n")).toBe("the host ran out of memory");
});
