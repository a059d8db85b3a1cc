// The kernels for matrix units give the numbers of the others: here by ordinary instructions, which compute what matrix units would,
// but for half precision (test/support/matrix-units.ts). src/build/matrix-units.mjs runs them on matrix units.

import { type Device, linear, operators, requestDevice, scope, Tensor } from "erwin";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { findMatrixUnits } from "../../src/backends/webgpu/matrix-units.ts";
import { normals, seededRandom } from "../support/clouds.ts";
import { l2Error } from "../support/compare.ts";
import { emulatedUnits, withoutMatrixUnits } from "../support/matrix-units.ts";
import { useDevice } from "../support/models.ts";
import { sizeOf } from "../support/operators.ts";

const adapter = await navigator.gpu.requestAdapter();

// It has the type in which the hidden layer is stored.
if (adapter?.features.has("shader-f16")) {
  const float32 = useDevice();
  let device: Device;
  let replaced = 0;
  beforeAll(async () => {
    device = await requestDevice({ backend: "webgpu", precision: "mixed", gradientPrecision: "half" });
    Object.assign(device.info, { matrixUnits: emulatedUnits });
    const { createShaderModule } = GPUDevice.prototype;
    vi.spyOn(GPUDevice.prototype, "createShaderModule").mockImplementation(function (this: GPUDevice, descriptor) {
      const code = withoutMatrixUnits(descriptor.code);
      if (code !== descriptor.code) replaced++;
      return createShaderModule.call(this, { ...descriptor, code });
    });
  });
  afterAll(() => {
    vi.restoreAllMocks();
    device.dispose();
    expect(replaced).toBeGreaterThan(0);
  });

  /** Computes on both devices, forward and backward, and compares the results. */
  async function expectSame(
    shapes: readonly (readonly number[])[],
    compute: (...inputs: Tensor[]) => Tensor,
    tolerance: number,
  ): Promise<void> {
    const random = seededRandom(sizeOf(shapes[0]));
    const given = shapes.map((shape) => normals(sizeOf(shape), random));
    let probe: Float32Array | undefined;
    const run = async (on: Device) => {
      const inputs = given.map((data, i) => Tensor.from(on, data, shapes[i]).requireGrad());
      using out = scope(() => compute(...inputs));
      probe ??= normals(out.size, random);
      using seed = Tensor.from(on, probe, out.shape);
      await out.backward(seed);
      return await Promise.all([out, ...inputs.map(({ grad }) => grad!)].map((tensor) => tensor.data()));
    };
    const [expected, found] = [await run(float32()), await run(device)];
    for (const [i, values] of expected.entries()) {
      const of = i === 0 ? "the result" : `the gradient of [${shapes[i - 1]}]`;
      expect(l2Error(found[i], values), of).toBeLessThan(tolerance);
    }
  }

  // One element at a time, in narrow tiles.
  test("of a linear map of two arrays side by side", async () => {
    const [rows, inner, more, columns] = [33, 30, 5, 27];
    await expectSame(
      [[rows, inner], [columns, inner + more], [columns], [rows, more]],
      (x, weight, bias, second) => linear(x, weight, { bias, second }),
      2e-6,
    );
  });

  // One vec4 at a time, and with several parts of the rows. The hidden layer is rounded.
  test("of a norm and the feed-forward part behind it", async () => {
    const [rows, width, hidden] = [700, 36, 52];
    const map = (columns: number, inner: number) => [[columns, inner], [columns]];
    await expectSame(
      [[rows, width], [width], ...map(hidden, width), ...map(hidden, width), ...map(width, hidden)],
      (x, norm, w1, b1, w2, b2, w3, b3) => {
        const maps = [
          { weight: w1, bias: b1 },
          { weight: w2, bias: b2 },
          { weight: w3, bias: b3 },
        ] as const;
        return operators.feedForward(x, norm, ...maps);
      },
      5e-4,
    );
  });
} else {
  test("an adapter without half precision has no matrix units", () => {
    expect(adapter && findMatrixUnits(adapter)).toBeFalsy();
  });
}
