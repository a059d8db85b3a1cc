// The messages between the page and its worker.

import type { BenchResult, SuiteProgress } from "erwin/bench";

export type ToWorker =
  | { type: "run"; golden: Uint8Array; quick: boolean; memory?: number }
  /** Whether the page is hidden, because the browser slows hidden pages down. */
  | { type: "hidden"; hidden: boolean };

export type FromWorker =
  | { type: "progress"; progress: SuiteProgress }
  /** The measurements so far. */
  | { type: "partial"; result: BenchResult }
  | { type: "done"; result: BenchResult }
  | { type: "failed"; message: string };
