// The layers of src: the sources keep to them, the architecture's table lists them, and what breaks them is named.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { importsOf, layerProblems, layers, readImports } from "../../src/build/layers.mjs";
import { root } from "../../src/build/steps.mjs";

const value = (from: string, to: string) => ({ from, to, typeOnly: false });

test("the folders of src import downwards only, and no files import each other in a circle", () => {
  const imports = readImports();
  expect(imports.map(({ from, to }) => `${from} -> ${to}`)).toContain("index.ts -> errors.ts");
  expect(layerProblems(imports)).toEqual([]);
});

test("the table of ARCHITECTURE.md lists the layers from the lowest up", () => {
  const table = readFileSync(join(root, "src/ARCHITECTURE.md"), "utf8").split("\n## ")[2];
  const rows = [...table.matchAll(/^\| (`.*?) \|/gm)].map(([, entries]) => entries.replaceAll("`", "").split(", "));
  expect(rows).toEqual(layers);
});

test("an import upwards, sideways or of a folder without a layer is named", () => {
  const problems = layerProblems([
    value("nn/linear.ts", "tensor/tape.ts"),
    { ...value("tensor/tape.ts", "nn/linear.ts"), typeOnly: true },
    value("train/fit.ts", "onnx/proto.ts"),
    value("cli/main.ts", "build/run.mjs"),
    value("bench/scripts/page.mjs", "build/run.mjs"),
    value("stray/file.ts", "errors.ts"),
  ]);
  expect(problems).toHaveLength(4);
  expect(problems[0]).toMatch(
    /^src\/tensor\/tape\.ts imports src\/nn\/linear\.ts: src\/tensor\/ may import only from the/,
  );
  expect(problems[1]).toMatch(/^src\/train\/fit\.ts imports src\/onnx\/proto\.ts: /);
  expect(problems[2]).toMatch(/^src\/cli\/main\.ts imports src\/build\/run\.mjs: /);
  expect(problems[3]).toMatch(/^src\/stray\/file\.ts imports src\/errors\.ts: src\/stray\/ has no layer/);
});

test("a circle of files is named, unless one of its imports is of types alone", () => {
  const chain = [value("nn/a.ts", "nn/b.ts"), value("nn/b.ts", "nn/c.ts"), value("nn/d.ts", "nn/b.ts")];
  const back = value("nn/c.ts", "nn/b.ts");
  expect(layerProblems([...chain, { ...back, typeOnly: true }])).toEqual([]);
  expect(layerProblems([...chain, back])).toEqual([
    "src/nn/b.ts imports itself: src/nn/b.ts -> src/nn/c.ts -> src/nn/b.ts",
  ]);
});

test("imports are found in all their forms", () => {
  const text = `
    import type { A } from "./a.ts"; import { type B, type C } from "./b.ts"; import { type D, e } from "./c.ts";
    import "./d.ts"; export * from "./e.ts"; export type { F } from "./f.ts"; let g: import("./g.ts").G;
    const h = await import("./h.ts"); const text = 'import "./none.ts"';`;
  const names = (typeOnly: boolean) =>
    importsOf("file.ts", text).flatMap((one) => (one.typeOnly === typeOnly ? one.name : []));
  expect(names(true)).toEqual(["./a.ts", "./b.ts", "./f.ts", "./g.ts"]);
  expect(names(false)).toEqual(["./c.ts", "./d.ts", "./e.ts", "./h.ts"]);
});
