// What a program may write as a config: the compiler finds the mistakes in one that is written out, and refuses none that is right.
// Each comment @ts-expect-error is an error of the type check where the line below it has none.

import { expect, test } from "vitest";
import { type ErwinConfig, type ErwinConfigInput, type GivenConfig, resolveConfig } from "../../src/erwin/config.ts";

const config = {
  cIn: 3,
  cHidden: 8,
  ballSizes: [8, 8],
  strides: [2],
  encNumHeads: [1, 2],
  encDepths: [1, 1],
  decNumHeads: [1],
  decDepths: [1],
};
const asReference = {
  c_in: 3,
  c_hidden: 8,
  ball_sizes: [8, 8],
  strides: [2],
  enc_num_heads: [1, 2],
  enc_depths: [1, 1],
  dec_num_heads: [1],
  dec_depths: [1],
};
const frozen = {
  cIn: 3,
  cHidden: [8, 16],
  ballSizes: [8, 8],
  strides: [2],
  encNumHeads: [1, 2],
  encDepths: [1, 1],
  decNumHeads: [1],
  decDepths: [1],
  rotate: undefined,
} as const satisfies ErwinConfigInput;

test("a config may be written in either spelling, be frozen, complete or parsed, and be changed", () => {
  const parsed: Readonly<Record<string, unknown>> = JSON.parse(JSON.stringify(asReference));
  const complete: ErwinConfig = resolveConfig(config);
  const given: GivenConfig[] = [config, asReference, frozen, complete, parsed, { ...parsed }];
  for (const each of given) expect(resolveConfig(each)).toEqual(complete);
  for (const turned of [
    { ...config, rotate: 45 },
    { ...asReference, rotate: 45 },
    { ...complete, rotate: 45 },
  ])
    expect(resolveConfig(turned)).toEqual({ ...complete, rotate: 45 });
  expect(resolveConfig({ ...parsed, rotate: 45 })).toEqual({ ...complete, rotate: 45 });
});

test("what is wrong in a config that is written out is an error when it is compiled, and when it is used", () => {
  // @ts-expect-error a misspelt name
  expect(() => resolveConfig({ ...config, cHiden: 8 })).toThrow("cHiden");
  // @ts-expect-error a field that is missing
  expect(() => resolveConfig({ cIn: 3, cHidden: 8 })).toThrow("ballSizes");
  // @ts-expect-error text in place of a number
  expect(() => resolveConfig({ ...config, cIn: "3" })).toThrow("cIn");
  // @ts-expect-error a number in place of a list
  expect(() => resolveConfig({ ...config, strides: 2 })).toThrow("strides");
});
