// The pages' workers where a browser has none.

import { afterEach, expect, it, vi } from "vitest";
import { WorkerError } from "../../src/errors.ts";
import { SiteWorker } from "../../src/pages/shared/site-worker.ts";

afterEach(() => vi.unstubAllGlobals());

// The page said "Worker is not defined".
it("a browser without workers is told of", () => {
  // Node has none of browsers' own, but another file's tests may have made one.
  vi.stubGlobal("Worker", undefined);
  const start = () => new SiteWorker("worker.js", "explorer's worker");
  expect(start).toThrow(WorkerError);
  expect(start).toThrow("this browser has no workers, without which the page computes nothing");
});
