// erwin work: takes jobs from a queue, as one of any number of workers on any number of machines.

import type { Arguments, Command } from "../command.ts";
import { BATCH_POINTS, deviceOptions, LEASE_SECONDS, readDeviceChoice, readLease } from "../options/shared.ts";
import { untilInterrupted } from "../process/interruption.ts";
import { passedOn } from "../process/program.ts";
import { printError } from "../process/progress.ts";
import { ComputeProcess } from "../queue/child.ts";
import { computeJobs } from "../queue/compute.ts";
import { openWorker, queueOption } from "../queue/queue.ts";
import { formatCount } from "../text.ts";

const JOBS = 16;

export const work: Command = {
  summary: "predict what erwin predict --queue has put into a queue",
  usage: "--queue URL [--jobs N] [--batch-points N] [--lease SECONDS] [--backend auto|webgpu|cpu] [--threads N]",
  options: {
    ...queueOption,
    jobs: {
      value: "N",
      description: `how many jobs are taken at a time, default ${JOBS}: small ones share a pass`,
    },
    "batch-points": {
      value: "N",
      description: `points up to which jobs share a pass, default ${BATCH_POINTS}`,
    },
    lease: {
      value: "SECONDS",
      description: `how long this worker may show no sign of life before others take its jobs, default ${LEASE_SECONDS}`,
    },
    compute: {
      description: "compute what the standard input says: how it starts the process that its device belongs to",
    },
    ...deviceOptions,
  },
  notes: ["It waits for more when the queue is empty, until Ctrl-C or SIGTERM ends it after the jobs it has."],
  run,
};

async function run(args: Arguments): Promise<void> {
  const device = readDeviceChoice(args);
  const batchPoints = args.count("batch-points") ?? BATCH_POINTS;
  if (args.has("compute")) return computeJobs(device, batchPoints);
  const queue = args.required("queue");
  const milliseconds = readLease(args) * 1000;
  const words = passedOn(args, ["batch-points", ...Object.keys(deviceOptions)]);
  const child = new ComputeProcess(["work", "--compute", ...words]);
  let done = 0;
  const worker = await openWorker(queue, (job) => child.compute(job), {
    concurrency: args.count("jobs") ?? JOBS,
    lockDuration: milliseconds,
    stalledInterval: milliseconds,
    // Each machine that dies stalls a job, which is not the job's fault.
    maxStalledCount: 100,
  });
  worker.on("completed", () => done++);
  worker.on("failed", (job, error) => {
    const isOver =
      job === undefined || error.name === "UnrecoverableError" || job.attemptsMade >= (job.opts.attempts ?? 1);
    printError(`error: ${error.message}${isOver ? "" : " (to be tried again)"}`);
  });
  await untilInterrupted(
    "stopping after the current jobs",
    (signal) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
  );
  await worker.close();
  await child.stop();
  console.log(`${formatCount(done)} done`);
}
