// Operands that an operator cannot read, or that have no rows.

import { ErwinError, linear, operators, scope, sum, Tensor } from "erwin";
import { describe, expect, test } from "vitest";
import { comparedBackends, onEachDevice } from "../support/models.ts";
import { sizeOf } from "../support/operators.ts";

onEachDevice((device, backend) => {
  const indexTensor = (index: ArrayLike<number>) => Tensor.from(device(), Uint32Array.from(index));

  describe("what an operator cannot read is refused by name, before memory is taken", () => {
    /** The operands' shapes by name, for `rows` rows, and the operator on them. */
    type Operands = Record<string, Tensor>;
    const cases: Record<string, [(rows: number) => Record<string, number[]>, (t: Operands) => Tensor]> = {
      linear: [
        (n) => ({ x: [n, 4], weight: [5, 4], bias: [5], residual: [n, 5] }),
        ({ x, weight, bias, residual }) => linear(x, weight, { bias, residual }),
      ],
      layerNorm: [
        (n) => ({ x: [n, 4], residual: [n, 4], weight: [4], bias: [4] }),
        ({ x, residual, weight, bias }) => operators.layerNorm(x, residual, { weight, bias }),
      ],
      batchNorm: [
        (n) => ({ x: [n, 4], weight: [4], bias: [4], mean: [4], variance: [4] }),
        ({ x, weight, bias, mean, variance }) => operators.batchNorm(x, { weight, bias }, { mean, variance }, false),
      ],
      feedForward: [
        (n) => ({ x: [n, 4], norm: [4], w1: [8, 4], b1: [8], w2: [8, 4], b2: [8], w3: [4, 8], b3: [4] }),
        ({ x, norm, w1, b1, w2, b2, w3, b3 }) =>
          operators.feedForward(x, norm, { weight: w1, bias: b1 }, { weight: w2, bias: b2 }, { weight: w3, bias: b3 }),
      ],
      normPositionQkv: [
        (n) => ({ x: [n, 4], norm: [4], offsets: [n, 2], w1: [4, 2], b1: [4], w2: [12, 4], b2: [12] }),
        ({ x, norm, offsets, w1, b1, w2, b2 }) =>
          operators.normPositionQkv(x, norm, offsets, { weight: w1, bias: b1 }, { weight: w2, bias: b2 }),
      ],
      cloudSums: [(n) => ({ x: [n, 4] }), ({ x }) => operators.cloudSums(x, [0, x.shape[0]])],
      add: [(n) => ({ a: [n, 4], b: [4] }), ({ a, b }) => operators.add(a, b)],
      gelu: [(n) => ({ x: [n, 4] }), ({ x }) => operators.gelu(x)],
      sum: [(n) => ({ x: [n, 4] }), ({ x }) => sum(x, 1)],
    };
    const filled = (shape: number[]) => Tensor.from(device(), new Float32Array(sizeOf(shape)).fill(0.5), shape);
    const wrong: Record<string, (shape: number[]) => Tensor> = {
      indices: (shape) => Tensor.from(device(), new Int32Array(sizeOf(shape)), shape),
      disposed: (shape) => {
        const tensor = filled(shape);
        tensor.dispose();
        return tensor;
      },
      "an axis more": (shape) => filled([...shape, 1]),
    };

    test.each(Object.entries(cases))("%s", (name, [shapesFor, run]) => {
      const before = device().memory.current;
      const shapes = Object.entries(shapesFor(3));
      for (const [operand] of shapes) {
        for (const [kind, spoil] of Object.entries(wrong)) {
          // Elementwise operators and sums take any shape.
          if (kind === "an axis more" && ["add", "gelu", "sum"].includes(name)) continue;
          const given = shapes.map(
            ([other, shape]) => [other, other === operand ? spoil(shape) : filled(shape)] as const,
          );
          expect(() => run(Object.fromEntries(given)), `${operand}: ${kind}`).toThrow(ErwinError);
          for (const [, tensor] of given) tensor.dispose();
          expect(device().memory.current, `memory after ${operand}: ${kind}`).toBe(before);
        }
      }
    });

    test("a head that is too wide for a GPU's workgroups", () => {
      const attend = () => {
        const balls = { tensor: indexTensor([0, 4]), host: Uint32Array.of(0, 4), largest: 4 };
        return operators.ballAttention(filled([4, 3 * 504]), filled([4, 2]), filled([1]), balls);
      };
      const before = device().memory.current;
      const run = () => scope(() => void attend().dispose());
      if (backend === "cpu") expect(run).not.toThrow();
      else expect(run).toThrow("heads of at most 500 channels, not 504");
      expect(device().memory.current).toBe(before);
    });

    // They would be bindings of no bytes, after which a GPU's device answers nothing any more.
    test("a linear map of operands without columns", async () => {
      const before = device().memory.current;
      scope(() => {
        const [some, none] = [filled([2, 3]), filled([2, 0])];
        const message = "a linear map needs columns of x and second";
        expect(() => linear(none, filled([4, 0]))).toThrow(message);
        expect(() => linear(none, filled([4, 3]), { second: some })).toThrow(message);
        expect(() => linear(some, filled([4, 3]), { second: none })).toThrow(message);
        return undefined;
      });
      expect(device().memory.current).toBe(before);
      using left = filled([1]);
      expect(await left.data(), "the device works").toEqual(Float32Array.of(0.5));
    });

    test("points of more than three dimensions", () => {
      const before = device().memory.current;
      scope(() => {
        const [points, square, wide, channels] = [filled([4, 4]), filled([4, 4]), filled([12, 4]), filled([4])];
        const balls = { tensor: indexTensor([0, 4]), host: Uint32Array.of(0, 4), largest: 4 };
        const norm = { weight: channels, bias: channels };
        const projection = { weight: wide, bias: filled([12]) };
        const calls = {
          normPositionQkv: () => operators.normPositionQkv(square, channels, points, norm, projection),
          ballAttention: () => operators.ballAttention(filled([4, 12]), points, filled([2]), balls),
          messageMean: () => operators.messageMean(square, points, [], { weight: wide, bias: channels }, norm),
          placeLevel: () => operators.placeLevel(points, { stride: 1 }, balls),
        };
        for (const [name, call] of Object.entries(calls)) {
          expect(call, name).toThrow("has the shape [4,4], but points of 1 to 3 dimensions are needed here");
        }
        return undefined;
      });
      expect(device().memory.current).toBe(before);
    });

    test.each(Object.entries(cases).filter(([name]) => name !== "cloudSums"))(
      "%s of no rows has no elements, and the gradient 0",
      async (_, [shapesFor, run]) => {
        const given = Object.entries(shapesFor(0)).map(([name, shape]) => [name, filled(shape).requireGrad()] as const);
        using result = run(Object.fromEntries(given));
        expect(await result.data()).toHaveLength(0);
        using total = sum(result);
        await total.backward();
        for (const [name, tensor] of given) {
          if (tensor.grad) expect(await tensor.grad.data(), name).toEqual(new Float32Array(tensor.size));
          tensor.dispose();
        }
        expect(given.some(([name]) => name === "x" || name === "a")).toBe(true);
      },
    );
  });
}, comparedBackends);
