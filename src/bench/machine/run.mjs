// Sets up, builds, prepares Python with PyTorch, and measures this machine (measure.ts, which lists the arguments). With --pack it
// does not measure, but packs all that is needed to measure another machine (pack.mjs):
//
//   npm run bench:gpu -- --pack FOLDER [--tests]
import { parseArgs } from "node:util";
import { printHelp } from "../../build/arguments.mjs";
import { build } from "../../build/build.mjs";
import { runDeno } from "../../build/deno.mjs";
import { CommandError, main } from "../../build/run.mjs";
import { setup } from "../../build/setup.mjs";
import { installPeer } from "../peers/packages.mjs";
import { preparePython, pytorch } from "../peers/python.mjs";
import { pack } from "./pack.mjs";

await main(async () => {
  printHelp(new URL("measure.ts", import.meta.url));
  const words = process.argv.slice(2);
  const options = /** @type {const} */ ({ pack: { type: "string" }, tests: { type: "boolean" } });
  // measure.ts reads and checks all other options.
  const { values } = parseArgs({ args: words, options, strict: false });
  await setup((programs) => build({ programs }));
  if (values.pack !== undefined) {
    installPeer("jax-js");
    return pack(String(values.pack), values.tests === true);
  }
  try {
    await preparePython(pytorch, []);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(`PyTorch is left out: ${error.message}`);
  }
  process.exitCode = runDeno(["src/bench/machine/measure.ts", ...words]);
});
