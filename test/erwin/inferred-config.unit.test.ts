// The config of a checkpoint that has none, from the shapes of its tensors, for any config.

import fc from "fast-check";
import { expect, it } from "vitest";
import { inferConfig } from "../../src/erwin/inferred-config.ts";
import { stateShapes } from "../support/reference.ts";

const depth = fc.integer({ min: 0, max: 3 });
const configs = fc.integer({ min: 1, max: 3 }).chain((levels) => {
  const list = <T>(value: fc.Arbitrary<T>, length: number) => fc.array(value, { minLength: length, maxLength: length });
  return fc.record({
    cIn: fc.integer({ min: 1, max: 5 }),
    cHidden: list(fc.constantFrom(8, 16, 24), levels),
    ballSizes: fc.constant(Array<number>(levels).fill(8)),
    // Without blocks or messages nothing tells the dimensionality.
    encDepths: list(depth, levels).map((depths) => [Math.max(depths[0], 1), ...depths.slice(1)]),
    encNumHeads: list(fc.constantFrom(1, 2, 4), levels),
    decDepths: list(depth, levels - 1),
    decNumHeads: list(fc.constantFrom(1, 2, 4), levels - 1),
    strides: list(fc.constantFrom(1, 2, 4), levels - 1),
    decode: levels === 1 ? fc.constant(true) : fc.boolean(),
    mlpRatio: fc.constantFrom(1, 3, 4),
    dimensionality: fc.constantFrom(2, 3),
    mpSteps: fc.integer({ min: 0, max: 2 }),
    rotate: fc.constant(0),
  });
});

it("is that of the model, as far as shapes tell", () => {
  fc.assert(
    fc.property(configs, (config) => {
      const { config: found } = inferConfig(new Map(stateShapes(config)), "m.safetensors");
      const { ballSizes: _, rotate: __, encNumHeads, decNumHeads, decDepths, ...told } = config;
      expect(found).toMatchObject(told);
      // Layers without blocks have no heads, and models without a decoder none of its layers.
      const headsOf = (heads: number[], depths: number[]) => heads.map((count, l) => (depths[l] > 0 ? count : 1));
      expect(found.encNumHeads).toEqual(headsOf(encNumHeads, config.encDepths));
      const depths = config.decode ? decDepths : decDepths.map(() => 0);
      expect(found.decDepths).toEqual(depths);
      expect(found.decNumHeads).toEqual(headsOf(decNumHeads, depths));
    }),
    { numRuns: 60, seed: 1 },
  );
});
