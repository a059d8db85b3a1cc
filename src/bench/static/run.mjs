// Profiles the kernels with compilers for real GPUs, without a GPU (profile.ts, which lists the arguments).
import { runDeno } from "../../build/deno.mjs";
import { main } from "../../build/run.mjs";
import { installPackages } from "../../build/setup.mjs";

await main(async () => {
  await installPackages();
  process.exitCode = runDeno(["src/bench/static/profile.ts", ...process.argv.slice(2)]);
});
