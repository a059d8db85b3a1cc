// The explorer's address: whatever is shown comes back, and whatever an address holds can be shown.

import fc from "fast-check";
import { expect, test } from "vitest";
import { defaults, readSettings, type Settings, writeSettings } from "../../src/pages/explorer/settings.ts";

test("an address brings back what it was made of", () => {
  const settings: Settings = {
    ...defaults,
    ...{ sample: "", view: "rotated", colour: "field:v & w=1", level: 2, apart: true, graph: "neighbours" },
    ...{ ballSize: 64, stride: 4, levels: 3, rotate: 0, point: 17, up: "z", turn: -33.5, distance: 2.25 },
  };
  expect(readSettings(writeSettings(settings))).toEqual(settings);
  expect(writeSettings(defaults)).toBe("");
});

test("nonsense in an address has its default, or the nearest that makes sense", () => {
  const query = "?view=upside&level=99&ballSize=100&rotate=NaN&point=-1&colour=red&levels=&apart=maybe&sample=cat";
  expect(readSettings(query)).toEqual({ ...defaults, level: 5 });
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...Object.keys(defaults)), fc.string()), (entries) => {
      const settings = readSettings(new URLSearchParams(entries).toString());
      expect(readSettings(writeSettings(settings))).toEqual(settings);
    }),
  );
});
