// Incremental steps: a step runs only when one of its inputs changed since its last successful run, or when one of its
// outputs is missing.
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** The folder of unpublished build results; it is deleted with node_modules, so that new packages mean a new build. */
export const cache = join(root, "node_modules", ".cache", "erwin");

/**
 * Returns the newest modification time under a file or folder. Folders count themselves, so that a deleted file is noticed.
 * @param {string} path
 * @param {string[]} ignored
 * @returns {number}
 */
function newest(path, ignored) {
  if (!existsSync(path) || ignored.includes(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  let time = stat.mtimeMs;
  for (const name of readdirSync(path)) time = Math.max(time, newest(join(path, name), ignored));
  return time;
}

/**
 * Runs `step.run()` and reports it in one line, unless the step is up to date. Paths are relative to the root.
 * @param {{ name: string, inputs: string[], ignored?: string[], outputs: string[], run: () => unknown }} step
 * @param {{ force?: boolean }} options
 */
export async function runStep(step, { force = false } = {}) {
  const stamp = join(cache, `${step.name}.stamp`);
  const ignored = (step.ignored ?? []).map((path) => join(root, path));
  const changed = Math.max(...step.inputs.map((path) => newest(join(root, path), ignored)));
  const complete = step.outputs.every((path) => existsSync(join(root, path)));
  if (!force && complete && existsSync(stamp) && statSync(stamp).mtimeMs >= changed) return;

  const start = new Date();
  rmSync(stamp, { force: true });
  await step.run();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, "");
  // The stamp has the time of the start: a file that was edited while the step ran is built next time.
  utimesSync(stamp, start, start);
  console.log(`build: ${step.name} in ${((Date.now() - start.getTime()) / 1000).toFixed(1)} s`);
}
