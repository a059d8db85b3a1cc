// Repeated forward passes: the same bits every time, and device memory that does not grow.

import { expect, test } from "vitest";
import { cloudOptions, randomCloud, randomState, seededRandom } from "../support/clouds.ts";
import { forwardToHost, modelFrom, useDevice } from "../support/models.ts";
import type { ReferenceConfigInput } from "../support/reference.ts";

const config: ReferenceConfigInput = {
  cIn: 3,
  cHidden: [8, 8],
  ballSizes: [32, 16],
  encNumHeads: [2, 2],
  encDepths: [1, 2],
  decNumHeads: [2],
  decDepths: [1],
  strides: [4],
  rotate: 45,
  mlpRatio: 2,
  mpSteps: 1,
};
const cloud = randomCloud(500, cloudOptions(config), seededRandom(1));
const calls = 20;
const device = useDevice();

test(`${calls} forward passes give the same bits and need no more memory than the second`, async () => {
  const { memory } = device();
  const before = memory.current;
  const model = await modelFrom(config, randomState(config, 2), device());
  const seen: { current: number; buffersCreated: number }[] = [];
  let first: Float32Array | undefined;
  for (let call = 0; call < calls; call++) {
    const { data } = await forwardToHost(model, cloud);
    first ??= data;
    expect(data, `output of call ${call + 1}`).toEqual(first);
    seen.push({ current: memory.current, buffersCreated: memory.buffersCreated });
  }
  expect(seen.slice(1)).toEqual(Array(calls - 1).fill(seen[1]));
  model.dispose();
  expect(memory.current, "bytes held after the model is disposed").toBe(before);
});
