// Sets up, builds, installs what only the comparison needs, and runs it: compare.ts, or with --trees trees/compare.ts. Both list
// their arguments.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { printHelp } from "../../build/arguments.mjs";
import { build } from "../../build/build.mjs";
import { runDeno } from "../../build/deno.mjs";
import { main } from "../../build/run.mjs";
import { setup } from "../../build/setup.mjs";
import { installPeer } from "./packages.mjs";
import { preparePython, scikit } from "./python.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));

await main(async () => {
  const args = process.argv.slice(2);
  const ofTrees = args.includes("--trees");
  const script = join(here, ofTrees ? "trees/compare.ts" : "compare.ts");
  printHelp(script);
  await setup((programs) => build({ programs }));
  if (ofTrees) {
    await preparePython(scikit, [here]);
    process.exitCode = runDeno([script, ...args]);
    return;
  }
  installPeer("onnxruntime");
  installPeer("jax-js");
  process.exitCode = runDeno([script, ...args]);
});
