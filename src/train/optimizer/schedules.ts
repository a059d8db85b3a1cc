// Learning rates as functions of the step. A schedule is plain data, so that it can be sent to workers and stored in checkpoints.

import { describe } from "../../arguments/kinds.ts";
import { expectOption, expectWhole } from "../../arguments/options.ts";
import { ConfigError } from "../../errors.ts";

/** A learning rate that depends on the step. */
export type Schedule =
  | { kind: "constant"; lr: number }
  /** Cosine annealing from `lr` to `minLr` over `steps` steps, after `warmup` steps (default 0) of linear growth to `lr`. */
  | { kind: "cosine"; lr: number; minLr?: number; steps: number; warmup?: number };

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
  const { lr } = schedule;
  expectOption("step", step, "a number", typeof step === "number");
  if (typeof lr !== "number" || !(lr >= 0)) {
    throw new ConfigError(`schedule.lr must be a number of at least 0, not ${describe(lr)}`, { field: "lr" });
  }
  if (schedule.kind === "constant") return lr;
  if (schedule.kind !== "cosine") {
    const { kind } = schedule as { kind: unknown };
    throw new ConfigError(
      `schedule.kind must be "constant" or "cosine", not ${describe(kind)}; others are functions of the step`,
      {
        field: "kind",
      },
    );
  }
  const { minLr = 0, steps, warmup = 0 } = schedule;
  // In a part of a step the rate would grow beyond `lr`.
  expectWhole("warmup", warmup, 0);
  for (const [field, value] of Object.entries({ minLr, steps })) {
    if (typeof value === "number" && value >= 0) continue;
    throw new ConfigError(`schedule.${field} must be a number of at least 0, not ${describe(value)}`, { field });
  }
  if (!(steps > warmup)) {
    throw new ConfigError(`schedule.steps must be more than the ${warmup} of its warm-up, not ${steps}`, {
      field: "steps",
    });
  }
  if (step < warmup) return (lr * (step + 1)) / warmup;
  const share = Math.min(1, (step - warmup) / (steps - warmup));
  return minLr + ((lr - minLr) * (1 + Math.cos(Math.PI * share))) / 2;
}
