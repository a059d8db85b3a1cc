// Rows that are gathered, and shapes that are changed.

import { operators, requestDevice, reshape, Tensor } from "erwin";
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../support/clouds.ts";
import { comparedBackends, onEachDevice } from "../support/models.ts";
import { byDifferences, byReverse, check, given, runs } from "../support/operators.ts";
import { rowCounts, widths } from "./inputs.ts";

onEachDevice((device) => {
  const indexTensor = (index: ArrayLike<number>) => Tensor.from(device(), Uint32Array.from(index));

  test("gatherRows", async () => {
    await fc.assert(
      fc.asyncProperty(rowCounts, rowCounts, widths, fc.nat(), async (sources, rows, width, seed) => {
        const random = seededRandom(seed);
        const index = Int32Array.from({ length: rows }, () => Math.floor(random() * sources));
        await check(
          device(),
          [given([sources, width], random)],
          (x) => operators.gatherRows(x, { tensor: indexTensor(index), host: index }),
          byReverse([[sources, width]], (r, x) => r.gather(x, index)),
          random,
          `${rows} of ${sources} rows of ${width}`,
        );
      }),
      runs,
    );
  });

  test("reshape", async () => {
    const random = seededRandom(1);
    const same = byDifferences((x) => x);
    expect(await check(device(), [given([6, 5], random)], (x) => reshape(x, [3, 2, 5]), same, random)).toEqual([
      3, 2, 5,
    ]);
    using x = Tensor.from(device(), new Float32Array(6));
    expect(() => reshape(x, [4])).toThrow("a tensor of shape [6] cannot take the shape [4]");
    const rest = (shape: number[]) => {
      using y = reshape(x, shape);
      return y.shape;
    };
    expect([rest([-1]), rest([2, -1]), rest([3, -1, 1])]).toEqual([[6], [2, 3], [3, 2, 1]]);
    for (const shape of [
      [4, -1],
      [-1, -1],
      [0, -1],
    ]) {
      expect(() => reshape(x, shape), `${shape}`).toThrow("shape");
    }
  });
}, comparedBackends);

test("rows that exceed a binding are gathered, more than eight from each", async () => {
  using small = await requestDevice({ backend: "webgpu", maxBindingBytes: 2 ** 16 });
  const [sources, rows, width] = [700, 9000, 24];
  const random = seededRandom(2);
  const host = Int32Array.from({ length: rows }, () => Math.floor(random() * sources));
  using tensor = Tensor.from(small, Uint32Array.from(host));
  await check(
    small,
    [given([sources, width], random)],
    (x) => operators.gatherRows(x, { tensor, host }),
    byReverse([[sources, width]], (r, x) => r.gather(x, host)),
    random,
  );
});
