// What is measured in rounds: work that is ready to be timed at any moment.

import type { BenchCase } from "./measurement.ts";
import type { Take, Timing } from "./timing.ts";

export interface Subject {
  /** What is measured; nothing is yet. */
  readonly description: BenchCase;
  readonly take: Take;
  /** Milliseconds that a measurement takes, about. */
  readonly span: number;
  /** The case with its measurements. */
  summarise(time: Timing): BenchCase;
  /** Throws if what was timed was not valid. */
  check?(): Promise<unknown>;
  dispose(): void;
}

/** Receives subjects as they get ready, and cases that cannot be measured, with a note. */
export interface SubjectListener {
  onReady(subject: Subject): void;
  onSkipped(skipped: BenchCase): void;
}
