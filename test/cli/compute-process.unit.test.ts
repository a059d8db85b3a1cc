// The process that computes for erwin work, where it cannot be started.
import process from "node:process";
import { expect, test } from "vitest";
import { ComputeProcess } from "../../src/cli/queue/child.ts";
import type { QueuedPrediction } from "../../src/cli/queue/queue.ts";

// As where no more processes may be started. The error had no listener, which ended erwin work.
test("jobs fail with the reason, and may be tried again", async () => {
  const { execPath } = process;
  process.execPath = "/missing/program";
  const child = new ComputeProcess([]);
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(child.compute({} as QueuedPrediction)).rejects.toMatchObject({
        name: "ComputeError",
        message: "the computing process could not be started: spawn /missing/program ENOENT",
        isFinal: false,
      });
    }
    await child.stop();
  } finally {
    process.execPath = execPath;
  }
});
