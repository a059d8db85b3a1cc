// Prediction of many files with one model: the composition of batches, the effect of a failure, and the memory that is kept.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { ErwinTransformer, loadSafetensors, OutOfMemoryError, type PreparedInput } from "erwin";
import { afterAll, expect, it } from "vitest";
import { type FilesDone, type PredictFilesOptions, predictFiles } from "../../src/cli/predict/files.ts";
import { InputError } from "../../src/errors.ts";
import { joinPrepared } from "../../src/train/batches.ts";
import { cloudOptions, joinClouds, randomCloud, seededRandom } from "../support/clouds.ts";
import { forwardToHost, useDevice } from "../support/models.ts";
import { temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const device = useDevice("cpu");

const config = {
  cIn: 3,
  cHidden: [8, 8],
  ballSizes: [16, 16],
  encNumHeads: [2, 2],
  encDepths: [2, 2],
  decNumHeads: [2],
  decDepths: [2],
  strides: [4],
  rotate: 45,
  mlpRatio: 2,
  mpSteps: 1,
};
const clouds = (sizes: readonly number[]) => {
  const random = seededRandom(1);
  return sizes.map((size) => randomCloud(size, cloudOptions(config), random));
};

type Cloud = ReturnType<typeof clouds>[number];

/** Predicts clouds as if each were a file, named by its number. */
function predictClouds(
  model: ErwinTransformer,
  clouds: readonly Cloud[],
  folder: string,
  options: Partial<PredictFilesOptions>,
): Promise<FilesDone> {
  mkdirSync(path(folder));
  return predictFiles({
    model,
    files: clouds.map((_, i) => ({ input: String(i), output: path(`${folder}/${i}`) })),
    prepare: (input) => model.prepare(clouds[Number(input)]),
    format: ".safetensors",
    batchPoints: 100,
    onFailure: (_, error) => {
      throw error;
    },
    ...options,
  });
}

const readOut = (file: string) => loadSafetensors(readFileSync(path(file))).tensors.get("out")?.data;

it("joins inputs prepared alone to what they are when prepared together", async () => {
  using model = await ErwinTransformer.create(config, { device: device() });
  const parts = clouds([1, 30, 7, 200, 2, 64, 65]);
  // One input may contain several clouds.
  const inputs = [joinClouds(parts.slice(0, 3)), ...parts.slice(3)];
  const joined = joinPrepared(await Promise.all(inputs.map((input) => model.prepare(input))));
  expect(joined).toEqual(await model.prepare(joinClouds(parts)));
});

it("takes no more memory for many batches than for two", async () => {
  using model = await ErwinTransformer.create(config, { device: device() });
  const { memory } = device();
  const before = memory.current;
  const seen: { current: number; reserved: number; buffersCreated: number }[] = [];
  const done = await predictClouds(model, clouds(Array(60).fill(30)), "flat", {
    onProgress: () => {
      const { current, reserved, buffersCreated } = memory;
      seen.push({ current, reserved, buffersCreated });
    },
  });
  expect(done).toMatchObject({ predicted: 60, failed: 0, points: 1800 });
  expect(seen.length).toBe(21);
  expect(memory.current).toBe(before);
  const { current, ...second } = seen[2];
  for (const after of seen.slice(3)) expect(after).toMatchObject(second);
  for (const after of seen.slice(3, -1)) expect(after.current).toBe(current);
});

it("predicts the others where one fails, and file by file where a batch does", async () => {
  using model = await ErwinTransformer.create(config, { device: device() });
  const files = clouds([20, 30, 10, 300, 40]);
  files[1].nodePositions[5] = Number.NaN;
  const passes: number[] = [];
  const narrow = {
    config: model.config,
    device: device(),
    prepare: (input: Cloud) => model.prepare(input),
    forward: (input: PreparedInput) => {
      passes.push(input.points);
      if (input.points > 60) throw new OutOfMemoryError(`no memory for ${input.points} points`);
      return model.forward(input);
    },
  } as unknown as ErwinTransformer;
  const failures = new Map<string, string>();
  const done = await predictClouds(narrow, files, "failures", {
    onFailure: (input, error) => failures.set(input, (error as Error).message),
  });
  expect(done).toMatchObject({ predicted: 3, failed: 2, points: 70 });
  expect([...failures.keys()].sort()).toEqual(["1", "3"]);
  expect(failures.get("1")).toMatch(/nodePositions row 1 has NaN/);
  expect(failures.get("3")).toBe("no memory for 300 points");
  for (const i of [0, 2, 4]) expect(readOut(`failures/${i}`)).toEqual((await forwardToHost(model, files[i])).data);
});

it("prepares the next batch while the device works, and ends between batches when asked to", async () => {
  using model = await ErwinTransformer.create(config, { device: device() });
  const files = clouds(Array(9).fill(90));
  let prepared = 0;
  let onPrepared = () => {};
  const overlapping = {
    config: model.config,
    device: device(),
    prepare: (input: Cloud) => {
      prepared++;
      onPrepared();
      return model.prepare(input);
    },
    forward: async (input: PreparedInput) => {
      // The pass does not end before another file is prepared.
      const another = new Promise<void>((resolve) => (onPrepared = resolve));
      if (prepared < files.length) await another;
      return model.forward(input);
    },
  } as unknown as ErwinTransformer;
  const controller = new AbortController();
  const done = await predictClouds(overlapping, files, "ended", {
    signal: controller.signal,
    onProgress: ({ predicted }) => {
      if (predicted === 3) controller.abort();
    },
  });
  expect(done.predicted).toBe(4);
  expect(readdirSync(path("ended")).sort()).toEqual(["0", "1", "2", "3"]);
}, 10_000);

it("ends at the first file for which the disk has no room", async () => {
  using model = await ErwinTransformer.create(config, { device: device() });
  const failures: unknown[] = [];
  const tried: string[] = [];
  const predicting = predictClouds(model, clouds(Array(20).fill(90)), "full", {
    // As writeWhole says it; for other reasons the others go on.
    write: (file) => {
      tried.push(file);
      throw new InputError("Cannot write.", { file, reason: tried.length === 1 ? "ENAMETOOLONG" : "ENOSPC" });
    },
    onFailure: (_, error) => failures.push(error),
  });
  await expect(predicting).rejects.toThrow(InputError);
  expect(tried.length).toBe(2);
  expect(failures.length).toBe(1);
});
