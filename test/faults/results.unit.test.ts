// The record of faults: what was tried is not tried again, what ended with a defect is.

import { expect, test } from "vitest";
import { emptyResult, forgetDefects, note, untried } from "./results.mjs";

test("a run that is continued tries each fault once, and those with defects again", () => {
  const result = emptyResult({
    submit: 5,
    createBuffer: 0,
    writeBuffer: 1,
    mapAsync: 2,
    createComputePipelineAsync: 0,
  });
  const faults = untried(result);
  expect(new Set(faults.map(({ when, call, at }) => `${when} ${call} ${at}`)).size).toBe(5 + 1 + 2 * 2);

  const [first, second, ...others] = faults;
  note(result, first, "error");
  note(result, second, { defect: "hangs" });
  expect(untried(result)).toEqual(others);
  forgetDefects(result);
  expect(untried(result)).toEqual(expect.arrayContaining([second, ...others]));
  expect(untried(result)).not.toContainEqual(first);
});
