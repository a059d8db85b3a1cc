// How inputs share a pass, and how its output is divided among them.

import { expect, it } from "vitest";
import { packBatches } from "../../src/jobs/batches.ts";
import { splitOutput } from "../../src/jobs/rows.ts";

it("packBatches fills batches in order, and leaves what is too large alone", async () => {
  async function* items() {
    for (const points of [40, 60, 1, 500, 30, 70, 1]) yield { points };
  }
  const batches: number[][] = [];
  for await (const batch of packBatches(items(), 100)) batches.push(batch.map(({ points }) => points));
  expect(batches).toEqual([[40, 60], [1], [500], [30, 70], [1]]);
});

it("splitOutput gives each file the rows of its clouds, counted from 0", () => {
  const data = Float32Array.of(0, 0, 1, 1, 2, 2, 3, 3);
  const parts = splitOutput({ data, width: 2, batchIdx: Int32Array.of(0, 1, 1, 2) }, [1, 2]);
  expect(parts).toEqual([
    { data: Float32Array.of(0, 0), width: 2, batchIdx: Int32Array.of(0) },
    { data: Float32Array.of(1, 1, 2, 2, 3, 3), width: 2, batchIdx: Int32Array.of(0, 0, 1) },
  ]);
});
