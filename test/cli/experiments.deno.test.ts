// erwin train and evaluate on the reference's data: its losses, the same bits after an interruption, and the files of a run.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { expectClose } from "../support/compare.ts";
import { useErwin } from "./calls.ts";
import { errorLine, interruptErwin, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

const golden = (name: string) => fileURLToPath(new URL(`../golden/experiments/${name}`, import.meta.url));
const json = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const cases = {
  md: ["--data-path", golden("md/data"), "--batch-size", "12", "--lr", "5e-4", "--min-lr", "1e-7"],
  shapenet: [
    ...["--data-path", golden("shapenet/data/preprocessed"), "--validation", "test"],
    ...["--batch-size", "2", "--lr", "1e-3", "--min-lr", "5e-5"],
  ],
};

const words = (name: keyof typeof cases, folder: string) => [
  ...["train", name, ...cases[name], "--init", golden(`${name}/init.safetensors`), "--shuffle", "off"],
  ...["--num-epochs", "12", "--log-every", "1", "--max-predictions", "2", "--out", path(folder), "--backend", "cpu"],
];

it.each(["md", "shapenet"] as const)("%s: trains as the reference does, and evaluates its own run", async (name) => {
  const expected = json(golden(`${name}/expected.json`));
  const trained = await erwin(words(name, name));
  expect(trained.code, trained.stderr).toBe(0);
  const entries = readFileSync(path(`${name}/metrics.jsonl`), "utf8")
    .trim()
    .split("\n");
  const steps = entries.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "training");
  expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  expectClose(
    steps.map(({ loss }) => loss),
    expected.losses_f64,
    1e-5,
    "losses",
  );

  const evaluated = await erwin(["evaluate", "--model", path(name), "--json", path("found.json"), "--backend", "cpu"]);
  expect(evaluated.code, evaluated.stderr).toBe(0);
  const found = json(path("found.json"));
  const test = JSON.parse(entries.at(-1) as string);
  expect(found).toMatchObject({ experiment: name, split: "test", clouds: expected.samples.test, loss: test.loss });
  expect(found.metrics.mse).toBe(test.mse);
  expect(found.samples).toHaveLength(expected.samples.test);
  // The reference's final weights are compared loosely, because training amplifies rounding errors.
  expectClose([found.loss], [expected.final_f64.test.loss], 1e-3, "loss of the test split");
});

it("goes on with the same bits after SIGTERM, and refuses other settings by name", async () => {
  const begun = await interruptErwin(
    [...words("md", "interrupted"), "--save-every", "2"],
    5,
    () => existsSync(path("interrupted/last.safetensors")),
    "SIGTERM",
  );
  expect(begun.code, begun.stderr).toBe(0);
  expect(begun.stdout).toMatch(/stopped after \d+ of 12 steps/);
  const other = await erwin([...words("md", "interrupted"), "--lr", "1e-3"]);
  expect(other.code).toBe(1);
  expect(errorLine(other)).toContain("lr 0.0005, not 0.001");
  // Its batches come from workers now, with the same bits.
  const ended = await erwin([...words("md", "interrupted"), "--num-workers", "2"]);
  expect(ended.code, ended.stderr).toBe(0);
  for (const file of ["last.safetensors", "model.safetensors"]) {
    expect(readFileSync(path(`interrupted/${file}`)).equals(readFileSync(path(`md/${file}`))), file).toBe(true);
  }
});

it("says what is missing in one line", async () => {
  const usage = await erwin(["train", "md", "--out", path("none")]);
  expect(usage.code).toBe(2);
  expect(usage.stderr).toContain("--data-path is missing");
  expect((await erwin(["train", "farthest", "--out", path("none"), "--knn", "3"])).stderr).toContain("no option --knn");
  const empty = await erwin([
    "train",
    "md",
    "--data-path",
    golden("shapenet"),
    "--out",
    path("none"),
    "--backend",
    "cpu",
  ]);
  expect(empty.code).toBe(1);
  expect(errorLine(empty)).toContain("shapenet/splits/train.txt: there is no such file");
});
