// erwin generate: train can read what it writes, for each experiment, and its output names the next command.

import { readFileSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { useErwin } from "./calls.ts";
import { errorLine, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

const sizes = {
  cosmology: ["--samples", "3", "--points", "64"],
  md: ["--samples", "3", "--points", "16", "--frames", "18"],
  eagle: ["--samples", "3", "--points", "60", "--frames", "102"],
  shapenet: ["--samples", "6", "--points", "64"],
};
const names = Object.keys(sizes) as (keyof typeof sizes)[];

it.each(names)("%s: a model learns from a few generated samples", async (name) => {
  const data = path(name);
  const picture = path(`${name}.svg`);
  const made = await erwin(["generate", name, "--out", data, ...sizes[name], "--picture", picture]);
  expect(made.code, made.stderr).toBe(0);
  expect(made.stdout).toContain(`erwin train ${name} --data-path ${data}`);
  const svg = readFileSync(picture, "utf8");
  expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);

  const run = path(`${name}-run`);
  const words = ["train", name, "--data-path", data, "--out", run, "--backend", "cpu", "--shuffle", "off"];
  const rollout = name === "eagle" ? ["--rollout", "2"] : [];
  const trained = await erwin([
    ...words,
    "--steps",
    "16",
    "--batch-size",
    "1",
    "--lr",
    "2e-3",
    "--log-every",
    "1",
    ...rollout,
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

it("says what a data set needs at least", async () => {
  const few = await erwin(["generate", "eagle", "--out", path("few"), "--frames", "20"]);
  expect(few.code).toBe(2);
  expect(few.stderr).toContain("--frames is 20, expected at least 102 for eagle");
  expect(errorLine(await erwin(["generate", "md", "--out", path("x"), "--picture", path("none/md.svg")]))).toContain(
    "none",
  );
});
