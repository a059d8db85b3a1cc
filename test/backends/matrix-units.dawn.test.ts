// The purpose of the runner "dawn" (src/build/matrix-units.mjs): mixed precision on matrix units.

import { requestDevice } from "erwin";
import { expect, test } from "vitest";

test("mixed precision runs on matrix units, and float32 does not", async () => {
  using mixed = await requestDevice({ backend: "webgpu", precision: "mixed" });
  expect(mixed.info.matrixUnits).toMatchObject({ rows: expect.any(Number), subgroup: expect.any(Number) });
  using float32 = await requestDevice({ backend: "webgpu" });
  expect(float32.info.matrixUnits).toBeUndefined();
});
