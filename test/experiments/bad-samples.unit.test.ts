// Damaged samples are left out of evaluations, replaced in training, and reported once each.

import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.ts";
import { addBad, replacingBad, withoutBad } from "../../src/experiments/bad-samples.ts";
import type { BadSample, Split } from "../../src/experiments/experiment.ts";
import { Random } from "../../src/random.ts";

/** Makes samples that are their own numbers; those that are listed are damaged. */
function numbers(size: number, damaged: readonly number[]): Split<number> {
  return {
    size,
    load(index) {
      if (damaged.includes(index)) throw new FormatError(`file ${index} is damaged`, { file: String(index) });
      return index;
    },
    nameOf: (index) => `sample ${index}`,
  };
}

const all = (data: Split<number>) =>
  Promise.all(Array.from({ length: data.size }, (_, index) => data.load(index, new Random(0, ""))));

describe("a split with damaged samples", () => {
  it("is measured on without them", async () => {
    const told: BadSample[] = [];
    const data = await withoutBad(numbers(5, [0, 3]), "val", (bad) => told.push(bad));
    expect(await all(data!)).toEqual([1, 2, 4]);
    expect(data!.nameOf(2)).toBe("sample 4");
    expect(told).toEqual([
      { split: "val", sample: "sample 0", problem: "file 0 is damaged" },
      { split: "val", sample: "sample 3", problem: "file 3 is damaged" },
    ]);
    expect(await withoutBad(numbers(2, [0, 1]), "test", () => {})).toBeUndefined();
  });

  it("is trained on with the next sound ones in their places, whenever they are asked for", async () => {
    const told: BadSample[] = [];
    const data = replacingBad(numbers(5, [2, 3, 4]), (bad) => told.push(bad));
    expect(await all(data)).toEqual([0, 1, 0, 0, 0]);
    expect(await all(data)).toEqual([0, 1, 0, 0, 0]);
    expect(told.map(({ sample }) => sample)).toEqual(["sample 2", "sample 3", "sample 4"]);
    await expect(all(replacingBad(numbers(2, [0, 1]), () => {}))).rejects.toThrow("file 0 is damaged");
  });

  it("is described in the order of splits and names, whichever is found first, and as often as it is", () => {
    const [a, b, c] = (["train 1", "train 2", "val 1"] as const).map((place) => {
      const [split, sample] = place.split(" ") as ["train" | "val", string];
      return { split, sample, problem: "damaged" };
    });
    for (const found of [
      [a, b, c],
      [c, b, b, a, c],
    ]) {
      const list: BadSample[] = [];
      for (const bad of found) addBad(list, bad);
      expect(list).toEqual([a, b, c]);
    }
  });

  it("passes on what is no fault of a file", async () => {
    const broken = { ...numbers(2, []), load: () => Promise.reject(new TypeError("out of order")) };
    await expect(all(replacingBad(broken, () => {}))).rejects.toThrow(TypeError);
    await expect(withoutBad(broken, "val", () => {})).rejects.toThrow(TypeError);
  });
});
