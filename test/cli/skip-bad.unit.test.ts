// What calls that read samples say of a file that is wrong: --skip-bad helps where a sample is damaged, and nowhere else.

import { expect, it } from "vitest";
import { advisingSkipBad } from "../../src/cli/options/skip-bad.ts";
import { MemorySource } from "../../src/experiments/data-source.ts";
import { folderExperiment } from "../../src/experiments/folder/experiment.ts";
import { resolveOptions } from "../../src/experiments/options.ts";

const text = (value: string) => new TextEncoder().encode(value);
const files = {
  "a.csv": text("x,y,z,p\n0,0,0,1\n"),
  "bad.csv": text("x,y,z,p\n0,0,0,one\n"),
  "without.csv": text("x,y,z,q\n0,0,0,1\n"),
  "split.json": text('{"train": ["b.csv"]}'),
  "list.json": text('{"training": ["a.csv"]}'),
};

it.each([
  [{ train: ["bad.csv"] }, /^data\/bad\.csv: row 2, .* --skip-bad leaves out samples whose files are damaged\.$/],
  // Where others have the array, the file is wrong; where the first has it not, the config may be.
  [
    { train: ["a.csv", "without.csv"] },
    /^data\/without\.csv: has no array "p".* Samples before it fit the config\. --skip-bad leaves out samples/,
  ],
  [{ train: ["without.csv"] }, /^data\/without\.csv: has no array "p" of its points; there are "q"\.$/],
  ["gone.json", /^data\/gone\.json: there is no such file\.$/],
  ["list.json", /^data\/list\.json: expected lists under train, val and test: .*training[^.]*$/],
  ["split.json", /^data\/b\.csv: a split lists it, but there is no such sample\.$/],
  [{ train: ["b.csv"] }, /^data\/b\.csv: a split lists it, but there is no such sample\.$/],
])("of splits: %j", async (splits, expected) => {
  const experiment = folderExperiment({ targets: ["p"], splits });
  const source = new MemorySource(new Map(Object.entries(files)), "data");
  const options = resolveOptions(experiment.options) as never;
  const loading = advisingSkipBad({ skipBad: false, others: [] }, () => experiment.load("train", options, source));
  await expect(loading).rejects.toThrow(expected);
});
