// erwin status: the progress of a queue's jobs, over all machines.

import type { Queue } from "bullmq";
import type { Arguments, Command } from "../command.ts";
import { type QueuedPrediction, queueOption, withQueue } from "../queue/queue.ts";
import { formatCount, formatDuration } from "../text.ts";

/** The number of the latest jobs from which the rate is computed, and the number of failures that are listed. */
const RECENT = 1000;
const NAMED = 20;

export const status: Command = {
  summary: "how far the jobs of a queue are",
  usage: "--queue URL [--json]",
  options: { ...queueOption, json: { description: "as JSON" } },
  run: (args) => withQueue(args.required("queue"), (queue) => report(queue, args)),
};

async function report(queue: Queue<QueuedPrediction>, args: Arguments): Promise<void> {
  const counts = await queue.getJobCounts("completed", "active", "failed", "waiting", "delayed");
  const { completed, active, failed, delayed } = counts;
  const waiting = counts.waiting + delayed;
  const recent = await queue.getCompleted(0, RECENT - 1);
  const ends = recent.flatMap(({ finishedOn }) => finishedOn ?? []);
  const seconds = (Math.max(...ends) - Math.min(...ends)) / 1000;
  const rate = ends.length > 1 && seconds > 0 ? (ends.length - 1) / seconds : undefined;
  const failures = (await queue.getFailed(0, NAMED - 1)).map(({ failedReason }) => failedReason);
  if (args.has("json")) {
    console.log(JSON.stringify({ done: completed, running: active, waiting, failed, rate, failures }));
    return;
  }
  console.log(
    `${formatCount(completed)} done, ${formatCount(active)} running, ${formatCount(waiting)} waiting, ${formatCount(failed)} failed`,
  );
  const left = active + waiting;
  if (rate !== undefined) {
    const time = left > 0 ? `; ${formatDuration((1000 * left) / rate)} left` : "";
    console.log(`${rate.toFixed(1)} jobs/s of the last ${formatCount(ends.length)}${time}`);
  }
  for (const reason of failures) console.log(`failed: ${reason}`);
}
