// Simulates workers that share jobs, to see where Redis or the storage becomes the limit: an event simulation whose inputs are measured
// (simulation.json, by measure.mjs) but for the storage, whose latency and rate are assumptions. It prints the table of
// src/jobs/README.md:
//
//   node test/jobs/simulation.mjs [--latency 1] [--rate 10000]     milliseconds of an operation, operations a second
//
// Each worker has processors of its own, and jobs are long enough to be batches of their own. Redis has one processor.
import { readFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { readArguments } from "../../src/build/arguments.mjs";

/**
 * @typedef {object} Measured
 * @property {number} processors
 * @property {{ plain: number, predict: number }} millisecondsPerJob of a program that only computes, and of predict
 * @property {number} redisMillisecondsPerJob its processor time
 * @property {{ own: number, skipped: number, queued: number }} operationsPerJob on files: of a job with a lease, of one that another
 *   process has done, of one of a queue
 * @property {{ writeFlushRename: number, look: number }} diskMilliseconds
 * @property {Record<"leases" | "queue", { rate: number, milliseconds: number }>} threeProcesses jobs a second, and processor
 *   time of a job
 */
/** @type {Measured} */
export const measured = JSON.parse(readFileSync(new URL("simulation.json", import.meta.url), "utf8"));

/** The operations for a job on which another process works: no output, a lease (found, opened, read, closed), no next lease. */
const HELD = 7;
/** The operations by which a lease is renewed, and the seconds between two renewals with the default of --lease. */
const RENEWAL = { operations: 12, seconds: 7.5 };
/** The pause of a call of predict before it looks again at the jobs that others have. */
const LOOK_AGAIN = 0.25;

/** Serves requests in the order of their arrival; all processes of a simulation ask in the order of time. */
class Resource {
  /** The seconds for which it was busy. */
  busy = 0;
  #free;

  /** @param {number} servers how many requests it serves at the same time */
  constructor(servers = 1) {
    this.servers = servers;
    this.#free = new Float64Array(Number.isFinite(servers) ? servers : 0);
  }

  /** Returns the time at which a request is done. */
  serve(/** @type {number} */ now, /** @type {number} */ seconds) {
    this.busy += seconds;
    if (!Number.isFinite(this.servers)) return now + seconds;
    let first = 0;
    for (let i = 1; i < this.servers; i++) if (this.#free[i] < this.#free[first]) first = i;
    this.#free[first] = Math.max(now, this.#free[first]) + seconds;
    return this.#free[first];
  }
}

/**
 * @typedef {object} Plan
 * @property {"shards" | "leases" | "queue"} sharing
 * @property {number} workers
 * @property {number} jobs
 * @property {number} jobSeconds the processor time of a job, on average
 * @property {number} [processors] which all workers share; default one each
 * @property {number} latency seconds that an operation on a file takes for its caller
 * @property {number} rate operations a second of all callers that the storage can bear
 * @property {number} [flush] seconds for which the storage, a single disk, is busy with flushing an output; default 0
 */

/**
 * Simulates a run.
 * @returns {{ rate: number, limit?: string }} jobs a second, and what they wait for, if it is not the workers themselves
 */
export function simulate(/** @type {Plan} */ plan) {
  const { sharing, workers, jobs, jobSeconds, processors = workers, latency, rate, flush = 0 } = plan;
  const { own, skipped, queued } = measured.operationsPerJob;
  const [computing, redis, storage] = [new Resource(processors), new Resource(), new Resource()];
  const [WAITING, TAKEN, DONE] = [0, 1, 2];
  const states = new Uint8Array(jobs);
  // Some jobs are larger than others: half of them take between 0.7 and 1.4 times the median.
  const spread = Float64Array.from(states, () => Math.exp(0.5 * normal()));
  const mean = spread.reduce((sum, value) => sum + value) / jobs;
  const durations = spread.map((value) => (jobSeconds * value) / mean);
  const files = (/** @type {number} */ now, /** @type {number} */ operations) =>
    Math.max(now + operations * latency, storage.serve(now, operations / rate));

  /** The jobs that a worker computes with leases, in passes over those that are left. */
  function* withLeases(/** @type {number} */ now, /** @type {number[]} */ list) {
    // The first look at all outputs.
    now = yield files(now, list.length);
    for (let left = list; left.length > 0; left = list) {
      list = [];
      for (let i = 0; i < left.length; ) {
        // Jobs that need no work are passed over in one go.
        let operations = 0;
        for (; i < left.length && states[left[i]] !== WAITING; i++) {
          if (states[left[i]] === TAKEN) list.push(left[i]);
          operations += states[left[i]] === TAKEN ? HELD : skipped;
        }
        if (operations > 0) now = yield files(now, operations);
        else {
          const job = left[i++];
          now = yield* compute(now, job, own + RENEWAL.operations * Math.floor(durations[job] / RENEWAL.seconds));
        }
      }
      if (list.length > 0) now = yield now + LOOK_AGAIN;
    }
  }

  let next = 0;
  /** The jobs that a worker takes from a queue. Redis adds a job, gives it out and notes its end; locks are few operations more. */
  function* fromQueue(/** @type {number} */ now) {
    while (next < jobs) {
      const job = next++;
      now = yield redis.serve(now, measured.redisMillisecondsPerJob / 1000);
      now = yield* compute(now, job, queued);
    }
  }

  function* compute(/** @type {number} */ now, /** @type {number} */ job, /** @type {number} */ operations) {
    states[job] = TAKEN;
    now = yield files(now, operations / 2);
    now = yield computing.serve(now, durations[job]);
    now = yield files(now, operations / 2);
    if (flush > 0) now = yield storage.serve(now, flush);
    states[job] = DONE;
    return now;
  }

  const all = Array.from(states, (_, job) => job);
  const part = (/** @type {number} */ worker) => all.filter((job) => job % workers === worker);
  const time = run(
    Array.from({ length: workers }, (_, worker) => {
      if (sharing === "queue") return fromQueue(0);
      return withLeases(0, sharing === "shards" ? part(worker) : all);
    }),
  );
  const [name, { busy }] = Object.entries({ redis, storage }).sort(([, a], [, b]) => b.busy - a.busy)[0];
  return { rate: jobs / time, limit: busy > 0.8 * time ? name : undefined };
}

/**
 * Runs processes side by side, each of which yields the time at which it continues.
 * @param {Generator<number, unknown, number>[]} processes
 * @returns the time at which the last one ends
 */
function run(processes) {
  // A heap of the times, the earliest first.
  const heap = processes.map((process) => ({ time: 0, process }));
  let end = 0;
  while (heap.length > 0) {
    const { time, process } = heap[0];
    const { value, done } = process.next(time);
    if (done) {
      end = Math.max(end, time);
      heap[0] = heap[heap.length - 1];
      heap.length--;
    } else heap[0].time = value;
    sink(heap);
  }
  return end;
}

/** Moves the first entry of a heap to its place. */
function sink(/** @type {{ time: number }[]} */ heap) {
  for (let i = 0; ; ) {
    let least = i;
    for (const child of [2 * i + 1, 2 * i + 2])
      if (child < heap.length && heap[child].time < heap[least].time) least = child;
    if (least === i) return;
    [heap[i], heap[least]] = [heap[least], heap[i]];
    i = least;
  }
}

/** A normal number, by Box and Muller; the same ones in each run. */
let state = 1;
function normal() {
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

function printTable(/** @type {number} */ latency, /** @type {number} */ rate) {
  console.log(`storage: ${1000 * latency} ms an operation, ${rate} operations a second`);
  console.log("| seconds a job | workers | shards | leases | queue |\n| --- | --- | --- | --- | --- |");
  for (const jobSeconds of [0.02, 0.2, 2, 20]) {
    for (const workers of [1, 10, 100, 1000]) {
      const cells = /** @type {const} */ (["shards", "leases", "queue"]).map((sharing) => {
        // Each call looks at each job, so a thousand calls would also take long to simulate.
        if (sharing === "leases" && workers === 1000) return "";
        const found = simulate({ sharing, workers, jobs: 20 * workers, jobSeconds, latency, rate });
        return `${Number(found.rate.toPrecision(2))}${found.limit ? ` (${found.limit})` : ""}`;
      });
      console.log(`| ${jobSeconds} | ${workers} | ${cells.join(" | ")} |`);
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = readArguments({
    options: { latency: { type: "string", default: "1" }, rate: { type: "string", default: "10000" } },
  });
  printTable(Number(values.latency) / 1000, Number(values.rate));
}
