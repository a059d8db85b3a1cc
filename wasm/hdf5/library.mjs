// Takes apart the file of the package h5wasm that has the HDF5 library's WebAssembly module in a string literal, 4 MB of script:
// Deno parses scripts when a program begins, also those that it only imports later, and a host compiles a module faster than
// it reads such a literal.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const file = join(root, "node_modules", "h5wasm", "dist", "esm", "hdf5_util.js");

const before = "return binaryDecode('";
const after = "')}function getBinarySync";

/** Returns the script without the literal's content, and that content. */
function takeApart() {
  const code = readFileSync(file, "utf8");
  const start = code.indexOf(before) + before.length;
  const end = code.indexOf(after, start);
  if (start < before.length || end < 0) throw new Error(`${file} has changed: the module in it was not found`);
  return { script: code.slice(0, start) + code.slice(end), literal: code.slice(start, end) };
}

/** Returns the bytes of the module. */
export function libraryModule() {
  const text = /** @type {string} */ (runInNewContext(`'${takeApart().literal}'`));
  // Emscripten writes a byte as the character of its number, and zero as the character 256, too.
  const module = Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
  if (WebAssembly.validate(module)) return module;
  throw new Error(`${file} has changed: what was found in it is no WebAssembly module`);
}

/**
 * A plugin of the builds of library and site: bundles the script without its module.
 * @returns {import("vite").Plugin}
 */
export function hdf5Script() {
  return {
    name: "erwin-hdf5",
    load: { filter: { id: /\/h5wasm\/dist\/esm\/hdf5_util\.js$/ }, handler: () => takeApart().script },
  };
}
