// What the runs of many clouds by several processes have in common: the clouds, the processes, a disk that can be filled, and the
// comparison with the outputs of one process.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { makeClouds } from "./clouds.mjs";

export const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export const folder = mkdtempSync(join(tmpdir(), "erwin-jobs-"));
/** The folder of the outputs of several processes, and that of a single process. */
export const shared = join(folder, "shared");
const alone = join(folder, "alone");
export const clouds = join(folder, "clouds");
export const model = join(folder, "model.safetensors");

export const deviceWords = ["--backend", "cpu", "--threads", "1"];
export const predictWords = ["predict", "--model", model, "--input", clouds, "--knn", "8"];

/** Makes the model, the clouds and the folder of the outputs. */
export async function prepare(/** @type {number} */ count) {
  await makeClouds(model, clouds, count);
  mkdirSync(shared);
}

/** Runs a command to its end, and returns what it printed. */
export function erwin(/** @type {string[]} */ ...words) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...words], { encoding: "utf8" });
  if (status !== 0) throw new Error(`erwin ${words.join(" ")}: ${stderr}`);
  return stdout;
}

/** Starts a command, whose messages about jobs that are to be tried again are not shown. */
export const start = (/** @type {string[]} */ ...words) =>
  spawn(process.execPath, [cli, ...words], { stdio: ["ignore", "inherit", "ignore"] });

/** The number of outputs. */
export const outputs = () => readdirSync(shared).filter((name) => name.endsWith(".safetensors")).length;

export const pause = (/** @type {number} */ seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

export async function until(/** @type {() => boolean} */ isTime) {
  while (!isTime()) await pause(0.05);
}

let startedAt = performance.now();
export function startClock() {
  startedAt = performance.now();
}

export const seconds = () => (performance.now() - startedAt) / 1000;

export function tell(/** @type {string} */ message) {
  console.log(`${seconds().toFixed(1)} s, ${outputs()} outputs: ${message}`);
}

/** Mounts a small disk as the folder of the outputs, which needs root, and returns what fills it for some seconds. */
export function mountDisk(/** @type {number} */ count) {
  const size = Math.ceil((count * 8192 + 2 ** 20) / 2 ** 20);
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}m`, "tmpfs", shared]);
  if (status !== 0) throw new Error(`The disk that is to be filled cannot be mounted: ${stderr}`);
  return async (/** @type {number} */ duration) => {
    const ballast = join(shared, "ballast");
    try {
      writeFileSync(ballast, new Uint8Array(size * 2 ** 20));
      throw new Error("The disk could not be filled");
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ENOSPC") throw error;
    }
    tell("the disk is full");
    await pause(duration);
    rmSync(ballast);
    tell("the disk has room");
  };
}

/** Predicts all clouds by one process, and compares. */
export function compareWithOneProcess() {
  const begin = performance.now();
  process.stdout.write(erwin(...predictWords, "--output", alone, ...deviceWords));
  const rate = readdirSync(alone).length / ((performance.now() - begin) / 1000);
  const names = new Set([...readdirSync(shared), ...readdirSync(alone)]);
  const different = [...names].filter((name) => {
    const [a, b] = [join(shared, name), join(alone, name)];
    return !existsSync(a) || !existsSync(b) || !readFileSync(a).equals(readFileSync(b));
  });
  console.log(
    `one process: ${rate.toFixed(0)} jobs/s; ${names.size} names, different: ${different.join(", ") || "none"}`,
  );
  if (different.length > 0) process.exitCode = 1;
}

export function cleanUp() {
  spawnSync("umount", ["-l", shared]);
  rmSync(folder, { recursive: true, force: true });
}
