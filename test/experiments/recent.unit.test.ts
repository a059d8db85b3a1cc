// The cache of samples drops those used least recently when there are too many bytes, and only these.

import { expect, it } from "vitest";
import { RecentValues } from "../../src/experiments/recent.ts";

it("holds as many bytes as it may, of the values used last, whatever fails or grows meanwhile", async () => {
  const made: number[] = [];
  let fails = true;
  const sizes = [4, 4, 4, 4, 4];
  const values = new RecentValues(
    async (index) => {
      made.push(index);
      if (index === 3 && fails) throw new Error("cannot be read");
      return index;
    },
    (index) => sizes[index],
    12,
  );
  const getAll = async (...indices: number[]) => {
    made.length = 0;
    for (const index of indices) expect(await values.get(index)).toBe(index);
    return [...made];
  };
  expect(await getAll(0, 1, 2, 0, 1, 2)).toEqual([0, 1, 2]);
  // What cannot be made takes nothing, and is tried again.
  await expect(values.get(3)).rejects.toThrow("cannot be read");
  expect(await getAll(0, 1, 2)).toEqual([]);
  fails = false;
  expect(await getAll(3, 2, 1)).toEqual([3]);
  expect(await getAll(0)).toEqual([0]);
  // In place of 3, which was used before 2 and 1.
  expect(await getAll(2, 1, 3)).toEqual([3]);
  // Two uses at once make it once, and count it once.
  made.length = 0;
  expect(await Promise.all([values.get(4), values.get(4)])).toEqual([4, 4]);
  expect(made).toEqual([4]);
  expect(await getAll(1, 3, 4)).toEqual([]);
  // A value that has grown takes the place of others, but the last one stays.
  sizes[4] = 100;
  expect(await getAll(4, 4)).toEqual([]);
  expect(await getAll(1)).toEqual([1]);
  sizes[4] = 4;
  expect(await getAll(4, 1)).toEqual([4]);
});
