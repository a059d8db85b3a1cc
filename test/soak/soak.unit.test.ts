// The short form of the soak (npm run soak): fewer of the same rounds, under the same bounds.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as erwin from "erwin";
import { expect, it } from "vitest";
import { excesses } from "./bounds.mjs";
import { measureProcess } from "./process.mjs";
import { soak } from "./rounds.mjs";

it("memory stays where it is while models come and go", async () => {
  setFlagsFromString("--expose-gc");
  Object.assign(globalThis, { gc: runInNewContext("gc") });
  const options = { forwards: 160, steps: 40, models: 20, points: 60, samples: 20, seed: 2 };
  const { samples } = await soak(erwin as never, options, async () => {
    // The process's memory is left out, because other tests use it, too.
    const { heap, handles } = await measureProcess();
    return { heap, handles };
  });
  expect(samples.length).toBe(20);
  expect(excesses(samples)).toEqual([]);
}, 60_000);

it("finds what grows", () => {
  const flat = Array.from({ length: 20 }, (_, i) => ({ round: i, device: 100, reserved: 2 ** 20, handles: 5 }));
  expect(excesses(flat)).toEqual([]);
  const grown = flat.map((sample, i) => ({ ...sample, device: 100 + i, handles: 5 + (i > 15 ? 1 : 0) }));
  expect(excesses(grown)).toEqual([
    "device has grown by 10, of which 0 are allowed",
    "handles has grown by 1, of which 0 are allowed",
  ]);
});
