// Dropout: some elements become 0, by chance.

import { expectKind } from "../../arguments/kinds.ts";
import type { Random } from "../../random.ts";
import { expectNumbers } from "../shapes.ts";
import { scope, Tensor } from "../tensor.ts";
import { multiply } from "./arithmetic.ts";

/**
 * Each element becomes 0 with the probability `rate`; the others are divided by 1 - rate. The elements are drawn on the host: as
 * numbers on the way to the device, they cost as much as the tensor itself.
 * @param rate from 0 to 1
 * @param random `new Random(seed)`; the same numbers give the same elements on every platform
 * @throws InputError for another rate
 */
export function dropout(x: Tensor, rate: number, random: Random): Tensor {
  expectNumbers("x", x);
  expectKind("rate", rate, "a number from 0 to 1", typeof rate === "number" && rate >= 0 && rate <= 1);
  expectKind("random", random, "new Random(seed)", typeof random?.uniform === "function");
  const kept = new Float32Array(x.size);
  for (let i = 0; i < kept.length; i++) if (random.uniform() >= rate) kept[i] = 1 / (1 - rate);
  return scope(() => multiply(x, Tensor.from(x.device, kept, x.shape)));
}
