// Classes that files call by labels: texts, and numbers with gaps.

import { expect, it } from "vitest";
import { resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { labelsOf } from "../../../src/experiments/folder/labels.ts";
import { layOut } from "../../../src/experiments/folder/layout.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import { computeStatistics } from "../../../src/experiments/folder/statistics.ts";
import { predictionArrays } from "../../../src/experiments/prediction.ts";
import { addArrays } from "../../../src/formats/add-arrays.ts";
import { saveNpz } from "../../../src/formats/numpy/npz.ts";

const configOf = (target: object) => resolveFolderConfig({ targets: { kind: target } });
const archive = (kind: number[]) =>
  saveNpz({
    pos: { shape: [kind.length, 3], data: new Float32Array(3 * kind.length) },
    kind: { shape: [kind.length], data: Int32Array.from(kind) },
  });

it("numbers with gaps, as the codes of LAS, are counted from 0 within, and written as they were", async () => {
  const config = configOf({ classes: [2, 5, 6], ignore: [0, 5] });
  const [target] = config.targets;
  const sample = await readSample(archive([6, 2, 0, 5]), "a.npz", config);
  const truth = sample.targets[0]?.data as Float64Array;
  expect([...truth]).toEqual([2, 0, -1, 1]);
  expect(target.ignore).toEqual([-1, 1]);
  const field = { name: "kind", channels: 1, isClass: true, ignore: target.ignore, labels: labelsOf(target) };
  const arrays = predictionArrays([{ ...field, prediction: Float64Array.of(2, 1, 1, 0), truth }], { truth: true });
  expect(arrays.get("prediction")?.data).toEqual(Int32Array.of(6, 5, 5, 2));
  expect(arrays.get("kind")?.data).toEqual(Int32Array.of(6, 2, 0, 5));
  expect(arrays.get("error")?.data).toEqual(Int32Array.of(0, 1, 0, 0));
  const unknown = readSample(archive([6, 9]), "b.npz", config);
  await expect(unknown).rejects.toThrow('b.npz: array "kind", row 1: is 9, expected one of the classes 2, 5, 6');
});

it("balanced classes count the same together, those that only other splits have as an average point", async () => {
  const config = configOf({ classes: 3, class_weights: "balanced" });
  const sample = await readSample(archive([0, 0, 2, 0, 0, 0, 0, 2]), "a.npz", config);
  const pairs = (async function* () {
    yield { sample };
  })();
  const { targets } = layOut(config, await computeStatistics(pairs, config));
  expect(targets[0].classWeights).toEqual([8 / (2 * 6), 1, 8 / (2 * 2)]);
});

it("texts name the classes of a file of numbers, too", async () => {
  const sample = await readSample(archive([1, 0]), "a.npz", configOf({ classes: ["ground", "tree"] }));
  expect([...(sample.targets[0]?.data ?? [])]).toEqual([1, 0]);
});

it("texts are those of tables in UTF-8 and in the encoding of Windows, in which predictions are written, too", async () => {
  const config = configOf({ classes: ["Bäume", "Straße"] });
  const table = "x;y;z;kind\r\n0,5;1;2;Straße\r\n1,5;1;2;Bäume\r\n";
  // These letters are the same in Latin-1.
  const ofWindows = Uint8Array.from(table, (letter) => letter.charCodeAt(0));
  const utf8 = new TextEncoder().encode(table);
  const labels = labelsOf(config.targets[0]);
  const added = new Map([["prediction", { shape: [2], data: Int32Array.of(0, 1), labels }]]);
  for (const [bytes, encoding] of [
    [ofWindows, "windows-1252"],
    [utf8, "utf-8"],
  ] as const) {
    const sample = await readSample(bytes, "a.csv", config);
    expect([...(sample.targets[0]?.data ?? [])]).toEqual([1, 0]);
    const rows = new TextDecoder(encoding).decode(addArrays(bytes, added, "a.csv")).split("\r\n");
    expect(rows).toEqual(["x;y;z;kind;prediction", "0,5;1;2;Straße;Bäume", "1,5;1;2;Bäume;Straße", ""]);
  }
});

it.each([
  [{ classes: ["a", 1] }, "targets.kind.classes must be the number of classes, or two and more different labels"],
  [{ classes: ["a", "a"] }, "two and more different labels"],
  [{ classes: ["a", "b"], ignore: 3 }, "targets.kind.ignore must be labels like those of classes"],
])("refuses %j", (target, message) => {
  expect(() => configOf(target)).toThrow(message);
});
