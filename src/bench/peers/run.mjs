// Sets up, builds, installs what only the comparison needs, and runs it: compare.ts, or with --trees trees/compare.ts. Both list
// their arguments.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { printHelp } from "../../build/arguments.mjs";
import { build } from "../../build/build.mjs";
import { runDeno } from "../../build/deno.mjs";
import { main, run } from "../../build/run.mjs";
import { setup } from "../../build/setup.mjs";
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
  for (const peer of ["onnxruntime", "jax-js"]) {
    const cwd = join(here, peer);
    // onnxruntime's install script would download libraries for CUDA.
    if (!existsSync(join(cwd, "node_modules"))) run("npm", ["ci", "--ignore-scripts", "--no-fund"], { cwd });
  }
  process.exitCode = runDeno([script, ...args]);
});
