// Matrix units (product_matrix.wgsl) computed by ordinary instructions: a kernel's text with arrays and loops in place of the matrices
// of subgroups, for adapters that have none. Factors are not rounded to half precision, so the results are those of float32.

import type { MatrixUnits } from "../../src/backends/device.ts";

/** No two sizes are equal, so that a kernel that confuses them gives wrong numbers. */
export const emulatedUnits: MatrixUnits = { rows: 16, columns: 8, inner: 4, subgroup: 16 };

/**
 * A matrix of factors is where it lies in the workgroup's memory, which no thread writes between a load and the products; the sums of
 * a block are shared out to the threads of a subgroup.
 */
const definitions = `
const LANE_SUMS: u32 = MATRIX_ROWS * MATRIX_COLUMNS / SUBGROUP_SIZE;
alias Sums = array<f32, LANE_SUMS>;
struct Factors { first: u32, stride: u32, along: bool }
fn element(factors: Factors, line: u32, inner: u32) -> vec2u {
  if (factors.along) { return vec2u(factors.first + inner * factors.stride + line / 4, line % 4); }
  return vec2u(factors.first + line * factors.stride + inner / 4, inner % 4);
}
fn multiply_accumulate(thread: u32, rows: Factors, columns: Factors, before: Sums) -> Sums {
  var sums = before;
  for (var i = 0u; i < LANE_SUMS; i++) {
    let sum = thread % SUBGROUP_SIZE * LANE_SUMS + i;
    for (var k = 0u; k < MATRIX_INNER; k++) {
      let left_at = element(rows, sum / MATRIX_COLUMNS, k);
      let right_at = element(columns, sum % MATRIX_COLUMNS, k);
      sums[i] = fma(left_tile[left_at.x][left_at.y], right_tile[right_at.x][right_at.y], sums[i]);
    }
  }
  return sums;
}
fn store_sums(thread: u32, first: u32, sums: Sums, stride: u32) {
  for (var i = 0u; i < LANE_SUMS; i++) {
    let sum = thread % SUBGROUP_SIZE * LANE_SUMS + i;
    let column = sum % MATRIX_COLUMNS;
    results[first + sum / MATRIX_COLUMNS * stride + column / 4][column % 4] = sums[i];
  }
}
`;

const replacements: [RegExp, string][] = [
  [/^enable (subgroups|chromium_experimental_subgroup_matrix);$/gm, ""],
  [/, ?\n@builtin\(subgroup_id\) subgroup: ?u32\n\) ?\{/, "\n) {\nlet subgroup = thread / SUBGROUP_SIZE;"],
  [/((?:left|right)_tile: ?array<)vec4<f16>/g, "$1vec4f"],
  [/(_tile\[.*\] ?= ?)vec4<f16>\(/g, "$1vec4f("],
  [
    /subgroupMatrixLoad<subgroup_matrix_left<f16, ?MATRIX_INNER, ?MATRIX_ROWS>, ?row_major>\(\s*&left_tile, ?(.*)\);/g,
    "Factors($1, false);",
  ],
  [
    /subgroupMatrixLoad<subgroup_matrix_left<f16, ?MATRIX_INNER, ?MATRIX_ROWS>, ?col_major>\(\s*&left_tile, ?(.*)\);/g,
    "Factors($1, true);",
  ],
  [
    /subgroupMatrixLoad<subgroup_matrix_right<f16, ?MATRIX_COLUMNS, ?MATRIX_INNER>, ?col_major>\(\s*&right_tile, ?(.*)\);/g,
    "Factors($1, false);",
  ],
  [
    /subgroupMatrixLoad<subgroup_matrix_right<f16, ?MATRIX_COLUMNS, ?MATRIX_INNER>, ?row_major>\(\s*&right_tile, ?(.*)\);/g,
    "Factors($1, true);",
  ],
  [/subgroup_matrix_result<f32, ?MATRIX_COLUMNS, ?MATRIX_ROWS>/g, "Sums"],
  [/subgroupMatrixMultiplyAccumulate\(/g, "multiply_accumulate(thread, "],
  [/subgroupMatrixStore<row_major>\(&results, ?/g, "store_sums(thread, "],
];

/** Returns a kernel's text that needs no matrix units; other kernels stay as they are. */
export function withoutMatrixUnits(code: string): string {
  if (!code.includes("subgroup_matrix")) return code;
  const replaced = replacements.reduce((text, [pattern, by]) => text.replace(pattern, by), code);
  return replaced.replace(/^@compute/m, `${definitions}@compute`);
}
