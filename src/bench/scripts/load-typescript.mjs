// Loads the benchmarks' TypeScript files into Node, for scripts that run before or without the built library.
import { join } from "node:path";
import { runnerImport } from "vite";

/**
 * @template Module
 * @param {string} name a file, relative to src
 * @returns {Promise<Module>}
 */
export const loadTypeScript = async (name) => (await runnerImport(join(import.meta.dirname, "../..", name))).module;
