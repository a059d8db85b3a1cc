// Loads the benchmarks' TypeScript files into Node, for scripts that run before or without the built library.
import { join } from "node:path";
import { runnerImport } from "vite";

/**
 * @template Module
 * @param {string} name of a file, from this folder on
 * @returns {Promise<Module>}
 */
export const loadTypeScript = async (name) => (await runnerImport(join(import.meta.dirname, name))).module;
