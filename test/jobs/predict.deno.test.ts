// Many inputs through one model: the contents of batches, the effects of a failure, and the memory that stays in use.

import { ErwinTransformer, OutOfMemoryError, type PreparedInput } from "erwin";
import { expect, it } from "vitest";
import { type PredictOptions, predictClaims } from "../../src/jobs/predict.ts";
import type { Claim } from "../../src/jobs/shared-work.ts";
import { joinPrepared } from "../../src/train/data/batches.ts";
import { cloudOptions, joinClouds, randomCloud, seededRandom } from "../support/clouds.ts";
import { twoLevels as config } from "../support/configs.ts";
import { forwardToHost, useDevice } from "../support/models.ts";

const device = useDevice("cpu");

const clouds = (sizes: readonly number[]) => {
  const random = seededRandom(1);
  return sizes.map((size) => randomCloud(size, cloudOptions(config), random));
};

type Cloud = ReturnType<typeof clouds>[number];

/** Predicts clouds as jobs on which no other process works; returns the outputs and the failures by the clouds' numbers. */
async function predictClouds(
  model: ErwinTransformer,
  clouds: readonly Cloud[],
  options: Partial<PredictOptions> = {},
): Promise<{ outputs: Map<number, Float32Array>; failures: Map<number, string> }> {
  const [outputs, failures] = [new Map<number, Float32Array>(), new Map<number, string>()];
  async function* claims(): AsyncGenerator<Claim> {
    for (const i of clouds.keys()) {
      if (options.signal?.aborted) return;
      yield {
        job: { input: String(i), output: String(i) },
        input: new Uint8Array(),
        finish: async (bytes) => !!outputs.set(i, new Float32Array(bytes.slice().buffer)),
        fail: async (error) => void failures.set(i, (error as Error).message),
      };
    }
  }
  await predictClaims(claims(), {
    model,
    prepare: ({ job }) => model.prepare(clouds[Number(job.input)]),
    encode: ({ data }) => new Uint8Array(data.slice().buffer),
    batchPoints: 100,
    ...options,
  });
  return { outputs, failures };
}

it("joins inputs prepared alone to what they are when prepared together", async () => {
  using model = await ErwinTransformer.create(config, { device: device() });
  const parts = clouds([1, 30, 7, 200, 2, 64, 65]);
  // An input may contain several clouds.
  const inputs = [joinClouds(parts.slice(0, 3)), ...parts.slice(3)];
  const joined = joinPrepared(await Promise.all(inputs.map((input) => model.prepare(input))));
  // The tables for an upload follow from the tree, and are created when they are first needed.
  const { tables, ...together } = await model.prepare(joinClouds(parts));
  expect(joined).toEqual(together);
});

it("takes no more memory for many batches than for two", async () => {
  using model = await ErwinTransformer.create(config, { device: device() });
  const { memory } = device();
  const before = memory.current;
  const seen: { current: number; reserved: number; buffersCreated: number }[] = [];
  let points = 0;
  const { outputs } = await predictClouds(model, clouds(Array(60).fill(30)), {
    onBatch: (more) => {
      points += more;
      const { current, reserved, buffersCreated } = memory;
      seen.push({ current, reserved, buffersCreated });
    },
  });
  expect([outputs.size, points]).toEqual([60, 1800]);
  expect(seen.length).toBe(21);
  expect(memory.current).toBe(before);
  const { reserved, buffersCreated } = seen[2];
  for (const after of seen.slice(3)) expect(after).toMatchObject({ reserved, buffersCreated });
  const most = (some: typeof seen) => Math.max(...some.map(({ current }) => current));
  expect(most(seen.slice(11))).toBeLessThanOrEqual(most(seen.slice(0, 11)));
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
  const { outputs, failures } = await predictClouds(narrow, files);
  expect([...failures.keys()].sort()).toEqual([1, 3]);
  expect(failures.get(1)).toMatch(/nodePositions row 1 has NaN/);
  expect(failures.get(3)).toBe("no memory for 300 points");
  expect([...outputs.keys()]).toEqual([0, 2, 4]);
  for (const [i, data] of outputs) expect(data).toEqual((await forwardToHost(model, files[i])).data);
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
  let predicted = 0;
  const { outputs } = await predictClouds(overlapping, files, {
    signal: controller.signal,
    onBatch: (points) => {
      if (points > 0) predicted++;
      if (predicted === 3) controller.abort();
    },
  });
  expect([...outputs.keys()]).toEqual([0, 1, 2, 3]);
}, 10_000);
