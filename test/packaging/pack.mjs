// Packs the library as npm does, and installs it in copies of the projects beside this file.
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../../src/build/steps.mjs";

/** Packages are installed once for all runs of this process. */
const folder = mkdtempSync(join(tmpdir(), "erwin-packaging-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Of the library, once `pack` has made it. */
export const tarball = join(folder, "erwin.tgz");
const shared = ["page.js", "main.js", "say.js", "index.html"];

/**
 * Runs npm and returns what it printed; throws, with all that, where it fails or does not end.
 * @param {string} cwd
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export async function npm(cwd, args, env = {}) {
  const options = { cwd, env: { ...process.env, NO_COLOR: "1", ...env }, timeout: 300_000, maxBuffer: 1e8 };
  try {
    const { stdout } = await promisify(execFile)("npm", args, options);
    return stdout;
  } catch (error) {
    const { code, killed, stdout, stderr } = /** @type {any} */ (error);
    const end = killed ? "did not end within 300 s" : `ended with exit code ${code}`;
    throw new Error(`npm ${args.join(" ")} ${end}:\n${stdout}${stderr}`);
  }
}

/** @type {Promise<void> | undefined} */
let packing;

/** Packs the files in dist as they are, once for all that ask. */
export function pack() {
  packing ??= packOnce();
  return packing;
}

async function packOnce() {
  const output = await npm(root, ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]);
  const [{ filename }] = JSON.parse(output);
  renameSync(join(folder, filename), tarball);
}

/** What a project's package.json says. */
export function readProject(/** @type {string} */ name) {
  const text = readFileSync(join(import.meta.dirname, name, "package.json"), "utf8");
  const { description = "", scripts = {}, dependencies = {} } = JSON.parse(text);
  return {
    /** @type {string} */
    description,
    /** @type {Record<string, string>} */
    scripts,
    /** @type {Record<string, string>} */
    dependencies,
  };
}

/** A copy of a project with the library and its other packages installed; the same at each call. */
export async function install(/** @type {string} */ name) {
  const project = join(folder, name);
  if (existsSync(project)) return project;
  for (const file of shared) cpSync(join(import.meta.dirname, file), join(project, file));
  cpSync(join(import.meta.dirname, name), project, { recursive: true });
  await npm(project, ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball]);
  return project;
}
