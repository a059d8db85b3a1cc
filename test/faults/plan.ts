// How much of the faults a run of the tests tries, and what it notes of them for the table in README.md.

import type { TestContext } from "vitest";
import { type Fault, type FaultyCall, faultsIn, faultyCalls } from "../support/faults.ts";

/** The faults of `npm run faults`, "CALL,WHEN": each of these calls is tried. Otherwise a few of each kind. */
const wanted = (import.meta as { env?: Record<string, string | undefined> }).env?.VITE_FAULTS;

/** Whether all faults of a kind are tried. */
export const allFaults = wanted !== undefined;

/** Milliseconds for all faults of a piece of work. */
export const TIMEOUT = allFaults ? 3_600_000 : 120_000;

/** The faults to try. */
export const chosenFaults = (counts: Readonly<Record<FaultyCall, number>>, perCall: number): Fault[] =>
  faultsIn(counts, allFaults ? undefined : perCall).filter(
    ({ call, when }) => !allFaults || wanted === `${call},${when}`,
  );

/**
 * Notes the faults that were tried.
 * @param recovered how many of them the work survived
 */
export function noteFaults({ task }: TestContext, faults: readonly Fault[], recovered: number): void {
  const tried = faultyCalls.map((call) => [call, faults.filter((fault) => fault.call === call).length] as const);
  Object.assign(task.meta, { faults: Object.fromEntries(tried), recovered });
}

export const describeFault = ({ call, at, when }: Fault): string => `lost ${when} ${call} ${at}`;
