// The kernels for matrix units, which no adapter of these tests has: Dawn's compiler accepts each of them, for the units of NVIDIA's
// GPUs and of Mesa's software adapter. And the choice of the adapters whose units are used.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MatrixUnits } from "../../src/backends/device.ts";
import { kernelSource } from "../../src/backends/webgpu/kernels.ts";
import { findMatrixUnits, MATRIX_FEATURE } from "../../src/backends/webgpu/matrix-units.ts";
import { productCut } from "../../src/backends/webgpu/products.ts";
import { createDawn } from "../support/dawn.ts";

const nvidia: MatrixUnits = { rows: 16, columns: 16, inner: 16, subgroup: 32 };
const mesa: MatrixUnits = { rows: 8, columns: 8, inner: 8, subgroup: 8 };

describe("the kernels for matrix units compile", () => {
  let gpu: GPU | undefined;
  let device: GPUDevice;
  beforeAll(async () => {
    gpu = await createDawn("backend=null", "enable-dawn-features=allow_unsafe_apis");
    const adapter = await gpu.requestAdapter();
    const requiredFeatures = ["shader-f16", "subgroups", MATRIX_FEATURE] as GPUFeatureName[];
    device = await adapter!.requestDevice({ requiredFeatures });
  });
  afterAll(() => {
    device.destroy();
    gpu = undefined;
  });

  const along = { leftAlong: true, rightAlong: true, inParts: true };
  const kernels = [
    {
      name: "linear",
      kinds: [0, 1].map((HALF_X) => ({
        TRANSPOSED: 0,
        HALF_X,
        SPLIT_LEFT: HALF_X,
        COLUMN_NORM: HALF_X,
      })),
    },
    { name: "norm_position_qkv", norm: true, kinds: [2, 3].map((DIMENSIONS) => ({ DIMENSIONS })) },
    { name: "norm_swiglu", norm: true, kinds: [{}] },
    { name: "message_products", kinds: [{}] },
    // Of the backward pass, where gradients are in half precision.
    {
      name: "linear",
      rightAlong: true,
      kinds: [{ TRANSPOSED: 1, HALF_X: 0, COLUMN_NORM: 0 }],
    },
    { name: "weight_gradient", ...along, kinds: [0, 1].map((LEFT_SUMS) => ({ LEFT_SUMS })) },
    { name: "swiglu_backward", kinds: [{}] },
  ];
  const unitsOf = { nvidia, mesa };
  it.each(Object.keys(unitsOf) as (keyof typeof unitsOf)[])("of the kind of %s", async (kind) => {
    for (const { name, kinds, ...options } of kernels) {
      for (const constants of kinds) {
        // Few and many rows, narrow and wide matrices, widths that are multiples of 4 and others.
        for (const rows of [64, 2 ** 16]) {
          for (const columns of [32, 64, 66, 256]) {
            const shape = { rows, columns, inner: columns, widths: [columns], ...options, half: true };
            const cut = productCut(shape, { software: false, matrixUnits: unitsOf[kind] }).constants;
            const { code } = kernelSource(name, { ...cut, ...constants });
            expect(code).toContain("subgroupMatrixMultiplyAccumulate(");
            const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
            const found = messages.map(({ type, message, lineNum }) => `${type}, line ${lineNum}: ${message}`);
            expect(found, `${name} ${JSON.stringify({ ...cut, ...constants })}`).toEqual([]);
          }
        }
      }
    }
  });
});

describe("matrix units", () => {
  const config = { componentType: "f16", resultComponentType: "f32", M: 16, N: 16, K: 16 };
  const adapterWith = ({ features = ["shader-f16", "subgroups", MATRIX_FEATURE], bytes = 49152, info = {} }) =>
    ({
      features: new Set(features),
      limits: { maxComputeWorkgroupStorageSize: bytes },
      info: { subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrixConfigs: [config], ...info },
    }) as unknown as GPUAdapter;

  it("are used if they multiply half precision into float32", () => {
    expect(findMatrixUnits(adapterWith({}))).toEqual(nvidia);
    const others = [
      { ...config, resultComponentType: "f16" },
      { ...config, K: 64 },
    ];
    expect(findMatrixUnits(adapterWith({ info: { subgroupMatrixConfigs: [...others, config] } }))).toEqual(nvidia);
    expect(findMatrixUnits(adapterWith({ info: { subgroupMatrixConfigs: others } }))).toBeUndefined();
  });

  it("are not used if the adapter lacks something that their kernels need", () => {
    for (const lacking of [
      { features: ["shader-f16", "subgroups"] },
      { features: ["subgroups", MATRIX_FEATURE] },
      { bytes: 16384 },
      { info: { subgroupMinSize: 16 } },
      { info: { subgroupMinSize: 128, subgroupMaxSize: 128 } },
      { info: { subgroupMatrixConfigs: undefined } },
    ]) {
      expect(findMatrixUnits(adapterWith(lacking)), JSON.stringify(lacking)).toBeUndefined();
    }
  });
});
