// Takes apart the file of the package h5wasm that has the HDF5 library's WebAssembly module in a string literal, 4 MB of script:
// Deno parses scripts when a program begins, also those that it only imports later, and a host compiles a module faster than
// it reads such a literal. The module also takes along the filter LZF, by which h5py can compress, from the package h5wasm-plugins; the
// larger ones of PyTables, netCDF and hdf5plugin have a file of their own.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const packages = join(root, "node_modules");
const file = join(packages, "h5wasm", "dist", "esm", "hdf5_util.js");
/** WebAssembly modules, which the library loads from its file system when data needs them: one of six kilobytes, and those of together 1.6 MB. That
 * of bzip2 is left out: on damaged data it goes on without end. */
const small = "libH5Zlzf.so";
const large = ["libH5Zblosc.so", "libH5Zlz4.so", "libH5Zzstd.so"];

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
  if (WebAssembly.validate(module)) return Buffer.concat([module, pluginSection(small)]);
  throw new Error(`${file} has changed: what was found in it is no WebAssembly module`);
}

/** Returns the bytes of a module that does nothing, and holds the filters that most files do not need. */
export const filtersModule = () =>
  Buffer.concat([Buffer.from("\0asm\x01\0\0\0", "latin1"), ...large.map(pluginSection)]);

const pluginSection = (/** @type {string} */ name) =>
  customSection(name, readFileSync(join(packages, "h5wasm-plugins", "plugins", name)));

/** Returns a section that hosts pass over; src/formats/hdf5/h5wasm.ts finds it by its name. */
function customSection(/** @type {string} */ name, /** @type {Uint8Array} */ content) {
  const title = Buffer.from(name);
  const body = Buffer.concat([leb128(title.length), title, content]);
  return Buffer.concat([Buffer.of(0), leb128(body.length), body]);
}

/** Encodes a number as WebAssembly does: seven bits a byte, the lowest first. */
function leb128(/** @type {number} */ value) {
  const bytes = [];
  let left = value;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Buffer.from([...bytes, left]);
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
