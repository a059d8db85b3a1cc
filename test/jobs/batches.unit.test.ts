// How inputs share a pass, and how its output is divided among them.

import { expect, it } from "vitest";
import { DeviceLostError } from "../../src/errors.ts";
import type { ErwinTransformer, PreparedInput } from "../../src/index.ts";
import { packBatches } from "../../src/jobs/batches.ts";
import { predictClaims } from "../../src/jobs/predict.ts";
import { splitOutput } from "../../src/jobs/rows.ts";
import type { Claim } from "../../src/jobs/shared-work.ts";

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

it("a failure while outputs are still written is that of predictClaims, not one that nobody handles", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  try {
    const lost = new DeviceLostError("lost");
    const failures: unknown[] = [];
    async function* claims(): AsyncGenerator<Claim> {
      for (const input of ["0", "1"]) {
        const finish = () => new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 20));
        const fail = async (error: unknown) => void failures.push(error);
        yield { job: { input, output: input }, input: new Uint8Array(), finish, fail };
      }
    }
    const output = { data: async () => Float32Array.of(1), shape: [1, 1], batchIdx: Int32Array.of(0), dispose() {} };
    let passes = 0;
    const model = {
      async forward() {
        if (passes++ > 0) throw lost;
        return output;
      },
    } as unknown as ErwinTransformer;
    const prepared = { points: 1, tree: { cloudOffsets: Int32Array.of(0, 1) } } as unknown as PreparedInput;
    const encode = () => new Uint8Array();
    const work = predictClaims(claims(), { model, prepare: async () => prepared, encode, batchPoints: 1 });
    await expect(work).rejects.toBe(lost);
    expect({ failures, unhandled }).toEqual({ failures: [], unhandled: [] });
  } finally {
    process.off("unhandledRejection", note);
  }
});
