// Clicks through the pages in real browsers (*.pages.test.ts), which takes minutes. Date and result go into src/pages/README.md.
//
//   node test/pages/run.mjs [FILE-FILTER ...]
import { printHelp } from "../../src/build/arguments.mjs";
import { build } from "../../src/build/build.mjs";
import { main, runPackage } from "../../src/build/run.mjs";
import { setup } from "../../src/build/setup.mjs";

await main(async () => {
  printHelp();
  await setup();
  await build({ reference: true });
  runPackage("vitest/vitest.mjs", ["run", "--project", "pages", ...process.argv.slice(2)]);
});
