// Runs the benchmark suite in a worker, so that the page stays responsive.

import { takeEngine } from "../shared/engine-worker.ts";
import { reasonOf } from "../shared/reason.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

let hidden = false;
let disturbances = 0;
let onVisible = () => {};

const tell = (message: FromWorker) => postMessage(message);
/** The library is loaded while the page fetches the golden case. */
const engine = takeEngine();

addEventListener("message", ({ data }: MessageEvent<ToWorker | { type?: undefined }>) => {
  if (data.type === "hidden") {
    ({ hidden } = data);
    disturbances++;
    if (!hidden) onVisible();
  } else if (data.type === "run") run(data);
});

async function run({ golden, quick, memory }: Extract<ToWorker, { type: "run" }>): Promise<void> {
  try {
    await engine;
    const { runSuite } = await import("erwin/bench");
    const result = await runSuite({
      golden,
      quick,
      memory,
      disturbances: () => disturbances,
      undisturbed: async () => {
        while (hidden) await new Promise<void>((resolve) => (onVisible = resolve));
      },
      onProgress: (progress) => tell({ type: "progress", progress }),
      onResult: (result) => tell({ type: "partial", result }),
    });
    tell({ type: "done", result });
  } catch (error) {
    tell({ type: "failed", message: reasonOf(error) });
  }
}
