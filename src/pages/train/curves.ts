// A run's numbers as points of curves.

import type { LogEntry } from "erwin";
import type { PastRun } from "./run-store.ts";
import type { RunConfig } from "./saved-run.ts";

/** A curve of more points looks the same, and takes long to draw. */
const MOST_POINTS = 2000;

type Points = { x: number; y: number }[];

/** The numbers of one name, evenly thinned out where there are very many. */
export function pointsOf(entries: readonly LogEntry[], key: string): Points {
  const points = entries.flatMap(({ step, [key]: value }) =>
    typeof value === "number" && Number.isFinite(value) ? [{ x: step, y: value }] : [],
  );
  const every = Math.ceil(points.length / MOST_POINTS);
  return every <= 1 ? points : points.filter((_, i) => i % every === 0 || i === points.length - 1);
}

/** The training's loss: the mean since the entry before, where it is known. */
export const lossOf = (entries: readonly LogEntry[]): Points =>
  pointsOf(
    entries.filter(({ kind }) => kind === "training").map((entry) => ({ ...entry, loss: entry.mean ?? entry.loss })),
    "loss",
  );

/** What is kept of a run that another takes the place of. */
export const pastRun = ({ experiment, options }: RunConfig, entries: readonly LogEntry[]): PastRun => ({
  experiment,
  options,
  ended: Date.now(),
  loss: lossOf(entries),
});
