// A device is lost at some of the calls of a load, a forward pass and a training; `npm run faults` tries all calls. The outcome is a
// DeviceLostError, or for a training that it continues to the same bits; never another error, an endless wait or memory that stays
// allocated.

import { afterAll, beforeAll, expect, test } from "vitest";
import { describeFault, faultsIn, faultyCalls } from "../support/faults.ts";
import { installStepClock } from "./clock.ts";
import { programs } from "./programs.ts";
import { tryFault, undisturbed } from "./try.ts";

let restoreClock: () => void;
beforeAll(() => {
  restoreClock = installStepClock();
});
afterAll(() => restoreClock());

/** Programs, and the number of faults for each kind of call. */
const tried: [string, number][] = [
  ["load", 1],
  ["training", 1],
  ["forward", 1],
  ["training without recovery", 1],
];
// In browsers, a software adapter takes a second to compile each kernel, and does so again for each device: training.host.test.ts
// has a training's faults there.
const isDeno = "Deno" in globalThis;
const inBrowsers: typeof tried = [["load", 1]];

test.each(isDeno ? tried : inBrowsers)("%s", async (name, perCall) => {
  const program = programs[name]();
  try {
    const whole = await undisturbed(program);
    for (const call of faultyCalls) expect(whole.counts[call], call).toBeGreaterThan(0);
    const endings = new Set<string>();
    for (const fault of faultsIn(whole.counts, perCall)) {
      const ending = await tryFault(program, fault, whole);
      expect(ending, describeFault(fault)).toBeTypeOf("string");
      endings.add(String(ending));
    }
    // Only a training has what it needs to go on.
    expect(endings.has("same"), "goes on").toBe(name === "training");
  } finally {
    await program.close();
  }
});
