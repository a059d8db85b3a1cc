// Seeded random numbers, which initialise weights: the same on every platform, one by one or many at a time.

import { Random } from "erwin";
import { expect, test } from "vitest";

test("a seed always gives the same numbers", () => {
  const random = new Random(0, "weights");
  const bits = Array.from({ length: 1000 }, () => random.bits());
  expect(bits.slice(-3)).toEqual([2613254809, 4153542115, 1360186227]);
  const normals = Float32Array.from({ length: 100_000 }, () => random.normal());
  // All bits are compared, including those of numbers from the tails.
  expect(new Uint32Array(normals.buffer).reduce((sum, word) => Math.imul(sum ^ word, 0x01000193) >>> 0, 1)).toBe(
    911876798,
  );
});

test("different seeds give different numbers, whichever of their bits differs", () => {
  expect([12345, 2 ** 32 - 1].map((seed) => new Random(seed).bits())).toEqual([518667457, 835879718]);
  const bits = Array.from({ length: 53 }, (_, bit) => 2 ** bit);
  const seeds = [
    0,
    ...bits,
    ...bits.map((bit) => 2 ** 53 - 1 - bit),
    ...bits.map((bit) => 1 - bit),
    1.7e12,
    1.7e12 + 1,
  ];
  const first = seeds.map((seed) => {
    const random = new Random(seed);
    return `${random.bits()} ${random.bits()}`;
  });
  expect(new Set(first).size).toBe(new Set(seeds).size);
});

test("normal numbers have the normal distribution", () => {
  const values = new Float32Array(1_000_000);
  new Random(3, "normal").fillNormal(values, 0, 1);
  // The shares below some bounds: near the ziggurat's top, in its layers, at the beginning of its tail and in the tail.
  for (const [bound, expected] of [
    [-4.2, 1.3346e-5],
    [-3.6541528853610088, 1.2902e-4],
    [-1, 0.158655],
    [-0.2, 0.42074],
    [0, 0.5],
    [0.21, 0.583166],
    [2, 0.97725],
    [3.6541528853610088, 1 - 1.2902e-4],
    [4.2, 1 - 1.3346e-5],
  ] as const) {
    const share = values.reduce((count, value) => count + (value < bound ? 1 : 0), 0) / values.length;
    const deviation = Math.sqrt((expected * (1 - expected)) / values.length);
    expect(Math.abs(share - expected), `share below ${bound}`).toBeLessThan(4 * deviation);
  }
});

test("normal numbers are the same when drawn many at a time", () => {
  const one = new Random(7);
  const many = new Random(7);
  const skipped = (random: Random) => Array.from({ length: 100 }, () => random.uniform());
  expect(skipped(many)).toEqual(skipped(one));
  const values = new Float32Array(1000);
  many.fillNormal(values, -1, 0.01);
  expect(values).toEqual(Float32Array.from(values, () => -1 + 0.01 * one.normal()));
  expect(many.bits()).toBe(one.bits());
});
