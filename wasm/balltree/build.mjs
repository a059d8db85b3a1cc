// Compiles this folder into wasm/out/balltree.wasm: one module on a shared, imported memory, without a JavaScript runtime.
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const folder = dirname(fileURLToPath(import.meta.url));
const output = join(folder, "..", "out", "balltree.wasm");

const flags = [
  "-std=c++17",
  "-O3",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-fno-exceptions",
  "-fno-rtti",
  // Several threads run the module on one memory, each with its own stack: it sets __stack_pointer for itself.
  "-msimd128",
  "-matomics",
  "-mbulk-memory",
  "-mmutable-globals",
  "--no-entry",
  "-sIMPORTED_MEMORY=1",
  "-sALLOW_MEMORY_GROWTH=1",
  "-sINITIAL_MEMORY=1048576",
  "-sMAXIMUM_MEMORY=4294967296",
  "-sTOTAL_STACK=65536",
  "-sGLOBAL_BASE=1024",
  "-Wl,--shared-memory",
  "-Wl,--export=__stack_pointer",
  "-Wl,--export=__heap_base",
  // beat() is imported.
  "-sERROR_ON_UNDEFINED_SYMBOLS=0",
  "-sWARN_ON_UNDEFINED_SYMBOLS=0",
];

/**
 * The environment without the programs of npm packages, which npm puts first: Emscripten would take AssemblyScript's wasm-opt for its
 * own, which is another version, gives other bytes, and is slower.
 */
function withoutPackages(env) {
  // Windows calls it Path.
  const name = Object.keys(env).find((key) => key.toUpperCase() === "PATH") ?? "PATH";
  const own = (env[name] ?? "").split(delimiter).filter((path) => !path.endsWith(join("node_modules", ".bin")));
  return { ...env, [name]: own.join(delimiter) };
}

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Compiles unless the output is newer than every source; returns the output's path. */
export async function build() {
  const newest = Math.max(...readdirSync(folder).map((name) => modified(join(folder, name))));
  if (modified(output) > newest) return output;
  mkdirSync(dirname(output), { recursive: true });
  // The output is written to another name and renamed, so that nobody reads half a file.
  const unfinished = join(dirname(output), `balltree.${process.pid}.wasm`);
  try {
    await promisify(execFile)("emcc", [join(folder, "balltree.cpp"), "-o", unfinished, ...flags], {
      env: withoutPackages(process.env),
    });
    renameSync(unfinished, output);
  } catch (error) {
    rmSync(unfinished, { force: true });
    if (error.code !== "ENOENT") throw error;
    throw new Error("emcc was not found: install Emscripten 3.1.6 or newer (apt install emscripten, or emsdk).");
  }
  return output;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await build());
