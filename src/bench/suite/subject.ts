// A subject of the rounds: work that can be timed at any moment.

import type { Take, Timing } from "../rates/timing.ts";
import type { BenchCase } from "../report/measurement.ts";

export interface Subject {
  /** The case without measurements. */
  readonly description: BenchCase;
  readonly take: Take;
  /** The approximate time that a measurement takes, in milliseconds. */
  readonly span: number;
  /** The case with its measurements. */
  summarise(time: Timing): BenchCase;
  /** Throws if the work that was timed was not valid. */
  check?(): Promise<unknown>;
  dispose(): void;
}

/** Receives subjects as soon as they are ready, and cases that cannot be measured, with a note. */
export interface SubjectListener {
  /** Called before a case is prepared, which may take long: kernels are compiled and warmed up. */
  onStart?(starting: BenchCase): void;
  onReady(subject: Subject): void;
  onSkipped(skipped: BenchCase): void;
}
