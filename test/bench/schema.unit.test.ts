// All results in the repository are valid by their schema.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { root } from "../../src/build/steps.mjs";

const folder = join(root, "src/bench/results");
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const validate = new Ajv2020({ allErrors: true, strict: false }).compile(read("schema.json"));
const problemsOf = (value: unknown) => (validate(value) ? [] : validate.errors);

const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
const results = files.filter((name) => name.endsWith(".json") && name !== "schema.json");

test.each(results)("%s", (name) => {
  expect(problemsOf(read(name))).toEqual([]);
});

test("what is no result, or has figures that cannot be, is refused", () => {
  const [result] = read("cpu-amd-epyc-2-cores.json").erwin;
  expect(problemsOf(result)).toEqual([]);
  const [first] = result.cases;
  const broken = [
    {},
    { ...result, format: "erwin-bench-2" },
    { ...result, cases: undefined },
    { ...result, cases: [{ ...first, time: { ...first.time, median: -1 } }] },
    { ...result, cases: [{ ...first, benchmark: "other" }] },
    { ...result, more: 1 },
  ];
  for (const value of broken) expect(problemsOf(JSON.parse(JSON.stringify(value)))).not.toEqual([]);
});
