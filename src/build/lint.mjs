// Checks format and lint rules of all files (biome.json), of which `--write` repairs what can be repaired, the layers of src
// (layers.mjs), and the Python files (python.mjs).
//
//   node src/build/lint.mjs [--write]
import { pathToFileURL } from "node:url";
import { main, runPackage } from "./run.mjs";
import { installPackages } from "./setup.mjs";

/** @param {string[]} args */
export async function lint(args = []) {
  runPackage("@biomejs/biome/bin/biome", ["check", "--error-on-warnings", ...args]);
  // Their parsers are packages, which a bare clone has only once setup has run.
  const [{ checkLayers }, { checkPython }] = await Promise.all([import("./layers.mjs"), import("./python.mjs")]);
  checkLayers();
  checkPython();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    installPackages();
    await lint(process.argv.slice(2));
  });
}
