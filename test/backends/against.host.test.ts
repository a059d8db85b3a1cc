// The CPU backend against WebGPU: random configs, clouds and modes.

import { type Device, requestDevice } from "erwin";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloudOptions, joinClouds, randomCloud, randomState, seededRandom } from "../support/clouds.ts";
import { l2Error, relativeError } from "../support/compare.ts";
import { useDevice } from "../support/models.ts";
import { pass } from "./passes.ts";

const gpu = useDevice();
let cpu: Device;
beforeAll(async () => {
  cpu = await requestDevice({ backend: "cpu", threads: 2 });
});
afterAll(() => cpu.dispose());

/**
 * There are few widths and heads, and other tests have them too, so that the adapter compiles few pipelines: widths and heads that are
 * multiples of 4 in two and three dimensions, and others in three. (The tests of attention and messages have others in two.)
 */
const widths = fc.constantFrom(
  { cHidden: [8, 16], encNumHeads: [2, 2], dimensionality: 2 },
  { cHidden: [8, 16], encNumHeads: [2, 2], dimensionality: 3 },
  { cHidden: [6, 9], encNumHeads: [2, 3], dimensionality: 3 },
);
const others = fc.record({
  cIn: fc.constantFrom(3, 4),
  ballSizes: fc.constantFrom([16, 16], [64, 8], [1, 32]),
  encDepths: fc.constantFrom([2, 1], [1, 2]),
  decNumHeads: fc.constant([2]),
  decDepths: fc.constantFrom([1], [2]),
  strides: fc.constantFrom([2], [4]),
  rotate: fc.constantFrom(0, 30),
  decode: fc.boolean(),
  mlpRatio: fc.constantFrom(2, 4),
  mpSteps: fc.constantFrom(0, 1),
});
const configs = fc
  .tuple(widths, others)
  .map((parts) => Object.assign({}, ...parts) as (typeof parts)[0] & (typeof parts)[1]);

/** The browser's software adapter compiles for seconds for every new shape. */
const runs = "document" in globalThis ? 2 : 8;

test("both give the same outputs and gradients", async () => {
  await fc.assert(
    fc.asyncProperty(
      configs,
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 1000 }),
      async (config, sizes, train, seed) => {
        const random = seededRandom(seed);
        const batch = joinClouds(sizes.map((n) => randomCloud(n, cloudOptions(config), random)));
        const state = randomState(config, seed);
        const [mine, theirs] = [
          await pass(cpu, config, state, batch, { train }),
          await pass(gpu(), config, state, batch, { train }),
        ];
        expect(mine.shape).toEqual(theirs.shape);
        expect(relativeError(mine.out, theirs.out), "output").toBeLessThan(train ? 5e-5 : 1e-5);
        expect([...mine.gradients.keys()]).toEqual([...theirs.gradients.keys()]);
        const largest = Math.max(...[...theirs.gradients.values()].map(norm));
        for (const [name, gradient] of theirs.gradients) {
          // In exact arithmetic some are 0 (biases before a BatchNorm, biases of keys); their values are rounding errors.
          if (norm(gradient) < 1e-5 * largest) continue;
          expect(l2Error(mine.gradients.get(name)!, gradient), `gradient of ${name}`).toBeLessThan(1e-4);
        }
      },
    ),
    { numRuns: runs, seed: 7 },
  );
});

const norm = (values: Float32Array) => Math.hypot(...values);
