// Writers of formats, and what stands around them, given other kinds of arguments than they take: plain objects are as good as Maps,
// and all else is refused by name.

import { InputError } from "erwin";
import { compareResults, formatComparison, formatResult } from "erwin/bench";
import { DirectorySource, FileSource, HttpSource, MemorySource, survey } from "erwin/experiments";
import {
  addPointData,
  loadHdf5,
  loadTorch,
  loadVtp,
  loadVtu,
  meshEdges,
  readExample,
  saveHdf5,
  savePvd,
  saveTorch,
  saveVtp,
  saveVtu,
  torchTensors,
  writeExample,
  writeTfRecords,
} from "erwin/formats";
import { expect, it } from "vitest";

const a = { shape: [2], data: Float32Array.of(1, 2) };
const points = { shape: [2, 3], data: new Float32Array(6) };

it("writes plain objects of arrays, whose types are those of their data", async () => {
  expect(torchTensors(loadTorch(saveTorch({ a }))).get("a")).toMatchObject({ dtype: "F32", ...a });
  expect((await loadHdf5(await saveHdf5({ a }))).get("a")).toMatchObject({ dtype: "F32", ...a });
  expect([...readExample(writeExample({ a }), "a.tfrecord").keys()]).toEqual(["a"]);
  const data = { pointData: { a }, cellData: { a }, fieldData: { a } };
  const grid = saveVtu({ points, ...data });
  for (const mesh of [loadVtu(grid), loadVtp(saveVtp({ points, ...data }))]) {
    for (const kind of ["pointData", "cellData", "fieldData"] as const) {
      expect(mesh[kind].get("a")).toMatchObject({ dtype: "F32", data: a.data });
    }
  }
  expect([...loadVtu(addPointData(grid, { b: a })).pointData.keys()]).toEqual(["a", "b"]);
});

it("refuses arguments of other kinds by name", async () => {
  const nothing = undefined as never;
  for (const wrong of [undefined, null, 5, "x", { a: 1 }] as never[]) {
    for (const write of [saveTorch, writeExample, writeTfRecords, saveVtu, saveVtp, savePvd, formatResult]) {
      expect(() => write(wrong), `${write.name}(${wrong})`).toThrow(InputError);
    }
    for (const Source of [MemorySource, FileSource]) {
      if (typeof wrong !== "object" || wrong === null) expect(() => new Source(wrong)).toThrow(/^files (is|are) /);
    }
    await expect(saveHdf5(wrong)).rejects.toThrow(InputError);
    await expect(survey(wrong)).rejects.toThrow(/^source is .*expected a data source/);
    expect(() => new DirectorySource(wrong)).toThrow(/^root is /);
    expect(() => meshEdges(wrong, 2)).toThrow(/^(cells is|offsets of the cells is)/);
    for (const compare of [compareResults, formatComparison]) expect(() => compare(wrong, wrong)).toThrow(/^a is /);
  }
  expect(() => new HttpSource("https://example.org", nothing)).toThrow(/^files is undefined/);
  expect(() => FileSource.fromInput(nothing)).toThrow(/^files is undefined, expected the files of an input/);
  expect(() => saveVtu({ points: nothing })).toThrow('tensor "points" is undefined, expected { shape, data }.');
  expect(() => saveVtu({ points, cells: {} as never })).toThrow(/^offsets of the cells is undefined/);
  expect(() => saveVtu({ points, pointData: { a: null as never } })).toThrow(/^tensor "a" is null/);
  const cells = { offsets: Int32Array.of(0), connectivity: new Int32Array(), types: new Uint8Array() };
  expect(() => meshEdges(cells, nothing)).toThrow(/^points is undefined/);
  expect(() => savePvd([nothing])).toThrow(/^data set 0 .* needs a file/);
  expect(() => writeExample({ a: { shape: [1], data: Float64Array.of(1) as never } })).toThrow(/one of F64/);
});

it("takes files in memory by a plain object of their bytes", async () => {
  const source = new MemorySource({ "train/a.csv": Uint8Array.of(1, 2) });
  expect(await source.list("train")).toEqual([{ name: "a.csv", folder: false }]);
  expect(await source.read("train/a.csv")).toEqual(Uint8Array.of(1, 2));
});
