// Sets up, builds, finds a place for PyTorch, and measures this machine (measure.ts, which tells the arguments).
import { build } from "../../build/build.mjs";
import { runDeno } from "../../build/deno.mjs";
import { CommandError, main } from "../../build/run.mjs";
import { setup } from "../../build/setup.mjs";
import { preparePython } from "../peers/pytorch/environment.mjs";

await main(async () => {
  setup();
  await build();
  try {
    await preparePython([]);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(`PyTorch is left out: ${error.message}`);
  }
  process.exitCode = runDeno(["src/bench/machine/measure.ts", ...process.argv.slice(2)]);
});
