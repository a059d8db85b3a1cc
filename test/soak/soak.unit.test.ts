// The short form of the soak (npm run soak): fewer of the same rounds, under the same bounds.

import { execFile } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { root } from "../../src/build/steps.mjs";
import { excesses } from "./bounds.mjs";
import type { SoakOptions } from "./rounds.mjs";

it("memory stays where it is while models come and go", async () => {
  const counts = { forwards: 160, steps: 40, models: 20 };
  const options: SoakOptions = { backend: "cpu", ...counts, points: 60, samples: 20, seed: 2 };
  const words = ["--expose-gc", join(root, "test/soak/process.mjs"), JSON.stringify(options)];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  const { samples } = JSON.parse(stdout);
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
