// What page and worker tell each other.

import type { BenchResult, SuiteProgress } from "erwin/bench";

export type ToWorker =
  | { type: "run"; golden: Uint8Array; quick: boolean; memory?: number }
  /** Whether the page is hidden, where the browser slows it down. */
  | { type: "hidden"; hidden: boolean };

export type FromWorker =
  | { type: "progress"; progress: SuiteProgress }
  /** What has been measured so far. */
  | { type: "partial"; result: BenchResult }
  | { type: "done"; result: BenchResult }
  | { type: "failed"; message: string };
