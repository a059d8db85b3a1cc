// Profiles the kernels by what compilers for real GPUs make of them; no GPU is needed (profile.ts, which tells the arguments).
import { runDeno } from "../../build/deno.mjs";
import { main } from "../../build/run.mjs";
import { installPackages } from "../../build/setup.mjs";

await main(() => {
  installPackages();
  process.exitCode = runDeno(["src/bench/static/profile.ts", ...process.argv.slice(2)]);
});
