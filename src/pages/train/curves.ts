// Converts the entries of a run's log to points of curves.

import type { LogEntry } from "erwin";
import type { PastRun } from "./run-store.ts";
import type { RunConfig } from "./saved-run.ts";

/** The largest number of points of a curve: more look the same and take long to draw. */
const MAX_POINTS = 2000;

type Points = { x: number; y: number }[];

/** Returns the values of one name, evenly thinned out if there are too many. */
export function pointsOf(entries: readonly LogEntry[], key: string): Points {
  const points = entries.flatMap(({ step, [key]: value }) =>
    typeof value === "number" && Number.isFinite(value) ? [{ x: step, y: value }] : [],
  );
  const every = Math.ceil(points.length / MAX_POINTS);
  return every <= 1 ? points : points.filter((_, i) => i % every === 0 || i === points.length - 1);
}

/** Returns the training loss: the mean since the previous entry, if it is known. */
export const lossOf = (entries: readonly LogEntry[]): Points =>
  pointsOf(
    entries.filter(({ kind }) => kind === "training").map((entry) => ({ ...entry, loss: entry.mean ?? entry.loss })),
    "loss",
  );

/** Returns the part of a run that is kept when another run replaces it. */
export const pastRun = ({ experiment }: RunConfig, entries: readonly LogEntry[]): PastRun => ({
  experiment,
  ended: Date.now(),
  loss: lossOf(entries),
});
