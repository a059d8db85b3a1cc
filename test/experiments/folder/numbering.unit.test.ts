// The names and times of a sequence's frames go on past its last one; gaps in the numbers are told.

import { expect, it } from "vitest";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import { folderExperiment } from "../../../src/experiments/folder/experiment.ts";
import { pathsOf, timeAt } from "../../../src/experiments/folder/numbering.ts";
import { resolveOptions } from "../../../src/experiments/options.ts";

it("numbers in names go on by the last difference, with as many digits; a name without one gets one", () => {
  const next = (...files: string[]) => [0, 1].map((past) => pathsOf(files)(files.length + past));
  expect(pathsOf(["a_3.vtu", "a_4.vtu"])(1)).toBe("a_4.vtu");
  expect(next("a_3.vtu", "a_4.vtu")).toEqual(["a_5.vtu", "a_6.vtu"]);
  expect(next("b/flow-080.npz", "b/flow-090.npz")).toEqual(["b/flow-100.npz", "b/flow-110.npz"]);
  expect(next("run_98.npz", "run_99.npz")).toEqual(["run_100.npz", "run_101.npz"]);
  expect(next("run.h5/3.npz", "run.h5/4.npz")).toEqual(["run.h5/5.npz", "run.h5/6.npz"]);
  expect(next("step007.vtu")).toEqual(["step008.vtu", "step009.vtu"]);
  expect(next("initial.vtu")).toEqual(["initial_1.vtu", "initial_2.vtu"]);
  expect(next("no.extension/initial")).toEqual(["no.extension/initial_1", "no.extension/initial_2"]);
  // The order of a collection may be another, and its names of other kinds: no name is one that is there.
  expect(next("a_5.vtu", "a_3.vtu")).toEqual(["a_6.vtu", "a_7.vtu"]);
  expect(next("a_5.vtu", "b_1.vtu", "a_7.vtu")).toEqual(["a_9.vtu", "a_11.vtu"]);
  expect(next("t9007199254740993.vtu")).toEqual(["t9007199254740994.vtu", "t9007199254740995.vtu"]);
});

it("times go on by the last difference, and count frames without one", () => {
  const times = (given: number[] | undefined) => [0, 1, 2, 3, 4].map((place) => timeAt(place, given));
  expect(times(undefined)).toEqual([0, 1, 2, 3, 4]);
  expect(times([5])).toEqual([5, 6, 7, 8, 9]);
  expect(times([0, 0.2, 0.3])).toEqual([0, 0.2, 0.3, 0.4, 0.5]);
  expect(timeAt(1003, [0, 0.1, 0.2, 0.3])).toBe(100.3);
  expect(times([1.7e12, 1.7e12 + 40]).at(-1)).toBe(1.7e12 + 160);
});

it("frames that are missing are told before they are taken for one step", async () => {
  const noteOn = async (...numbers: number[]) => {
    const frame = (i: number) => new TextEncoder().encode(`x,y,p\n0,0,${i}\n1,0,${i + 1}\n`);
    const frames = ["a", "b"].flatMap((run) => numbers.map((i) => [`${run}_${i}.csv`, frame(i)] as const));
    const experiment = folderExperiment({ targets: ["p"], sequence: true, splits: { train: 1 } });
    const source = new MemorySource(new Map(frames), "data");
    return (await experiment.load("train", resolveOptions(experiment.options) as never, source))?.note;
  };
  expect(await noteOn(0, 10, 20, 30)).toBeUndefined();
  expect(await noteOn(0, 1, 2, 5, 6)).toBe(
    "2 of the 2 sequences in the split train have gaps: a_5.csv follows a_2.csv, others 1 apart; each is learnt as one step",
  );
});
