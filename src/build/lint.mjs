// Checks format and lint rules of all files (biome.json), of which `--write` repairs what can be repaired, the layers of src
// (layers.mjs), and the Python files (python.mjs).
//
//   node src/build/lint.mjs [--write]
import { printHelp } from "./arguments.mjs";
import { main, runPackage } from "./run.mjs";
import { installPackages } from "./setup.mjs";

await main(async () => {
  printHelp();
  await installPackages();
  runPackage("@biomejs/biome/bin/biome", ["check", "--error-on-warnings", ...process.argv.slice(2)]);
  // Their parsers are packages, which a bare clone has only once setup has run.
  const [{ checkLayers }, { checkPython }] = await Promise.all([import("./layers.mjs"), import("./python.mjs")]);
  checkLayers();
  checkPython();
});
