// Mixed precision: the factors of products are rounded to half precision, if the adapter has it, and nothing else changes.

import {
  AdamW,
  type AdamWOptions,
  ConfigError,
  type Device,
  DeviceError,
  fit,
  linear,
  mean,
  requestDevice,
  scale,
  Tensor,
} from "erwin";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { normals, seededRandom } from "../support/clouds.ts";
import { l2Error } from "../support/compare.ts";
import { loadGoldenCase, numbers } from "../support/golden.ts";
import { useDevice } from "../support/models.ts";
import { flatConfig, makeClouds, makeModel, makeTask } from "../train/training.ts";
import { goldenPass } from "./passes.ts";

/** SwiftShader has no half precision, lavapipe does. */
const adapter = await navigator.gpu.requestAdapter();
const hasHalf = adapter?.features.has("shader-f16") ?? false;

test("the error says that a device has no half precision", async () => {
  const refused = [requestDevice({ backend: "cpu", precision: "mixed" })];
  if (!hasHalf) refused.push(requestDevice({ backend: "webgpu", precision: "mixed" }));
  for (const request of refused) {
    const error = await request.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeviceError);
    expect((error as DeviceError).message).toContain("leave precision out");
  }
});

test("an unknown precision is a config error", async () => {
  const error = await requestDevice({ precision: "float16" as "mixed" }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).details.field).toBe("precision");
});

test("gradients in half precision need mixed precision", async () => {
  const error = await requestDevice({ gradientPrecision: "half" }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).details.field).toBe("gradientPrecision");
});

// These need half precision; the test above covers devices without it.
if (hasHalf) {
  test("products are as near the exact ones as 11 bits allow", async () => {
    using device = await requestDevice({ backend: "webgpu", precision: "mixed" });
    // The sizes are near those of tiles and of matrix units; some widths are multiples of 4, others are not.
    const shapes = [
      [1, 4, 4],
      [65, 64, 64],
      [130, 36, 100],
      [7, 3, 5],
      [33, 70, 47],
      [257, 128, 32],
    ];
    for (const [rows, inner, columns] of shapes) {
      const random = seededRandom(rows);
      const [x, weight] = [normals(rows * inner, random), normals(columns * inner, random)];
      const [tensor, weights] = [Tensor.from(device, x, [rows, inner]), Tensor.from(device, weight, [columns, inner])];
      const found = await linear(tensor, weights).data();
      const exact = Array.from(found, (_, at) => {
        const [row, column] = [Math.floor(at / columns) * inner, (at % columns) * inner];
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += x[row + k] * weight[column + k];
        return sum;
      });
      // The relative error of each factor is at most 2^-12.
      expect(l2Error(found, exact), `[${rows}, ${inner}] -> ${columns}`).toBeLessThan(5e-4);
    }
  });

  test("outputs and gradients are as near the golden ones as 11 bits allow", async () => {
    using device = await requestDevice({ backend: "webgpu", precision: "mixed" });
    expect(device.info.precision).toBe("mixed");
    const name = "a_2d_tiny_train";
    const { golden } = await loadGoldenCase(name);
    const { out, gradients } = await goldenPass(device, name);
    const error = l2Error(out, numbers(golden, "out_f64"));
    // The rounding is 2^13 times that of float32, whose error is about 1e-6 here: a much smaller error would mean no rounding.
    expect(error).toBeGreaterThan(2e-5);
    expect(error).toBeLessThan(2e-2);
    const features = l2Error(gradients.get("grad_features")!, numbers(golden, "grad_features"));
    expect(features).toBeGreaterThan(2e-5);
    expect(features).toBeLessThan(5e-2);
  });

  describe("gradients in half precision", () => {
    const float32 = useDevice();
    let device: Device;
    /** Compilers may leave out a rounding in registers, as Mesa's does since version 25: gradients are float32's then. */
    let rounds: boolean;
    beforeAll(async () => {
      device = await requestDevice({ backend: "webgpu", precision: "mixed", gradientPrecision: "half" });
      const third = Tensor.from(device, [1 / 3], [1, 1]);
      const product = await linear(third, Tensor.from(device, [1], [1, 1])).item();
      expect([Math.fround(1 / 3), 0x555 / 2 ** 12]).toContain(product);
      rounds = product === 0x555 / 2 ** 12;
    });
    afterAll(() => device.dispose());

    test("are as near the exact ones as 11 bits allow, and a bias's as float32", async () => {
      // The last has several parts of rows.
      const some = [
        [65, 64, 64],
        [33, 70, 47],
        [700, 36, 100],
      ];
      for (const [rows, inner, columns] of some) {
        const random = seededRandom(rows);
        const [x, weight, gradient] = [rows * inner, columns * inner, rows * columns].map((n) => normals(n, random));
        const input = Tensor.from(device, x, [rows, inner]).requireGrad();
        const weights = Tensor.from(device, weight, [columns, inner]).requireGrad();
        const bias = Tensor.from(device, new Float32Array(columns)).requireGrad();
        await linear(input, weights, { bias }).backward(Tensor.from(device, gradient, [rows, columns]));
        const exact = { input: x.map(() => 0), weight: weight.map(() => 0), bias: new Float32Array(columns) };
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            const g = gradient[row * columns + column];
            exact.bias[column] += g;
            for (let k = 0; k < inner; k++) {
              exact.input[row * inner + k] += g * weight[column * inner + k];
              exact.weight[column * inner + k] += g * x[row * inner + k];
            }
          }
        }
        const where = `[${rows}, ${inner}] -> ${columns}`;
        for (const [found, wanted] of [[input, exact.input] as const, [weights, exact.weight] as const]) {
          const error = l2Error(await found.grad!.data(), wanted);
          expect(error, where).toBeLessThan(rounds ? 5e-4 : 2e-6);
          if (rounds) expect(error, `${where}: rounded`).toBeGreaterThan(2e-5);
        }
        expect(l2Error(await bias.grad!.data(), exact.bias), `${where}: bias`).toBeLessThan(2e-6);
      }
    });

    test("of a model are as near the golden ones as 11 bits allow", async () => {
      const name = "a_2d_tiny_train";
      const { golden } = await loadGoldenCase(name);
      const { gradients } = await goldenPass(device, name);
      expect(l2Error(gradients.get("grad_features")!, numbers(golden, "grad_features"))).toBeLessThan(5e-2);
    });

    /** Takes steps with the gradient `size` of each of 64 outputs; returns the last report. */
    async function stepsWith(size: number, steps: number, lossScale: AdamWOptions["lossScale"], on = device) {
      const random = seededRandom(3);
      const weight = Tensor.from(on, normals(8 * 4, random), [8, 4]).requireGrad();
      const x = Tensor.from(on, normals(8 * 4, random), [8, 4]);
      using optimizer = new AdamW(new Map([["weight", weight]]), { lossScale });
      for (let step = 1; ; step++) {
        const loss = scale(mean(linear(x, weight)), 64 * size);
        await loss.backward(optimizer.lossScale);
        const report = optimizer.step({ loss });
        optimizer.zeroGrad();
        if (step === steps) return await report;
      }
    }

    test("vanish if they are small, unless the loss is scaled", async () => {
      const { gradientNorm } = await stepsWith(1e-9, 1, undefined, float32());
      if (rounds) expect((await stepsWith(1e-9, 1, undefined)).gradientNorm).toBe(0);
      for (const lossScale of ["dynamic", 2 ** 20, ...(rounds ? [] : [1])] as const) {
        const found = await stepsWith(1e-9, 1, lossScale);
        expect(found.skipped).toBe(0);
        expect(Math.abs(found.gradientNorm / gradientNorm - 1)).toBeLessThan(1e-3);
      }
    });

    test("overflow if they are large, until a dynamic scale is small enough", async () => {
      // 100 * 512 is the first that is below 65504.
      const expected = rounds ? { skipped: 7, lossScale: 512 } : { skipped: 0, lossScale: 65536 };
      expect(await stepsWith(100, 9, "dynamic")).toMatchObject({ calls: 9, ...expected });
      const large = stepsWith(100, 1, 65536);
      if (rounds) await expect(large).rejects.toThrow("the gradient of weight is not finite");
      else expect((await large).gradientNorm).toBeGreaterThan(1);
    });

    test("train as well as those in float32, with a dynamic loss scale", async () => {
      const trainData = makeClouds(20, 1);
      const train = async (on: Device, optimizer: AdamWOptions) => {
        using model = await makeModel(on, 1, flatConfig);
        const { validation, skipped } = await fit({
          ...{ model, task: makeTask(model), trainData, validationData: makeClouds(5, 2), optimizer },
          ...{ steps: 150, batchSize: 4, schedule: { kind: "cosine", lr: 1e-2, minLr: 1e-4, steps: 150 } },
        });
        return { loss: validation!.loss, skipped };
      };
      const exact = await train(float32(), {});
      const half = await train(device, { lossScale: "dynamic" });
      expect(half.loss / exact.loss).toBeLessThan(1.02);
      expect(half.skipped).toBeLessThan(10);
    });
  });
}
