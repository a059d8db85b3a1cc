// Sends many clouds through a queue, while a worker is killed, one is stopped, the server is killed, and the disk is full for a while;
// then compares the outputs with those of one process. Run it as root, with redis-server or postgresql, and a build:
//
//   node test/jobs/queue.mjs [--clouds 2000] [--server redis|postgres] [--fsync everysec|always]
import process from "node:process";
import { readArguments } from "../../src/build/arguments.mjs";
import * as harness from "./harness.mjs";
import { servers } from "./servers.mjs";

const { erwin, outputs, pause, predictWords, shared, tell, until } = harness;
const { values } = readArguments({
  options: {
    clouds: { type: "string", default: "2000" },
    server: { type: "string", default: "redis" },
    fsync: { type: "string", default: "everysec" },
  },
});
const count = Number(values.clouds);

await harness.prepare(count);
const fillDisk = harness.mountDisk(count);
const server = servers[/** @type {"redis" | "postgres"} */ (values.server)](harness.folder, values.fsync === "always");
const queue = ["--queue", server.address];
const startWorker = () => harness.start("work", ...queue, "--lease", "5", ...harness.deviceWords);
const enqueue = () => process.stdout.write(erwin(...predictWords, "--output", shared, ...queue));
harness.startClock();
await server.start();
const workers = [];
try {
  enqueue();
  tell("the jobs are queued");
  for (let i = 0; i < 3; i++) workers.push(startWorker());
  const [killed, stopped] = workers;
  await until(() => outputs() >= 0.1 * count);
  killed.kill("SIGKILL");
  tell("a worker is killed");
  await until(() => outputs() >= 0.2 * count);
  stopped.kill("SIGSTOP");
  tell("a worker is stopped");
  await until(() => outputs() >= 0.3 * count);
  server.kill();
  tell("the server is killed");
  await pause(3);
  await server.start();
  tell("the server is back");
  await until(() => outputs() >= 0.5 * count);
  await fillDisk(5);
  await until(() => outputs() >= 0.7 * count);
  stopped.kill("SIGCONT");
  tell("the stopped worker continues");
  await until(() => JSON.parse(erwin("status", ...queue, "--json")).waiting === 0 && outputs() === count);
  tell("all are there");
  process.stdout.write(erwin("status", ...queue));
  console.log(`${server.processorSeconds().toFixed(1)} s of the server's processor time since it is back`);
  // Jobs that the server has lost when it was killed are queued again, and are found to be done.
  enqueue();
  harness.compareWithOneProcess();
} finally {
  for (const worker of workers) worker.kill("SIGTERM");
  await pause(1);
  server.kill();
  harness.cleanUp();
}
