// Mixed precision: the factors of products are rounded to half precision, if the adapter has it, and nothing else changes.

import { ConfigError, DeviceError, linear, requestDevice, Tensor } from "erwin";
import { expect, test } from "vitest";
import { normals, seededRandom } from "../support/clouds.ts";
import { l2Error } from "../support/compare.ts";
import { loadGoldenCase, numbers } from "../support/golden.ts";
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
    const name = "d_mixed_strides_train";
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
}
