// erwin generate: train can read what it writes, for each experiment, and its output names the next command.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Experiment, type ExperimentOptions, experiments, resolveOptions } from "erwin/experiments";
import { afterAll, expect, it } from "vitest";
import { useErwin } from "./calls.ts";
import { errorLine, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

const weights = (folder: string) => fileURLToPath(new URL(`../${folder}/init.safetensors`, import.meta.url));
/** How many samples of each experiment are made, and weights of a small model, with which a training takes a third of the time. */
const cases = {
  cosmology: { size: ["--samples", "3", "--points", "64"], init: weights("experiments/peer/cosmology") },
  md: { size: ["--samples", "3", "--points", "16", "--frames", "18"], init: weights("golden/experiments/md") },
  eagle: { size: ["--samples", "3", "--points", "60", "--frames", "102"], init: weights("experiments/peer/eagle") },
  shapenet: { size: ["--samples", "6", "--points", "64"], init: weights("golden/experiments/shapenet") },
};
const names = Object.keys(cases) as (keyof typeof cases)[];

it.each(names)("%s: a model learns from a few generated samples", async (name) => {
  const data = path(name);
  const picture = path(`${name}.svg`);
  const made = await erwin(["generate", name, "--out", data, ...cases[name].size, "--picture", picture]);
  expect(made.code, made.stderr).toBe(0);
  expect(made.stdout).toContain(`erwin train ${name} --data-path ${data}`);
  const svg = readFileSync(picture, "utf8");
  expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);

  const run = path(`${name}-run`);
  const rollout = name === "eagle" ? ["--rollout", "2"] : [];
  const trained = await erwin([
    ...["train", name, "--data-path", data, "--init", cases[name].init, "--out", run, "--backend", "cpu"],
    ...["--shuffle", "off", "--steps", "16", "--batch-size", "1", "--lr", "2e-3", "--log-every", "1", ...rollout],
  ]);
  expect(trained.code, trained.stderr).toBe(0);
  const losses = readFileSync(`${run}/metrics.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ kind }) => kind === "training")
    .map(({ loss }) => loss as number);
  expect(losses).toHaveLength(16);
  const mean = (part: number[]) => part.reduce((sum, loss) => sum + loss, 0) / part.length;
  expect(mean(losses.slice(-4)), losses.join(" ")).toBeLessThan(0.95 * mean(losses.slice(0, 4)));
});

it.each(names)("%s: its models of all sizes can be built", (name) => {
  const { options, config, build } = experiments[name] as Experiment;
  for (const size of ["small", "medium", "large"]) {
    const chosen = resolveOptions(options, { size }) as ExperimentOptions;
    expect(() => build(config(chosen)), size).not.toThrow();
  }
});

it("says what a data set needs at least", async () => {
  const few = await erwin(["generate", "eagle", "--out", path("few"), "--frames", "20"]);
  expect(few.code).toBe(2);
  expect(few.stderr).toContain("--frames is 20, expected at least 102 for eagle");
  expect(errorLine(await erwin(["generate", "md", "--out", path("x"), "--picture", path("none/md.svg")]))).toContain(
    "none",
  );
});
