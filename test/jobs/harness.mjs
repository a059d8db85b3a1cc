// What the runs of many clouds by several processes have in common: the clouds, the processes, a disk that can be filled, and the
// comparison with the outputs of one process.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

// The path is in a variable because declarations are generated from the sources, to which the built library does not belong.
const path = "../../dist/erwin.js";
export const library = /** @type {typeof import("../../src/index.ts")} */ (await import(path));

export const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export const folder = mkdtempSync(join(tmpdir(), "erwin-jobs-"));
/** The folder of the outputs of several processes, and that of a single process. */
export const shared = join(folder, "shared");
const alone = join(folder, "alone");
export const clouds = join(folder, "clouds");
export const model = join(folder, "model.safetensors");

export const deviceWords = ["--backend", "cpu", "--threads", "1"];
export const predictWords = ["predict", "--model", model, "--input", clouds, "--knn", "8"];

/** Makes a small model, and clouds of 64 points. */
export async function makeClouds(/** @type {number} */ count) {
  const { ErwinTransformer, requestDevice, saveSafetensors } = library;
  const cpu = await requestDevice({ backend: "cpu" });
  const levels = { cHidden: [8, 8], ballSizes: [16, 16], encNumHeads: [2, 2], encDepths: [2, 2] };
  const decoder = { decNumHeads: [2], decDepths: [2], strides: [4] };
  const config = { cIn: 3, ...levels, ...decoder, rotate: 45, mlpRatio: 2, mpSteps: 1 };
  writeFileSync(model, await (await ErwinTransformer.create(config, { device: cpu, seed: 1 })).save());
  cpu.dispose();
  mkdirSync(clouds);
  mkdirSync(shared);
  for (let i = 0; i < count; i++) {
    const data = Float32Array.from({ length: 192 }, (_, k) => Math.sin(12.9898 * (i * 192 + k)));
    writeFileSync(join(clouds, `${i}.safetensors`), saveSafetensors({ node_positions: { shape: [64, 3], data } }));
  }
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
