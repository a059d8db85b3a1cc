// Sets up and builds where needed, then runs a command of the built command line in Deno.
//
//   node src/build/start.mjs COMMAND [ARGUMENT ...]
import { build } from "./build.mjs";
import { runDeno } from "./deno.mjs";
import { main } from "./run.mjs";
import { setup } from "./setup.mjs";

await main(async () => {
  await setup((programs) => build({ programs }));
  process.exitCode = runDeno(["dist/cli.js", ...process.argv.slice(2)]);
  if (process.argv[2] === "demo")
    console.log(
      "npm run site shows the pages: a benchmark, an explorer, training to watch, predictions for your files.",
    );
});
