// Sends many clouds through a queue, while a worker is killed, one is stopped, Redis is killed, and the disk is full for a while;
// then compares the outputs with those of one process. Run it as root, with redis-server and a build:
//
//   node test/jobs/queue.mjs [--clouds 2000] [--fsync everysec|always]
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

// The path is in a variable because declarations are generated from the sources, to which the built library does not belong.
const library = "../../dist/erwin.js";
const { ErwinTransformer, requestDevice, saveSafetensors } = /** @type {typeof import("../../src/index.ts")} */ (
  await import(library)
);

const { values } = parseArgs({
  options: { clouds: { type: "string", default: "2000" }, fsync: { type: "string", default: "everysec" } },
});
const count = Number(values.clouds);
const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "erwin-queue-"));
const [model, clouds, shared, alone] = ["model.safetensors", "clouds", "shared", "alone"].map((name) =>
  join(folder, name),
);
const port = 6400;
const queue = ["--queue", `redis://127.0.0.1:${port}`];
const device = ["--backend", "cpu", "--threads", "1"];
const input = ["--model", model, "--input", clouds, "--knn", "8"];
const pause = (/** @type {number} */ seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function makeClouds() {
  const cpu = await requestDevice({ backend: "cpu" });
  const levels = { cHidden: [8, 8], ballSizes: [16, 16], encNumHeads: [2, 2], encDepths: [2, 2] };
  const config = {
    cIn: 3,
    ...levels,
    decNumHeads: [2],
    decDepths: [2],
    strides: [4],
    rotate: 45,
    mlpRatio: 2,
    mpSteps: 1,
  };
  writeFileSync(model, await (await ErwinTransformer.create(config, { device: cpu, seed: 1 })).save());
  cpu.dispose();
  mkdirSync(clouds);
  for (let i = 0; i < count; i++) {
    const data = Float32Array.from({ length: 192 }, (_, k) => Math.sin(12.9898 * (i * 192 + k)));
    writeFileSync(join(clouds, `${i}.safetensors`), saveSafetensors({ node_positions: { shape: [64, 3], data } }));
  }
}

/** @param {string[]} words */
function erwin(...words) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...words], { encoding: "utf8" });
  if (status !== 0) throw new Error(`erwin ${words.join(" ")}: ${stderr}`);
  return stdout;
}

const startWorker = () =>
  spawn(process.execPath, [cli, "work", ...queue, "--lease", "5", ...device], {
    stdio: ["ignore", "inherit", "ignore"],
  });

function startRedis() {
  const kept = ["--dir", folder, "--appendonly", "yes", "--appendfsync", values.fsync, "--save", ""];
  return spawn("redis-server", ["--port", String(port), ...kept], { stdio: "ignore" });
}

const outputs = () => readdirSync(shared).filter((name) => name.endsWith(".safetensors")).length;
const until = async (/** @type {() => boolean} */ isTime) => {
  while (!isTime()) await pause(0.05);
};
/** @type {(message: string) => void} */
const tell = (message) =>
  console.log(`${((performance.now() - start) / 1000).toFixed(1)} s, ${outputs()} outputs: ${message}`);

await makeClouds();
mkdirSync(shared);
// A separate disk, so that it can be filled.
const size = Math.ceil((count * 8192 + 2 ** 20) / 2 ** 20);
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}m`, "tmpfs", shared]).status === 0;
const start = performance.now();
let redis = startRedis();
const workers = [];
try {
  await pause(0.5);
  process.stdout.write(erwin("predict", ...input, "--output", shared, ...queue));
  for (let i = 0; i < 3; i++) workers.push(startWorker());
  const [killed, stopped] = workers;
  await until(() => outputs() >= 0.1 * count);
  killed.kill("SIGKILL");
  tell("a worker is killed");
  await until(() => outputs() >= 0.2 * count);
  stopped.kill("SIGSTOP");
  tell("a worker is stopped");
  await until(() => outputs() >= 0.3 * count);
  redis.kill("SIGKILL");
  tell("Redis is killed");
  await pause(3);
  redis = startRedis();
  tell("Redis is back");
  await until(() => outputs() >= 0.5 * count);
  if (mounted) {
    try {
      writeFileSync(join(shared, "ballast"), new Uint8Array(size * 2 ** 20));
    } catch {
      // The disk is full, as intended.
    }
    tell("the disk is full");
    await pause(5);
    rmSync(join(shared, "ballast"));
    tell("the disk has room");
  }
  await until(() => outputs() >= 0.7 * count);
  stopped.kill("SIGCONT");
  tell("the stopped worker goes on");
  await until(() => JSON.parse(erwin("status", ...queue, "--json")).waiting === 0 && outputs() === count);
  tell("all are there");
  process.stdout.write(erwin("status", ...queue));
  // Jobs that Redis has lost when it was killed are queued again, and are found to be done.
  process.stdout.write(erwin("predict", ...input, "--output", shared, ...queue));
  process.stdout.write(erwin("predict", ...input, "--output", alone, ...device));
  const names = new Set([...readdirSync(shared), ...readdirSync(alone)]);
  const different = [...names].filter((name) => {
    const [a, b] = [join(shared, name), join(alone, name)];
    return !existsSync(a) || !existsSync(b) || !readFileSync(a).equals(readFileSync(b));
  });
  console.log(`${names.size} names; not the same in both: ${different.join(", ") || "none"}`);
  process.exitCode = different.length > 0 ? 1 : 0;
} finally {
  for (const worker of workers) worker.kill("SIGTERM");
  await pause(1);
  redis.kill();
  if (mounted) spawnSync("umount", ["-l", shared]);
  rmSync(folder, { recursive: true, force: true });
}
