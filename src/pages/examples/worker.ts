// Runs one example, and sends the page what it prints.

import { examples } from "virtual:examples";
import { takeEngine } from "../shared/engine-worker.ts";
import { reasonOf } from "../shared/reason.ts";
import { lineOf } from "./print.ts";
import type { FromWorker, RunOrder } from "./protocol.ts";

const tell = (message: FromWorker) => postMessage(message);
const engine = takeEngine();

console.log = (...values: unknown[]) => tell({ type: "printed", line: lineOf(values) });

addEventListener("message", ({ data }: MessageEvent<RunOrder | { type?: undefined }>) => {
  if (data.type === "run") void run(data.example);
});

async function run(example: string): Promise<void> {
  try {
    // The library must know where its files are before an example uses it.
    await engine;
    await examples[example]!();
    tell({ type: "done" });
  } catch (error) {
    tell({ type: "failed", message: reasonOf(error) });
  }
}
