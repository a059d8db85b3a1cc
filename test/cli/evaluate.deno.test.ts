// erwin evaluate on flows, and PyTorch's checkpoints wherever weights are accepted: the results are those of the PyTorch
// implementation (test/experiments/peer/train.py).

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { expectClose } from "../support/compare.ts";
import { useErwin } from "./calls.ts";
import { errorLine, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

const peer = (name: string) => fileURLToPath(new URL(`../experiments/peer/${name}`, import.meta.url));
const json = (file: string) => JSON.parse(readFileSync(file, "utf8"));

async function succeed(words: readonly string[]) {
  const result = await erwin(words);
  expect(result.code, result.stderr).toBe(0);
  return result;
}

describe("eagle", () => {
  const expected = json(peer("eagle/expected.json")).final_f64;
  const evaluate = async (...words: string[]) => {
    const model = ["--model", peer("eagle/final.safetensors"), "--data-path", peer("eagle/data")];
    const result = await succeed(["evaluate", ...model, "--json", path("flows.json"), "--backend", "cpu", ...words]);
    return { found: json(path("flows.json")), stdout: result.stdout };
  };

  it("predicts whole trajectories of the test split step by step, and draws how far it goes astray", async () => {
    const { found, stdout } = await evaluate();
    const { rollout, ...numbers } = expected.test;
    expect(Object.keys(found)).toEqual(["experiment", "split", "clouds", "loss", "metrics", "rollout", "samples"]);
    expect(found).toMatchObject({ experiment: "eagle", split: "test", clouds: 2 });
    for (const [name, value] of Object.entries({ loss: found.loss, ...found.metrics })) {
      expectClose([value as number], [numbers[name]], 1e-4, name);
    }
    // One of the two trajectories has 29 steps, the other 11.
    expectClose(found.rollout.velocity, rollout.velocity, 1e-4, "velocity");
    expectClose(found.rollout.pressure, rollout.pressure, 1e-4, "pressure");
    expect(found.samples).toHaveLength(2);
    expect(found.samples[0]).toMatchObject({ name: expect.stringMatching(/^\w+\/a\d\/1$/), loss: expect.any(Number) });
    const mean = (found.samples[0].loss_velocity + found.samples[1].loss_velocity) / 2;
    expectClose([mean], [found.metrics.loss_velocity], 1e-12, "mean over the samples");
    const { rollout: _, samples, ...summary } = found;
    expect(JSON.parse(stdout)).toEqual(summary);

    const [head, ...rows] = readFileSync(path("flows.csv"), "utf8").trimEnd().split("\n");
    expect(head).toBe("step,velocity,pressure");
    expect(rows.map((row) => row.split(",").map(Number))).toEqual(
      found.rollout.velocity.map((value: number, i: number) => [i + 1, value, found.rollout.pressure[i]]),
    );
    expect(readFileSync(path("flows.svg"), "utf8").match(/<polyline/g)).toHaveLength(2);
  });

  it("goes as many steps as --rollout says", async () => {
    const { found } = await evaluate("--rollout", "5");
    expectClose(found.rollout.velocity, expected.test.rollout.velocity.slice(0, 5), 1e-4, "velocity");
    expectClose([found.metrics.loss_velocity], [expected.test.rollout.velocity[4]], 1e-4, "its last value");
  });

  it("takes one step of each trajectory to validate, in batches", async () => {
    const { found } = await evaluate("--split", "val", "--batch-size", "2");
    expect(found).toMatchObject({ split: "val", clouds: 2 });
    expect(found.rollout).toBeUndefined();
    for (const name of ["loss_velocity", "loss_presure"]) {
      expectClose([found.metrics[name]], [expected.val[name]], 1e-5, name);
    }
    // With the test split for validation, these are other files.
    const { found: other } = await evaluate("--split", "val", "--validation", "test");
    expect(other.samples.map(({ name }: { name: string }) => name)).not.toEqual(
      found.samples.map(({ name }: { name: string }) => name),
    );
  });
});

describe("a training checkpoint of PyTorch's", () => {
  const checkpoint = peer("cosmology/checkpoint.pt");
  const { losses_f64, lr_used } = json(peer("cosmology/expected.json"));
  const data = ["--data-path", peer("cosmology/data"), "--backend", "cpu"];
  const words = (out: string, steps = 20) => [
    ...["train", "cosmology", ...data, "--batch-size", "5", "--lr", "5e-4", "--min-lr", "1e-6", "--shuffle", "off"],
    ...["--num-epochs", String(steps), "--log-every", "1", "--out", path(out)],
  ];
  const stepsOf = (run: string) =>
    readFileSync(path(`${run}/metrics.jsonl`), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ kind }) => kind === "training");

  it("is gone on with, of whatever shape its model is", async () => {
    mkdirSync(path("resumed"));
    await succeed(["convert", checkpoint, path("resumed/last.safetensors")]);
    await succeed([...words("resumed"), "--resume"]);
    const steps = stepsOf("resumed");
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 14 }, (_, i) => i + 7));
    const [losses, rates] = [steps.map(({ loss }) => loss), steps.map(({ lr }) => lr)];
    losses.forEach((loss, i) => void expectClose([loss], [losses_f64[6 + i]], 1e-5, `loss of step ${7 + i}`));
    expectClose(rates, lr_used.slice(6), 1e-12, "learning rates");
  });

  it("is measured, and gives weights to begin with, as it is", async () => {
    const measure = async (model: string) =>
      (await succeed(["evaluate", "--model", model, "--split", "val", ...data])).stdout;
    await succeed(["convert", checkpoint, path("converted.safetensors")]);
    expect(await measure(checkpoint)).toBe(await measure(path("converted.safetensors")));
    await succeed([...words("begun", 1), "--init", checkpoint]);
    // The first step has the same batch as the seventh.
    expectClose([stepsOf("begun")[0].loss], [losses_f64[6]], 1e-5, "loss of the first step");
  });
});

it("says what is missing in one line", async () => {
  const model = ["--model", peer("eagle/final.safetensors")];
  const usage = await erwin(["evaluate", ...model]);
  expect(usage.code).toBe(2);
  expect(usage.stderr).toContain("--data-path is missing");
  const other = await erwin(["evaluate", ...model, "--data-path", peer("cosmology/data"), "--backend", "cpu"]);
  expect(other.code).toBe(1);
  expect(errorLine(other)).toContain("test.txt: there is no such file");
  const wrong = await erwin(["evaluate", ...model, "--experiment", "cosmology", "--data-path", peer("cosmology/data")]);
  expect(wrong.code).toBe(1);
  expect(errorLine(wrong)).toContain("holds a model of the experiment eagle, not of cosmology");
  expect(existsSync(path("rollout.csv"))).toBe(false);
});
