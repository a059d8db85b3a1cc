// Three calls of erwin predict on a server: one is killed, one is stopped beyond its lease. Then the outputs are compared with those
// of one call on this machine. Credentials are in the environment (s3) or in the address (http). It needs a build, and an address at
// which nothing is. The lease has to be longer than the calls may be kept waiting for a processor, or they take each other's work:
//
//   node test/jobs/stores/swarm.mjs s3://BUCKET/FOLDER [--clouds 200] [--lease 5]
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { readArguments } from "../../../src/build/arguments.mjs";
import { makeClouds } from "../clouds.mjs";

// The path is in a variable because declarations are generated from the sources, to which the built library does not belong.
const jobs = "../../../dist/jobs.js";
const cli = fileURLToPath(new URL("../../../dist/cli.js", import.meta.url));

/**
 * @typedef {object} Place
 * @property {string} address of the folder in which everything is
 * @property {import("../../../src/jobs/job.ts").FileStore} store the store of that folder
 */

/** Starts a call of the command line; `ended` resolves to its exit code and its output. */
function start(/** @type {string[]} */ ...words) {
  const child = spawn(process.execPath, [cli, ...words]);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (text += part));
  const ended = new Promise((resolve) => child.on("close", (code) => resolve({ code, text })));
  return { child, ended };
}

const pause = (/** @type {number} */ milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * @param {Place} place
 * @param {number} count the number of clouds
 * @param {number} lease in seconds
 * @returns the outputs that are not those of one process, everything else in the folder of outputs, and how the calls ended
 */
async function predictByThree({ address, store }, count, lease) {
  const tell = console.log;
  const folder = mkdtempSync(join(tmpdir(), "erwin-remote-"));
  /** @type {ReturnType<typeof start>[]} */
  const calls = [];
  try {
    const [model, clouds] = [join(folder, "model.safetensors"), join(folder, "clouds")];
    await makeClouds(model, clouds, count);
    const names = readdirSync(clouds);
    const upload = (/** @type {string} */ file, /** @type {string} */ path) =>
      store.save(path, new Uint8Array(readFileSync(file)));
    await upload(model, "model.safetensors");
    for (let i = 0; i < count; i += 20) {
      await Promise.all(names.slice(i, i + 20).map((name) => upload(join(clouds, name), `clouds/${name}`)));
    }
    const options = ["--knn", "8", "--backend", "cpu", "--threads", "1", "--batch-points", "256"];
    const remote = ["--model", `${address}/model.safetensors`, "--input", `${address}/clouds/`];
    const words = [...remote, "--output", `${address}/out`, "--lease", String(lease), ...options];

    const takenOver = new Set();
    const listed = async () => {
      const entries = await store.list("out").catch(() => []);
      for (const { name } of entries) if (/\.lease-[2-9]$/.test(name)) takenOver.add(name);
      return entries.map(({ name }) => name);
    };
    const outputs = async () => (await listed()).filter((name) => name.endsWith(".safetensors")).length;
    const until = async (/** @type {number} */ least) => {
      while ((await outputs()) < least) await pause(20);
    };

    const begin = performance.now();
    const seconds = () => (performance.now() - begin) / 1000;
    for (let i = 0; i < 3; i++) calls.push(start("predict", ...words));
    const [killed, stopped, lasting] = calls;
    await until(count / 10);
    killed.child.kill("SIGKILL");
    await until(count / 5);
    stopped.child.kill("SIGSTOP");
    tell(`${seconds().toFixed(1)} s: one call is killed, one is stopped`);
    const watch = setInterval(() => void listed(), 200);
    const results = [await lasting.ended];
    clearInterval(watch);
    tell(`${seconds().toFixed(1)} s: the others have finished, ${(count / seconds()).toFixed(0)} jobs/s`);
    stopped.child.kill("SIGCONT");
    results.push(await stopped.ended);

    // The model from the server, everything else on this machine.
    const alone = join(folder, "alone");
    const local = ["--model", `${address}/model.safetensors`, "--input", clouds, "--output", alone];
    results.push(await start("predict", ...local, ...options).ended);
    const different = [];
    for (const name of names) {
      const bytes = await store.load(`out/${name}`);
      if (!bytes || !readFileSync(join(alone, name)).equals(bytes)) different.push(name);
    }
    const others = (await listed()).filter((name) => !names.includes(name));
    return { results, different, others, takenOver: takenOver.size };
  } finally {
    for (const { child } of calls) child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}

async function run() {
  const { values, positionals } = readArguments({
    options: { clouds: { type: "string", default: "200" }, lease: { type: "string", default: "5" } },
    allowPositionals: true,
  });
  const { HttpStore, S3Store } = /** @type {typeof import("../../../src/jobs/index.ts")} */ (await import(jobs));
  const [address] = positionals;
  const [, bucket, folder] = /^s3:\/\/([^/]+)\/(.+)$/.exec(address) ?? [];
  const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = process.env;
  const s3 = { endpoint: process.env.AWS_ENDPOINT_URL, credentials: { accessKeyId, secretAccessKey } };
  const store = bucket ? new S3Store({ bucket, folder, ...s3 }) : new HttpStore(address);
  console.log(`create refuses what exists: ${await store.tryWriting()}`);
  const { results, ...found } = await predictByThree({ address, store }, Number(values.clouds), Number(values.lease));
  for (const { code, text } of results) console.log(`code ${code}: ${text.trim()}`);
  console.log(JSON.stringify(found));
  process.exitCode = found.different.length + found.others.length > 0 ? 1 : 0;
}

await run();
