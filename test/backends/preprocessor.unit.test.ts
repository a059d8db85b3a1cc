// The kernels' preprocessor: the results of its directives, the origin of every line, and the files it refuses.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KernelError, preprocess } from "../../src/backends/webgpu/preprocessor.ts";
import { dense, shorten } from "../../src/build/kernel-text.mjs";
import { root } from "../../src/build/steps.mjs";

/** Expands a file and joins its lines; other files are given by name. */
function expand(main: string, constants: Record<string, number> = {}, others: Record<string, string> = {}) {
  const files = new Map(Object.entries({ "main.wgsl": main, ...others }));
  return preprocess("main.wgsl", constants, (file) => files.get(file));
}

const textOf = (...given: Parameters<typeof expand>) => expand(...given).map(({ text }) => text);

const nested = `begin
//! repeat i COUNT
//! if FIRST
a$i
//! repeat jj 2
b$i_$jj2 @2*$i+3*$jj@ @7-$i-2*$jj@
//! end
//! else
c$i
//! end
//! end
last`;

test("repeats, conditions, variables and sums can be nested", () => {
  expect(textOf(nested, { COUNT: 2, FIRST: 1 })).toEqual([
    "begin",
    "a0",
    "b0_02 0 7",
    "b0_12 3 5",
    "a1",
    "b1_02 2 6",
    "b1_12 5 4",
    "last",
  ]);
  expect(textOf(nested, { COUNT: 3, FIRST: 0 })).toEqual(["begin", "c0", "c1", "c2", "last"]);
  expect(textOf(nested, { COUNT: 0, FIRST: 1 })).toEqual(["begin", "last"]);
});

test("a branch that is not taken needs no constants, and attributes are not sums", () => {
  expect(textOf("//! if NO\n//! repeat i MISSING\n//! end\n//! end\n@group(0) @binding(1)", { NO: 0 })).toEqual([
    "@group(0) @binding(1)",
  ]);
});

test("a file is included once for each array, and every line knows its origin", () => {
  const others = { "read.wgsl": "fn $array_vec4() {\n//! include body.wgsl\n}", "body.wgsl": "return $array[$i];" };
  const lines = expand("//! repeat i 1\n//! include read.wgsl x out\n//! end\nend", {}, others);
  expect(lines.map(({ text, file, line }) => `${file}:${line} ${text}`)).toEqual([
    "read.wgsl:1 fn x_vec4() {",
    "body.wgsl:1 return x[0];",
    "read.wgsl:3 }",
    "read.wgsl:1 fn out_vec4() {",
    "body.wgsl:1 return out[0];",
    "read.wgsl:3 }",
    "main.wgsl:4 end",
  ]);
});

test.each([
  ["//! repeet i 4", "not one of the directives"],
  ["//! repeat i", "not one of the directives"],
  ["//! repeat i 4 5", "not one of the directives"],
  ["//! repeat i2 4", "not one of the directives"],
  ["//! if", "not one of the directives"],
  ["//! if 1", "not one of the directives"],
  ["//! include", "not one of the directives"],
  ["//! end if", "not one of the directives"],
  ["//!if A", "not one of the directives"],
  ["  //! if A", "not one of the directives"],
  ["let x = 1; //! if A", "not one of the directives"],
  ["//! end", "no directive that this could end"],
  ["//! else", "no directive that this could belong to"],
  ["//! repeat i 2\n//! else\n//! end", "no directive that this could belong to", 3],
  ["//! if A\n//! else\n//! else\n//! end", "no directive that this could belong to", 4],
  ["//! repeat i 2\nx", 'no "//! end"'],
  ["//! include half.wgsl", 'no "//! end"', 1, "half.wgsl"],
  ["//! if B\n//! end", "the constant B is not given"],
  ["//! repeat i HALF\n//! end", "the constant HALF is 0.5, not an integer"],
  ["//! include none.wgsl", "there is no file gpu/none.wgsl"],
  ["//! include main.wgsl", "gpu/main.wgsl includes itself"],
  ["let x = $i;", "$i is not defined here"],
  ["//! repeat i 2\n//! end\nlet x = $i;", "$i is not defined here", 4],
  ["let x = a@2*b@;", "no sum of products"],
])("refuses %j", (text, problem, line = 2, file = "main.wgsl") => {
  const act = () => expand(`first\n${text}`, { A: 1, HALF: 0.5 }, { "half.wgsl": "//! if A" });
  expect(act).toThrow(KernelError);
  expect(act).toThrow(problem);
  expect(act).toThrow(`gpu/${file}:${line}: `);
});

test("names a kernel that does not exist", () => {
  expect(() => preprocess("none.wgsl", {}, () => undefined)).toThrow("there is no kernel file gpu/none.wgsl");
});

test("the shipped kernels have neither comments nor indentation but the same lines and directives", () => {
  const text = "// What it does.\n//! if A\n  let x = a / b; // half\n  // more\n//! end\n";
  expect(shorten(text)).toBe("\n//! if A\nlet x = a / b;\n\n//! end\n");
});

test("nor spaces, where they matter to nobody", () => {
  const text =
    "//! if A && B\nvar<storage, read> c: array<f32, 4> = a * b + 1 - 2 - -3; // -> f32 {\nif (x && y || z >= 1) { c += &d; }";
  expect(dense(shorten(text))).toBe(
    "//! if A && B\nvar<storage, read> c:array<f32,4> = a*b+1-2 - -3;\nif(x&&y||z>=1){c+=&d;}",
  );
});

test("without these spaces, the kernels are the same words and signs", () => {
  const words = /[\w@$.]+|->|&&|\|\||<<=?|>>=?|\+\+|--|\/[/*]|[-+*/%&|^=!<>]=|[^\s\w]/g;
  const folder = join(root, "gpu");
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".wgsl"))) {
    const text = shorten(readFileSync(join(folder, file), "utf8"));
    expect(dense(text).match(words), file).toEqual(text.match(words));
  }
});

test("no kernel has a name that naga leaves as it is and Direct3D's compiler DXC takes for its own namespaces", () => {
  const folder = join(root, "gpu");
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".wgsl"))) {
    const text = shorten(readFileSync(join(folder, file), "utf8"));
    expect(text, file).not.toMatch(/\b(dx|vk)\b/);
  }
});
