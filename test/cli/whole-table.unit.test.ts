// The table of what is predicted for whole samples: its columns, labels, gaps and names that need quotes.

import { expect, it } from "vitest";
import { WholeTable } from "../../src/cli/train/whole-table.ts";
import type { PredictedField } from "../../src/experiments/experiment.ts";

const tableOf = (samples: Record<string, PredictedField[]>) => {
  const table = new WholeTable();
  for (const [name, fields] of Object.entries(samples)) table.add(name, fields);
  const bytes = table.bytes();
  return bytes && new TextDecoder().decode(bytes);
};
/** Of three points, at which what is of the whole is repeated. */
const whole = (name: string, prediction: number, truth?: number): PredictedField => ({
  name,
  channels: 1,
  isWhole: true,
  prediction: Float64Array.of(prediction, prediction, prediction),
  ...(truth !== undefined && { truth: Float64Array.of(truth, truth, truth) }),
});

it("has a row for each sample, with the names that other files have", () => {
  expect(tableOf({ "Fall ä, 1.csv": [whole("drag", 2.5, 2)], "b.csv": [whole("drag", 4, Number.NaN)] })).toBe(
    'sample,drag,prediction,error\n"Fall ä, 1.csv",2,2.5,0.5\nb.csv,nan,4,nan\n',
  );
  const ofPoints: PredictedField = { name: "p", channels: 1, prediction: Float64Array.of(1, 2, 3) };
  expect(tableOf({ "a.vtu": [ofPoints, whole("drag", 1e9, 2e9)] })).toBe(
    "sample,drag,prediction_drag,error_drag\na.vtu,2000000000,1000000000,-1000000000\n",
  );
});

it("has vectors component by component, and classes by their labels", () => {
  const force: PredictedField = {
    ...{ name: "force", channels: 2, isWhole: true },
    prediction: Float64Array.of(1, 2, 1, 2),
    truth: Float64Array.of(1, 4, 1, 4),
  };
  const kind: PredictedField = {
    ...whole("kind", 1, 0),
    isClass: true,
    labels: new Map([
      [0, "Kugel"],
      [1, "Würfel"],
    ]),
  };
  expect(tableOf({ a: [force] })).toBe(
    "sample,force_0,force_1,prediction_0,prediction_1,error_0,error_1\na,1,4,1,2,0,-2\n",
  );
  expect(tableOf({ a: [kind] })).toBe("sample,kind,prediction,error\na,Kugel,Würfel,1\n");
});

it("is none where values are of points alone", () => {
  expect(tableOf({ a: [{ name: "p", channels: 1, prediction: Float64Array.of(1) }] })).toBeUndefined();
});
