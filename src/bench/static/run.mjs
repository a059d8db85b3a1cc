// Profiles the kernels with compilers for real GPUs, without a GPU (profile.ts, which lists the arguments).
import { printHelp } from "../../build/arguments.mjs";
import { runDeno } from "../../build/deno.mjs";
import { main } from "../../build/run.mjs";
import { installPackages } from "../../build/setup.mjs";

await main(async () => {
  printHelp(new URL("profile.ts", import.meta.url));
  await installPackages();
  process.exitCode = runDeno(["src/bench/static/profile.ts", ...process.argv.slice(2)]);
});
