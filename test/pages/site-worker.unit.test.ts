// The pages' workers where a browser has none.

import { expect, it } from "vitest";
import { WorkerError } from "../../src/errors.ts";
import { SiteWorker } from "../../src/pages/shared/site-worker.ts";

// Node has no `Worker` of browsers: the page said "Worker is not defined".
it("a browser without workers is told of", () => {
  const start = () => new SiteWorker("worker.js", "explorer's worker");
  expect(start).toThrow(WorkerError);
  expect(start).toThrow("this browser has no workers, without which the page computes nothing");
});
