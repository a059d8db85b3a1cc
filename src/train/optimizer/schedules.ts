// Learning rates as functions of the step. A schedule is plain data, so that it can be sent to workers and stored in checkpoints.

import { checkOptions, expectOption, expectWhole } from "../../arguments/options.ts";

/** A learning rate that depends on the step. */
export type Schedule =
  | { kind: "constant"; lr: number }
  /** Cosine annealing from `lr` to `minLr` over `steps` steps, after `warmup` steps (default 0) of linear growth to `lr`. */
  | { kind: "cosine"; lr: number; minLr?: number; steps: number; warmup?: number };

type CosineSchedule = Extract<Schedule, { kind: "cosine" }>;
const names: Readonly<Record<keyof CosineSchedule, true>> = {
  kind: true,
  lr: true,
  minLr: true,
  steps: true,
  warmup: true,
};

/** A learning rate for the number of steps done. */
export type LearningRates = (step: number) => number;

/**
 * Returns the learning rate of a step, counted from 0.
 *
 * Warm-up, step < warmup: lr (step + 1) / warmup. Then, with t = step - warmup and T = steps - warmup, the closed form of
 * torch's CosineAnnealingLR: minLr + (lr - minLr) (1 + cos(pi t / T)) / 2; after the last step it stays at minLr.
 * @throws ConfigError naming the invalid field
 */
export function learningRate(schedule: Schedule | LearningRates, step: number): number {
  if (typeof schedule === "function") return learningRate({ kind: "constant", lr: schedule(step) }, step);
  const isObject = typeof schedule === "object" && schedule !== null;
  expectOption("schedule", schedule, "{ kind, lr, ... } or a function", isObject);
  checkOptions<object>("schedule", schedule, names);
  const { kind, lr, minLr = 0, steps, warmup = 0 } = schedule as CosineSchedule;
  expectOption("step", step, "a number", typeof step === "number");
  const isConstant = schedule.kind === "constant";
  const isKnown = isConstant || kind === "cosine";
  expectOption("schedule.kind", kind, '"constant" or "cosine" (others are functions of the step)', isKnown);
  for (const [field, value] of Object.entries(isConstant ? { lr } : { lr, minLr, steps })) {
    expectOption(`schedule.${field}`, value, "a number of at least 0", typeof value === "number" && value >= 0);
  }
  if (isConstant) return lr;
  // In a part of a step the rate would grow beyond `lr`.
  expectWhole("warmup", warmup, 0);
  expectOption("schedule.steps", steps, `more than the ${warmup} of its warm-up`, steps > warmup);
  if (step < warmup) return (lr * (step + 1)) / warmup;
  const share = Math.min(1, (step - warmup) / (steps - warmup));
  return minLr + ((lr - minLr) * (1 + Math.cos(Math.PI * share))) / 2;
}
