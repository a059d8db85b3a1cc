// Predictions past the frames that are given: how many steps there may be, and what stands for the frames that there are not.

import { expectOption } from "../../arguments/options.ts";
import { type FolderConfig, isPositions } from "./config.ts";
import type { FieldSample } from "./sample.ts";

/** The largest number of steps: where predictions are saved, each is a file. */
const MAX_STEPS = 1_000_000;
/** What a number of steps may be, for messages. */
export const STEP_COUNTS = `a whole number from 1 to ${MAX_STEPS}`;
/** Whether a value is a number of steps. */
export const isStepCount = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_STEPS;

/** @throws ConfigError for what is no number of steps, and for a model that makes none */
export function checkSteps(steps: number | undefined, { sequence }: Pick<FolderConfig, "sequence">): void {
  if (steps === undefined) return;
  expectOption("steps", steps, STEP_COUNTS, isStepCount(steps));
  expectOption("steps", steps, "left out for a model of single samples, which makes none", sequence !== undefined);
}

/** Returns a frame that stands for one after it: what is predicted of that is not known. */
export function asLater({ unusable: _, ...frame }: FieldSample): FieldSample {
  return { ...frame, targets: frame.targets.map(() => undefined) };
}

/** Returns a frame without a truth for the positions if it has none for anything else: it is one whose inputs alone are known. */
export function withoutStrayTruth(frame: FieldSample, { targets }: Pick<FolderConfig, "targets">): FieldSample {
  const isKnown = targets.map((target, i) => !isPositions(target) && frame.targets[i] !== undefined);
  return targets.every(isPositions) || isKnown.includes(true)
    ? frame
    : { ...frame, targets: targets.map(() => undefined) };
}

/** Returns the name of what the model sees of a frame but does not predict, and what differs from another frame of the same points. */
export function changedIn(frame: FieldSample, other: FieldSample, config: FolderConfig): string | undefined {
  const { inputs, globals, targets } = config;
  for (const [kind, fields] of Object.entries({ inputs, globals }) as ["inputs" | "globals", typeof inputs][]) {
    const at = fields.findIndex((_, i) => !areEqual(frame[kind][i].data, other[kind][i].data));
    if (at >= 0) return `the ${kind.slice(0, -1)} "${fields[at].name}"`;
  }
  if (!targets.some(isPositions) && !areEqual(frame.positions, other.positions)) return "the position of a point";
  return areEqual(frame.edges ?? [], other.edges ?? []) ? undefined : "the mesh";
}

function areEqual(values: ArrayLike<number>, others: ArrayLike<number>): boolean {
  if (values.length !== others.length) return false;
  for (let i = 0; i < values.length; i++) if (values[i] !== others[i]) return false;
  return true;
}
