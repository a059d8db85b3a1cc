// Reports of a run: entries of its log, and its progress with the speed.

import type { FitOptions, FitProgress } from "./fit-options.ts";
import type { LogEntry } from "./logger.ts";

/** The results of the steps since the last reading. */
export interface StepsRead {
  /** The last of these steps. */
  step: number;
  losses: Float32Array;
  lr: number;
  /** The points of all steps of this call up to this one. */
  points: number;
  gradientNorm: number;
  lossScale: number | undefined;
  /** Where the first value that was not finite was found. */
  tensor: string | undefined;
}

/** What a progress report says of the run besides its steps. */
type RunState = Pick<FitProgress, "skipped" | "treeWait" | "validation">;

export class Reporter {
  /** The last step that was logged, by the kind of its entry: steps that are done again are not logged again. */
  readonly #logged: Partial<Record<LogEntry["kind"], number>> = {};
  #clock = { step: 0, time: 0, points: 0 };

  /**
   * @param countsPoints whether the task counts points
   * @param state gives the state of the run at the time of a report
   */
  constructor(
    readonly options: Pick<FitOptions<never, never>, "steps" | "logger" | "onProgress">,
    readonly countsPoints: boolean,
    readonly state: () => RunState,
  ) {}

  /** Measures the speed from here on. */
  startClock(step: number, points: number): void {
    this.#clock = { step, time: performance.now(), points };
  }

  /** Leaves milliseconds of other work out of the speed. */
  leaveOut(time: number): void {
    this.#clock.time += time;
  }

  /** Logs an entry, unless one of its kind was logged for this step before. */
  async log(entry: LogEntry): Promise<void> {
    if (entry.step <= (this.#logged[entry.kind] ?? -1)) return;
    await this.options.logger?.log(entry);
    this.#logged[entry.kind] = entry.step;
  }

  /** Logs the results of steps, and reports the progress unless these steps are done again. */
  async report({ step, losses, lr, points, gradientNorm, lossScale, tensor }: StepsRead): Promise<void> {
    const { steps, onProgress } = this.options;
    const again = step <= (this.#logged.training ?? -1);
    const now = performance.now();
    const perSecond = (count: number) => (1000 * count) / Math.max(now - this.#clock.time, 1e-3);
    const stepsPerSecond = perSecond(step - this.#clock.step);
    const pointsPerSecond = this.countsPoints ? perSecond(points - this.#clock.points) : undefined;
    this.#clock = { step, time: now, points };
    // Skipped steps do not count, because their losses may not be finite.
    const sound = losses.filter(Number.isFinite);
    const mean = sound.reduce((sum, value) => sum + value, 0) / sound.length;
    const loss = sound.at(-1) ?? mean;
    await this.log({
      kind: "training",
      step,
      loss,
      ...(sound.length > 1 && { mean }),
      lr,
      // JSON cannot represent a norm that is not finite.
      ...(Number.isFinite(gradientNorm) && { gradientNorm }),
      ...(lossScale && { lossScale }),
      stepsPerSecond,
      ...(pointsPerSecond && { pointsPerSecond }),
      ...(tensor && { skipped: tensor }),
    });
    if (again) return;
    onProgress?.({
      step,
      steps,
      loss: mean,
      lr,
      gradientNorm,
      ...(lossScale && { lossScale }),
      stepsPerSecond,
      pointsPerSecond,
      secondsLeft: (steps - step) / stepsPerSecond,
      ...this.state(),
    });
  }
}
