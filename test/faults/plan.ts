// Decides how many of the faults a run of the tests tries, and records them for the table in README.md.

import type { TestContext } from "vitest";
import { type Fault, type FaultyCall, faultsIn, faultyCalls } from "../support/faults.ts";

/** The faults of `npm run faults`, "CALL,WHEN": all calls of this kind are tried. Otherwise, a few of each kind are. */
const wanted = (import.meta as { env?: Record<string, string | undefined> }).env?.VITE_FAULTS;

/** Whether all faults of a kind are tried. */
export const allFaults = wanted !== undefined;

/** The timeout in milliseconds for all faults of a piece of work. */
export const TIMEOUT = allFaults ? 3_600_000 : 120_000;

/** Returns the faults to try. */
export const chosenFaults = (counts: Readonly<Record<FaultyCall, number>>, perCall: number): Fault[] =>
  faultsIn(counts, allFaults ? undefined : perCall).filter(
    ({ call, when }) => !allFaults || wanted === `${call},${when}`,
  );

/**
 * Records the faults that were tried.
 * @param recovered the number of faults that the work survived
 */
export function noteFaults({ task }: TestContext, faults: readonly Fault[], recovered: number): void {
  const tried = faultyCalls.map((call) => [call, faults.filter((fault) => fault.call === call).length] as const);
  Object.assign(task.meta, { faults: Object.fromEntries(tried), recovered });
}

export const describeFault = ({ call, at, when }: Fault): string => `lost ${when} ${call} ${at}`;
