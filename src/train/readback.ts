// Reads the results of a run's steps back while the device works on later ones.

import { NumericalError } from "../errors.ts";
import type { Equipment } from "./equipment.ts";
import { type NonFinite, nonFiniteError } from "./optimizer/non-finite.ts";
import type { StepsRead } from "./reporter.ts";

export class Readback {
  #on: Equipment | undefined;
  #reading: Promise<void> = Promise.resolve();
  #firstStep = 0;
  /** The number of skipped steps: before the first step on this device, before the newest snapshot, and in all. */
  #skippedBefore = 0;
  #skippedAtSnapshot = 0;
  #skipped = 0;

  /** @param report receives the results of steps */
  constructor(readonly report: (found: StepsRead) => Promise<void>) {}

  get skipped(): number {
    return this.#skipped;
  }

  /** Begins on a device after a number of steps, those of the newest snapshot. */
  begin(on: Equipment, step: number): void {
    this.#on = on;
    this.#firstStep = step;
    this.#skippedBefore = this.#skippedAtSnapshot;
    this.#skipped = this.#skippedBefore;
    this.#reading = Promise.resolve();
  }

  /** Called after a snapshot: steps before it are not done again. */
  keep(): void {
    this.#skippedAtSnapshot = this.#skipped;
  }

  /**
   * Starts to read back the results of the steps since the last call, after the previous readback has finished.
   * @param step the number of steps done
   * @param points the points of all of them
   * @throws the error of the previous readback
   */
  async read(step: number, points: number): Promise<void> {
    await this.#reading;
    const { optimizer, losses: log } = this.#on!;
    const { lr } = optimizer;
    const found = Promise.all([log.read(), optimizer.check()]);
    this.#reading = found.then(
      async ([losses, { skipped, tensor, gradientNorm, lossScale }]) => {
        this.#skipped = this.#skippedBefore + skipped;
        if (losses.length > 0) {
          await this.report({ step, losses, lr, points, gradientNorm, lossScale, tensor });
        }
      },
      (error) => {
        throw error instanceof NumericalError ? this.#explain(error) : error;
      },
    );
    // The error is handled where the next reading awaits this one.
    this.#reading.catch(() => {});
  }

  /** Waits until all steps so far are done and known to be finite. */
  async settle(step: number, points: number): Promise<void> {
    await this.read(step, points);
    await this.#reading;
  }

  /** Makes an error with the step of the run; the optimiser only counts its own calls since the last resumption. */
  #explain(cause: NumericalError): NumericalError {
    const { call, ...found } = cause.details as unknown as NonFinite & { call: number };
    const step = this.#firstStep + call;
    return nonFiniteError(found, `step ${step}`, { step }, cause);
  }
}
