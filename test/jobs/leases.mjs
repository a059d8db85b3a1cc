// Predicts many clouds by three calls of predict on one output folder, while one is killed, one is stopped beyond its lease, and the
// disk is full for a while; then compares the outputs with those of one process. Run it as root, with a build:
//
//   node test/jobs/leases.mjs [--clouds 2000]
import { readdirSync } from "node:fs";
import process from "node:process";
import { readArguments } from "../../src/build/arguments.mjs";
import * as harness from "./harness.mjs";

const { outputs, pause, seconds, shared, tell, until } = harness;
const { values } = readArguments({ options: { clouds: { type: "string", default: "2000" } } });
const count = Number(values.clouds);

await harness.prepare(count);
const fillDisk = harness.mountDisk(count);
const words = [
  ...harness.predictWords,
  "--output",
  shared,
  "--lease",
  "2",
  "--batch-points",
  "1024",
  ...harness.deviceWords,
];
harness.startClock();
const calls = [0, 1, 2].map(() => harness.start(...words));
const [killed, stopped, lasting] = calls;
const ended = Promise.all(
  [stopped, lasting].map((call) => new Promise((resolve) => call.on("close", (code) => resolve(code)))),
);
const takenOver = new Set();
const watch = setInterval(() => {
  for (const name of readdirSync(shared)) if (/\.lease-[2-9]$/.test(name)) takenOver.add(name);
}, 20);
try {
  await until(() => outputs() >= 0.1 * count);
  killed.kill("SIGKILL");
  tell("a call is killed");
  await until(() => outputs() >= 0.2 * count);
  stopped.kill("SIGSTOP");
  tell("a call is stopped");
  await until(() => outputs() >= 0.5 * count);
  await fillDisk(5);
  await until(() => outputs() >= 0.8 * count);
  stopped.kill("SIGCONT");
  tell("the stopped call continues");
  const codes = await ended;
  tell(`the calls have ended with ${codes.join(" and ")}; ${takenOver.size} leases were taken over`);
  if (codes.some((code) => code !== 0)) process.exitCode = 1;
  console.log(`${(count / seconds()).toFixed(0)} jobs/s`);
  clearInterval(watch);
  await pause(0.1);
  harness.compareWithOneProcess();
} finally {
  clearInterval(watch);
  for (const call of calls) call.kill("SIGKILL");
  harness.cleanUp();
}
