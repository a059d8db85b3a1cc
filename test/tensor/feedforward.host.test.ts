// The feed-forward part of a block, with sizes that are not multiples of a tile.

import { operators, sum, Tensor } from "erwin";
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../support/clouds.ts";
import { comparedBackends, onEachDevice } from "../support/models.ts";
import { byReverse, check, given, runs } from "../support/operators.ts";
import { normWeight, rowCounts, vector, weight, widths } from "./inputs.ts";

onEachDevice((device, backend) => {
  /** x, norm, and weight and bias of gate, value and output. */
  const feedForwardInputs = (rows: number, width: number, hidden: number, random: () => number) => [
    given([rows, width], random),
    normWeight(width, random),
    weight(hidden, width, random),
    vector(hidden, random),
    weight(hidden, width, random),
    vector(hidden, random),
    weight(width, hidden, random),
    vector(width, random),
  ];

  if (backend === "cpu") {
    test("feedForward: kept for the backward pass or computed again, gate and value give the same bits", async () => {
      const [rows, width, hidden] = [131, 24, 54];
      const random = seededRandom(5);
      const inputs = feedForwardInputs(rows, width, hidden, random);
      const { keepsGates } = device().operators;
      const compute = async (kept: boolean) => {
        let asked = 0;
        device().operators.keepsGates = (...size) => {
          asked++;
          return keepsGates(...size) && kept;
        };
        const tensors = inputs.map(({ data, shape }) => Tensor.from(device(), data, shape).requireGrad());
        const [x, norm, w1, b1, w2, b2, w3, b3] = tensors;
        const [gate, value, output] = [
          { weight: w1, bias: b1 },
          { weight: w2, bias: b2 },
          { weight: w3, bias: b3 },
        ];
        const before = device().memory.current;
        const y = operators.feedForward(x, norm, gate, value, output);
        const bytes = device().memory.current - before;
        await sum(y).backward();
        const results = await Promise.all([y, ...tensors.map(({ grad }) => grad!)].map((tensor) => tensor.data()));
        for (const tensor of [y, ...tensors]) tensor.dispose();
        expect(asked).toBe(1);
        return { bytes, results };
      };
      try {
        const kept = await compute(true);
        const again = await compute(false);
        expect(kept.results).toEqual(again.results);
        expect(kept.bytes - again.bytes).toBe(2 * rows * hidden * 4);
      } finally {
        device().operators.keepsGates = keepsGates;
      }
    });
  }

  test("feedForward", async () => {
    await fc.assert(
      fc.asyncProperty(rowCounts, widths, fc.constantFrom(1, 2, 4), fc.nat(), async (rows, width, ratio, seed) => {
        const random = seededRandom(seed);
        const hidden = width * ratio;
        const shapes: [number, number][] = [
          [rows, width],
          [1, width],
          [hidden, width],
          [1, hidden],
          [hidden, width],
          [1, hidden],
          [width, hidden],
          [1, width],
        ];
        const inputs = feedForwardInputs(rows, width, hidden, random);
        await check(
          device(),
          inputs,
          (x, norm, w1, b1, w2, b2, w3, b3) =>
            operators.feedForward(
              x,
              norm,
              { weight: w1, bias: b1 },
              { weight: w2, bias: b2 },
              { weight: w3, bias: b3 },
            ),
          byReverse(shapes, (r, x, norm, w1, b1, w2, b2, w3, b3) => {
            const y = r.rmsNorm(x, norm);
            const gated = r.multiply(r.linear(y, w2, b2), r.silu(r.linear(y, w1, b1)));
            return r.add(x, r.linear(gated, w3, b3));
          }),
          random,
          `feedForward of [${rows}, ${width}], ratio ${ratio}`,
        );
      }),
      runs,
    );
  });
}, comparedBackends);
