// Whether an adapter gives access to matrix units (tensor cores) that product_matrix.wgsl can use. So far that is Dawn's experiment
// chromium-experimental-subgroup-matrix: Chromium and the npm package webgpu offer it when started with unsafe APIs allowed.

import type { MatrixUnits } from "../device.ts";
import { matrixThreads } from "./products.ts";

export const MATRIX_FEATURE = "chromium-experimental-subgroup-matrix";

/** Workgroup memory and threads that the kernel may take: its tiles, their sums, and the squares of their rows. */
const MATRIX_BYTES = 24_576;
const MOST_THREADS = 256;

/** What Dawn adds to an adapter's description. */
interface MatrixAdapterInfo {
  subgroupMatrixConfigs?: Iterable<{
    componentType: string;
    resultComponentType: string;
    M: number;
    N: number;
    K: number;
  }>;
}

export function findMatrixUnits({ features, limits, info }: GPUAdapter): MatrixUnits | undefined {
  if (!features.has(MATRIX_FEATURE) || !features.has("shader-f16") || !features.has("subgroups")) return undefined;
  // How many threads work together must be known when the kernel is compiled.
  const { subgroupMinSize, subgroupMaxSize: subgroup } = info;
  if (!subgroup || subgroup !== subgroupMinSize) return undefined;
  if (limits.maxComputeWorkgroupStorageSize < MATRIX_BYTES) return undefined;
  for (const config of (info as MatrixAdapterInfo).subgroupMatrixConfigs ?? []) {
    const { componentType, resultComponentType, M: rows, N: columns, K: inner } = config;
    if (componentType !== "f16" || resultComponentType !== "f32") continue;
    const units = { rows, columns, inner, subgroup };
    const threads = matrixThreads(units);
    // Tiles are 32, or a few times 32, long each way.
    const fits = [rows, columns, inner].every((size) => 32 % size === 0);
    if (fits && 256 % threads === 0 && threads <= MOST_THREADS) return units;
  }
  return undefined;
}
