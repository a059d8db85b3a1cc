// Detects matrix units (tensor cores) that product_matrix.wgsl can use. So far only Dawn's experiment
// chromium-experimental-subgroup-matrix gives access to them: Chromium and the npm package webgpu offer it if unsafe APIs are allowed.

import type { MatrixUnits } from "../device.ts";
import type { Offer } from "./adapter-info.ts";
import { matrixThreads } from "./products.ts";

export const MATRIX_FEATURE = "chromium-experimental-subgroup-matrix";

/** The maximum workgroup memory of the kernel, for its tiles, their sums and the squares or sums of their rows, and of its threads. */
const MATRIX_BYTES = 24_576;
const MAX_THREADS = 256;

/** Dawn's additions to GPUAdapterInfo. */
interface MatrixAdapterInfo {
  subgroupMatrixConfigs?: Iterable<{
    componentType: string;
    resultComponentType: string;
    M: number;
    N: number;
    K: number;
  }>;
}

export function findMatrixUnits({ features, limits, info }: Offer): MatrixUnits | undefined {
  if (!features.has(MATRIX_FEATURE) || !features.has("shader-f16") || !features.has("subgroups")) return undefined;
  // The size of a subgroup must be known when the kernel is compiled.
  const { subgroupMinSize, subgroupMaxSize: subgroup } = info;
  if (!subgroup || subgroup !== subgroupMinSize) return undefined;
  if (limits.maxComputeWorkgroupStorageSize < MATRIX_BYTES) return undefined;
  for (const config of (info as MatrixAdapterInfo).subgroupMatrixConfigs ?? []) {
    const { componentType, resultComponentType, M: rows, N: columns, K: inner } = config;
    if (componentType !== "f16" || resultComponentType !== "f32") continue;
    const units = { rows, columns, inner, subgroup };
    const threads = matrixThreads(units);
    // The sides of tiles are multiples of 32.
    const fits = [rows, columns, inner].every((size) => 32 % size === 0);
    if (fits && 256 % threads === 0 && threads <= MAX_THREADS) return units;
  }
  return undefined;
}
