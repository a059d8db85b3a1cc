// Losses and look-ups against their formulas.

import {
  accuracy,
  add,
  type CrossEntropyOptions,
  cloudMeans,
  concatenate,
  crossEntropy,
  type Device,
  embeddingLookup,
  gaussianNegativeLogLikelihood,
  huber,
  InputError,
  l1,
  linear,
  logSoftmax,
  mse,
  multiply,
  nn,
  operators,
  relativeL2,
  reshape,
  scope,
  sigmoid,
  slice,
  softmax,
  square,
  subtract,
  sum,
  Tensor,
  transpose,
} from "erwin";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normals, seededRandom } from "../support/clouds.ts";
import { onEachDevice } from "../support/models.ts";
import { byDifferences, check, type Given, given, runs } from "../support/operators.ts";

const rows = fc.integer({ min: 1, max: 40 });
const columns = fc.integer({ min: 1, max: 6 });

onEachDevice((device) => {
  describe("mse", () => {
    test("is the mean of the squared differences, with gradients for both sides", async () => {
      await fc.assert(
        fc.asyncProperty(rows, columns, fc.nat(), async (n, d, seed) => {
          const random = seededRandom(seed);
          const formula = byDifferences((p, t) => [
            p.reduce((sum, value, i) => sum + (value - t[i]) ** 2, 0) / p.length,
          ]);
          const inputs = [given([n, d], random), given([n, d], random)];
          expect(await check(device(), inputs, mse, formula, random, `mse [${n}, ${d}]`)).toEqual([]);
        }),
        runs,
      );
    });

    test("of equal tensors is 0, with gradient 0", async () => {
      using x = Tensor.from(device(), normals(33, seededRandom(1))).requireGrad();
      using loss = mse(x, x.detach());
      await loss.backward();
      expect([...(await loss.data())]).toEqual([0]);
      const gradient = (await x.grad?.data()) as Float32Array;
      expect(gradient.every((value) => value === 0)).toBe(true);
    });

    test("refuses shapes that differ, even where they would repeat", () => {
      using a = Tensor.from(device(), new Float32Array(6), [2, 3]);
      using b = Tensor.from(device(), new Float32Array(3), [1, 3]);
      expect(() => mse(a, b)).toThrow("target has the shape [1,3], but [2,3] is needed here");
    });
  });

  test("l1 and huber are their formulas, with gradients for both sides", async () => {
    await fc.assert(
      fc.asyncProperty(rows, columns, fc.nat(), async (n, d, seed) => {
        const random = seededRandom(seed);
        const delta = 0.2 + random();
        const inputs = [given([n, d], random), given([n, d], random)];
        const meanOf = (term: (e: number) => number) =>
          byDifferences(
            (p, t) => [p.reduce((sum, value, i) => sum + term(Math.abs(value - t[i])), 0) / p.length],
            1e-6,
          );
        const absolute = meanOf((e) => e);
        await check(device(), inputs, l1, absolute, random, `l1 [${n}, ${d}]`);
        const robust = meanOf((e) => (e <= delta ? e ** 2 / 2 : delta * (e - delta / 2)));
        await check(device(), inputs, (p, t) => huber(p, t, delta), robust, random, `huber [${n}, ${d}]`);
      }),
      runs,
    );
    using x = Tensor.from(device(), [1, 2]);
    expect(() => huber(x, [1, 2], 0)).toThrow("delta");
    expect(() => l1(x, [1, 2, 3])).toThrow("target has the shape [3], but [2] is needed here");
  });

  describe("gaussianNegativeLogLikelihood", () => {
    /** mean of (t - m)^2 / (2 s^2) + log s + log(2 pi) / 2 with s = 1e-6 + softplus(raw). */
    function formula(prediction: ArrayLike<number>, target: ArrayLike<number>, d: number): number {
      let sum = 0;
      for (let i = 0; i < target.length; i++) {
        const at = Math.floor(i / d) * 2 * d + (i % d);
        const raw = prediction[at + d];
        const s = 1e-6 + Math.max(raw, 0) + Math.log1p(Math.exp(-Math.abs(raw)));
        sum += (target[i] - prediction[at]) ** 2 / (2 * s * s) + Math.log(s) + Math.log(2 * Math.PI) / 2;
      }
      return sum / target.length;
    }

    test("is minus the mean logarithm of the normal density", async () => {
      await fc.assert(
        fc.asyncProperty(rows, columns, fc.nat(), async (n, d, seed) => {
          const random = seededRandom(seed);
          const reference = byDifferences((p, t) => [formula(p, t, d)]);
          const inputs = [given([n, 2 * d], random), given([n, d], random)];
          const what = `likelihood [${n}, ${d}]`;
          expect(await check(device(), inputs, gaussianNegativeLogLikelihood, reference, random, what)).toEqual([]);
        }),
        runs,
      );
    });

    test("is finite for deviations close to 0 and far from it", async () => {
      const random = seededRandom(2);
      const n = 12;
      const target = given([n, 1], random);
      const prediction: Given = {
        shape: [n, 2],
        data: Float32Array.from({ length: 2 * n }, (_, i) => {
          const row = Math.floor(i / 2);
          const raw = [-12, -6, -1, 3, 40, 1000][row % 6];
          // The prediction is within about one deviation of the target, as that of a trained model would be.
          return i % 2 ? raw : target.data[row] + Math.log1p(Math.exp(Math.min(raw, 5))) * random();
        }),
      };
      const reference = byDifferences((p, t) => [formula(p, t, 1)], 1e-9);
      await check(device(), [prediction, target], gaussianNegativeLogLikelihood, reference, random);
    });

    test("refuses a prediction that is not twice as wide as its target", () => {
      using prediction = Tensor.from(device(), new Float32Array(9), [3, 3]);
      using target = Tensor.from(device(), new Float32Array(6), [3, 2]);
      expect(() => gaussianNegativeLogLikelihood(prediction, target)).toThrow(InputError);
    });
  });

  describe("crossEntropy", () => {
    /** mean over the rows of sum_k t_k (log sum_j exp(x_j) - x_k). */
    function formula(logits: ArrayLike<number>, target: ArrayLike<number>, classes: number): number {
      let sum = 0;
      for (let first = 0; first < logits.length; first += classes) {
        const row = Array.from({ length: classes }, (_, k) => logits[first + k]);
        const most = Math.max(...row);
        const all = most + Math.log(row.reduce((total, x) => total + Math.exp(x - most), 0));
        row.forEach((x, k) => {
          sum += target[first + k] * (all - x);
        });
      }
      return sum / (logits.length / classes);
    }

    test("is that of the softmax of the logits, for any number of classes", async () => {
      await fc.assert(
        fc.asyncProperty(rows, fc.integer({ min: 1, max: 9 }), fc.nat(), async (n, classes, seed) => {
          const random = seededRandom(seed);
          const reference = byDifferences((x, t) => [formula(x, t, classes)]);
          const what = `cross entropy [${n}, ${classes}]`;
          const inputs = [given([n, classes], random), given([n, classes], random)];
          const compute = (x: Tensor, t: Tensor) => crossEntropy(x, t);
          expect(await check(device(), inputs, compute, reference, random, what)).toEqual([]);
        }),
        runs,
      );
    });

    test("stands logits whose exponentials no float holds", async () => {
      using logits = Tensor.from(device(), [400, -400, 0, -1000, 2000, 1999], [2, 3]).requireGrad();
      using loss = crossEntropy(logits, [
        [0, 0, 1],
        [0, 1, 0],
      ]);
      await loss.backward();
      const expected = (400 + Math.log1p(Math.exp(-1))) / 2;
      expect((await loss.data())[0]).toBeCloseTo(expected, 3);
      const share = 1 / (1 + Math.E);
      const gradient = (await logits.grad?.data()) as Float32Array;
      [0.5, 0, -0.5, 0, -share / 2, share / 2].forEach((value, i) => expect(gradient[i]).toBeCloseTo(value, 5));
    });

    const classLogits = [1.5, -0.25, 3, 0.5, -1, 2, 3, 1, -2, 0, 0.5, 0.25, -4, 8, 1];
    const numbers = Int32Array.of(0, 1, 2, 1, -100);
    const rowsOfTarget = [
      [0.5, 0.25, 0.25],
      [1, 0, 0],
      [0, 0.75, 0.25],
      [0.125, 0.125, 0.75],
      [0, 0, 1],
    ];
    const weight = [0.5, 2, 1.25];
    // Of torch.nn.functional.cross_entropy 1.13 in float64: the loss, and some of its gradient.
    test.each<[string, Parameters<typeof crossEntropy>[1], CrossEntropyOptions, number, number[]]>([
      ["class numbers", numbers, {}, 2.7440291495, [-0.20579495, 0.00768169, 0.19811327, 0.0438226]],
      ["a list of them", [...numbers], { weight }, 2.6962897906, [-0.07158085, 0.00267189, 0.06890896, 0.06097057]],
      ["float numbers", Float32Array.from(numbers), { labelSmoothing: 0.1 }, 2.6481958161, [-0.18912829, -0.00065165]],
      ["both", BigInt64Array.from(numbers, BigInt), { weight, labelSmoothing: 0.1 }, 2.6025908825, [-0.0634774]],
      ["ignoreIndex", Uint8Array.of(0, 1, 2, 1, 2), { ignoreIndex: 1, weight }, 5.3445048467, [-0.13719664]],
      ["distributions", rowsOfTarget, {}, 2.9079068406, [-0.06463596, -0.04385465, 0.10849062, -0.16494192]],
      ["weighted", rowsOfTarget, { weight, labelSmoothing: 0.1 }, 3.545093613672, [-0.01009597, -0.09668868]],
    ])("gives PyTorch's loss for %s", async (_, target, options, expected, slopes) => {
      using logits = Tensor.from(device(), classLogits, [5, 3]).requireGrad();
      using loss = crossEntropy(logits, target, options);
      await loss.backward();
      expect((await loss.data())[0]).toBeCloseTo(expected, 5);
      const gradient = (await logits.grad?.data()) as Float32Array;
      slopes.forEach((slope, i) => expect(gradient[i]).toBeCloseTo(slope, 6));
    });

    test("of rows of which none counts is 0, with gradient 0", async () => {
      using logits = Tensor.from(device(), [1, 2, 3, 4], [2, 2]).requireGrad();
      using loss = crossEntropy(logits, [-100, -100]);
      await loss.backward();
      expect([await loss.data(), await logits.grad?.data()]).toEqual([Float32Array.of(0), new Float32Array(4)]);
    });

    test("is not touched by infinite logits of a row that does not count, and has the gradient 0 there", async () => {
      const given = [1, 2, 0.5, Infinity, -Infinity, 0.1, 0.3, -0.2, 1.5, NaN, 0, 0];
      using logits = Tensor.from(device(), given, [4, 3]).requireGrad();
      const target = [1, -1, 0, -1];
      using loss = crossEntropy(logits, target, { ignoreIndex: -1, weight: [1, 2, 3] });
      using share = accuracy(logits, target, { ignoreIndex: -1 });
      await loss.backward();
      // Of PyTorch 2.13, whose gradient is NaN where the logits are.
      expect((await loss.data())[0]).toBeCloseTo(0.8411321071, 6);
      expect((await share.data())[0]).toBe(0.5);
      const slopes = [0.15414927, -0.24764552, 0.09349626, 0, 0, 0, -0.26567407, 0.04103742, 0.22463666, 0, 0, 0];
      const gradient = (await logits.grad?.data()) as Float32Array;
      slopes.forEach((slope, i) => expect(gradient[i]).toBeCloseTo(slope, 6));
    });

    test("names the row of a number of no class, and refuses targets and weights of another size", () => {
      using logits = Tensor.from(device(), new Float32Array(6), [2, 3]);
      expect(() => crossEntropy(logits, [2, 3])).toThrow(
        "target[1] is 3, expected a class number from 0 to 2, or -100 (ignoreIndex)",
      );
      expect(() => crossEntropy(logits, [1.5, 0])).toThrow("target[0] is 1.5, expected a whole number");
      expect(() => crossEntropy(logits, Int32Array.of(1))).toThrow("target has 1 class numbers, expected one for each");
      expect(() => crossEntropy(logits, new Float32Array(5))).toThrow(InputError);
      for (const tensor of [Tensor.from(device(), [1, 0]), Tensor.from(device(), Int32Array.of(1, 0))]) {
        expect(() => crossEntropy(logits, tensor)).toThrow("class numbers are given in an array");
        tensor.dispose();
      }
      expect(() => softmax(logits, 0)).toThrow("a softmax is along the last axis, not along axis 0");
      expect(() => crossEntropy(logits, [0, 0], { weight: [1, 2] })).toThrow("weight must be 3 numbers");
      expect(() => crossEntropy(logits, [0, 0], { labelSmoothing: 2 })).toThrow("from 0 to 1");
      expect(() => crossEntropy(logits, [0, 0], { smoothing: 0.1 } as never)).toThrow(
        "crossEntropy has no option smoothing",
      );
    });

    test("classes that are masked by very small logits take no digits from the others", async () => {
      const masked = [-1e9, 0.3, -0.2, -Infinity, -Infinity, 1.5, -3e38, 2, 1, 161.625, -40.5, 160.25];
      using logits = Tensor.from(device(), masked, [4, 3]).requireGrad();
      using loss = crossEntropy(logits, [1, 2, 1, 0]);
      await loss.backward();
      using logarithms = logSoftmax(logits);
      using shares = softmax(logits);
      const found = [loss, shares, logits.grad as Tensor, logarithms].map((tensor) => tensor.data());
      const [value, share, slopes, logarithm] = await Promise.all(found);
      // Of PyTorch 2.13 in float64.
      expect(value[0]).toBeCloseTo(0.2531878308, 6);
      const expected = [
        0, 0.6224593312, 0.3775406688, 0, 0, 1, 0, 0.73105857863, 0.2689414214, 0.7981867777, 0, 0.2018132223,
      ];
      expected.forEach((number, i) => {
        expect(share[i]).toBeCloseTo(number, 6);
        expect(slopes[i]).toBeCloseTo((number - Number([1, 5, 7, 9].includes(i))) / 4, 6);
        if (number > 0) expect(logarithm[i]).toBeCloseTo(Math.log(number), 6);
      });
      expect([logarithm[0], logarithm[3], logarithm[10]]).toEqual([-1e9, -Infinity, expect.closeTo(-202.35041, 4)]);
      using all = accuracy(logits, [1, 2, 0, 1]);
      expect(await all.item()).toBe(0.5);
      expect(() => accuracy(logits, [1, 2, 0, 1], { ignored: 0 } as never)).toThrow("accuracy has no option ignored");
    });

    test("softmax and logSoftmax are of the last axis, for logits of any size", async () => {
      const formula = (x: Float64Array) => {
        const most = [0, 4, 8].flatMap((at) => Array(4).fill(Math.max(...x.slice(at, at + 4))));
        const shifted = x.map((value, i) => value - most[i]);
        return shifted.map((value, i) => {
          const row = shifted.slice(i - (i % 4), i - (i % 4) + 4);
          return value - Math.log(row.reduce((sum, other) => sum + Math.exp(other), 0));
        });
      };
      const random = seededRandom(6);
      const inputs = () => [given([3, 1, 4], random, { scale: 30 })];
      expect(await check(device(), inputs(), (x) => logSoftmax(x), byDifferences(formula), random)).toEqual([3, 1, 4]);
      const shares = byDifferences((x) => formula(x).map(Math.exp));
      expect(await check(device(), [given([3, 1, 4], random)], (x) => softmax(x), shares, random)).toEqual([3, 1, 4]);
    });
  });

  describe("relativeL2", () => {
    /** mean over the clouds of ||p - t|| / ||t||. */
    function formula(p: ArrayLike<number>, t: ArrayLike<number>, d: number, offsets: readonly number[]): number {
      let sum = 0;
      for (let cloud = 0; cloud + 1 < offsets.length; cloud++) {
        let error = 0;
        let size = 0;
        for (let i = offsets[cloud] * d; i < offsets[cloud + 1] * d; i++) {
          error += (p[i] - t[i]) ** 2;
          size += t[i] ** 2;
        }
        sum += Math.sqrt(error) / Math.sqrt(size);
      }
      return sum / (offsets.length - 1);
    }

    test("is the mean of the clouds' relative errors", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
          columns,
          fc.nat(),
          async (sizes, d, seed) => {
            const random = seededRandom(seed);
            let n = 0;
            const offsets = [0, ...sizes.map((size) => (n += size))];
            await check(
              device(),
              [given([n, d], random), given([n, d], random)],
              (p, t) => relativeL2(p, t, offsets),
              byDifferences((p, t) => [formula(p, t, d, offsets)]),
              random,
              `clouds of [${sizes}] rows, ${d} columns`,
            );
          },
        ),
        runs,
      );
    });

    test("takes all rows as one cloud if no offsets are given", async () => {
      const random = seededRandom(3);
      const reference = byDifferences((p, t) => [formula(p, t, 1, [0, 9])]);
      await check(device(), [given([9], random), given([9], random)], (p, t) => relativeL2(p, t), reference, random);
    });

    test("takes the clouds of a model's output, each by itself", async () => {
      using x = Tensor.from(device(), [3, 4, 10], [3, 1]);
      x.batchIdx = Int32Array.of(0, 0, 1);
      const target = [0, 5, 8];
      const expected = (Math.hypot(3, 1) / 5 + 2 / 8) / 2;
      using loss = relativeL2(x, target);
      expect(await loss.item()).toBeCloseTo(expected, 6);
    });

    test("of a perfect prediction is 0, with gradient 0", async () => {
      using x = Tensor.from(device(), normals(30, seededRandom(4)), [10, 3]).requireGrad();
      using loss = relativeL2(x, x.detach());
      await loss.backward();
      expect([...(await loss.data())]).toEqual([0]);
      const gradient = (await x.grad?.data()) as Float32Array;
      expect(gradient.every((value) => value === 0)).toBe(true);
    });

    test("refuses offsets that do not divide the rows", () => {
      using x = Tensor.from(device(), new Float32Array(6), [3, 2]);
      for (const offsets of [[0], [0, 2], [1, 3], [0, 2, 2, 3], [0, 2, 1, 3]]) {
        expect(() => relativeL2(x, x, offsets), `${offsets}`).toThrow(InputError);
      }
      expect(() => relativeL2(x, x, [0, 1, 1, 3])).toThrow("Cloud 1 is empty (offsets[1] = offsets[2] = 1)");
      expect(() => relativeL2(x, x, [0, -1, 3])).toThrow("offsets[1] is -1 after 0");
    });
  });

  /** Looks up rows of a table: the value, and the table's gradient, which is exact. */
  async function checkLookup(device: Device, entries: number, width: number, indices: number[], seed: number) {
    const random = seededRandom(seed);
    await check(
      device,
      [given([entries, width], random)],
      (table) => embeddingLookup(table, indices),
      ([table], probe) => {
        const gradient = new Float64Array(table.length);
        probe.forEach((value, i) => {
          gradient[indices[Math.floor(i / width)] * width + (i % width)] += value;
        });
        const value = indices.flatMap((entry) => [...table.subarray(entry * width, (entry + 1) * width)]);
        return { value, gradients: [gradient] };
      },
      random,
      `look-up of ${indices.length} in [${entries}, ${width}]`,
    );
  }

  describe("embeddingLookup", () => {
    test("picks rows; the table's gradient sums them up again", async () => {
      await fc.assert(
        fc.asyncProperty(columns, columns, fc.array(fc.nat(), { maxLength: 90 }), async (entries, width, raw) => {
          const indices = raw.map((value) => value % entries);
          await checkLookup(device(), entries, width, indices, raw.length);
        }),
        runs,
      );
    });

    test("sums up the thousands of rows that one entry may have", async () => {
      const random = seededRandom(5);
      await checkLookup(
        device(),
        4,
        5,
        Array.from({ length: 5000 }, () => Math.floor(3 * random() ** 2)),
        6,
      );
    });

    test("names the first index that is not in the table", () => {
      using table = Tensor.from(device(), new Float32Array(8), [4, 2]);
      expect(() => embeddingLookup(table, [0, 3, 4, -1])).toThrow("index 2 is 4, but the table has the rows 0 to 3");
      expect(() => embeddingLookup(table, [-1])).toThrow(InputError);
    });
  });

  test("cloudSums adds up clouds of any size", async () => {
    const random = seededRandom(7);
    const offsets = [0, 1, 400, 403, 700];
    await check(
      device(),
      [given([700, 2], random)],
      (x) => operators.cloudSums(x, offsets),
      ([x], probe) => {
        const value = new Float64Array(8);
        const cloudOf = (i: number) => offsets.slice(1).findIndex((end) => Math.floor(i / 2) < end);
        x.forEach((number, i) => {
          value[cloudOf(i) * 2 + (i % 2)] += number;
        });
        return { value, gradients: [Float64Array.from(x, (_, i) => probe[cloudOf(i) * 2 + (i % 2)])] };
      },
      random,
    );
  });

  test("what is computed of a model's output row by row has its clouds, and nothing else has", () => {
    using x = Tensor.from(device(), new Float32Array(9), [3, 3]);
    x.batchIdx = Int32Array.of(0, 0, 1);
    using vector = Tensor.from(device(), new Float32Array(3));
    using weights = Tensor.from(device(), new Float32Array(6), [2, 3]);
    const head = new nn.Sequential(new nn.LayerNorm(3), new nn.MLP([3, 2, 4]), new nn.BatchNorm(4), new nn.Dropout());
    using layers = head.initialize({ device: device() });
    const rowByRow = {
      functions: () => sigmoid(square(x)),
      arithmetic: () => subtract(2, multiply(vector, x)),
      linear: () => linear(x, weights),
      layers: () => layers.forward(x),
      sections: () => concatenate([slice(x, 1, 0, 1), x], 1),
      sums: () => sum(x, 1),
      reshape: () => reshape(x, [3, 1, 3]),
      views: () => x.view().detach(),
      softmax: () => softmax(x),
    };
    for (const [name, compute] of Object.entries(rowByRow)) {
      using result = scope(compute);
      expect(result.batchIdx, name).toEqual(x.batchIdx);
    }
    const otherwise = {
      transpose: () => transpose(x),
      rows: () => embeddingLookup(x, [2, 1, 0]),
      sections: () => concatenate([slice(x, 0, 2), x]),
      sums: () => sum(x, 0),
      clouds: () => cloudMeans(x),
      "another operand": () => add(weights, sum(x, 1)),
    };
    for (const [name, compute] of Object.entries(otherwise)) {
      using result = scope(compute);
      expect(result.batchIdx, name).toBeUndefined();
    }
  });

  test("cloudMeans pools a model's output by its own clouds", async () => {
    using x = Tensor.from(device(), [1, 10, 2, 20, 6, 60, 7, 70], [4, 2]).requireGrad();
    const pooled = async (offsets?: number[]) => {
      using means = cloudMeans(x, offsets);
      return [means.shape, ...(await means.data())];
    };
    expect(await pooled([0, 1, 4])).toEqual([[2, 2], 1, 10, 5, 50]);
    expect(await pooled()).toEqual([[1, 2], 4, 40]);
    x.batchIdx = Int32Array.of(0, 0, 0, 1);
    expect(await pooled()).toEqual([[2, 2], 3, 30, 7, 70]);
    using total = sum(cloudMeans(x));
    await total.backward();
    expect(await x.grad?.data()).toEqual(Float32Array.from([...Array(6).fill(1 / 3), 1, 1]));
  });
});
