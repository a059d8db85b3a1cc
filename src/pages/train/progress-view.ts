// How a run is going: figures, and the curve of its loss.

import type { LogEntry } from "erwin";
import { Chart, type ChartSeries } from "../shared/chart.ts";
import { byId, element } from "../shared/dom.ts";
import { count, duration, figure } from "../shared/format.ts";
import { smooth } from "./smoothing.ts";

/** Milliseconds between two drawings. */
const PAUSE = 200;

export class ProgressView {
  readonly #chart = new Chart({
    description: "The loss of each batch against the steps, with its smoothed curve, on a logarithmic axis",
    x: { label: "step", format: count },
    y: { label: "loss", log: true },
  });
  #entries: readonly LogEntry[] = [];
  #steps = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    byId("chart").append(this.#chart.element);
  }

  /** Shows a run as it is now, or a little later where it was drawn just before. */
  show(entries: readonly LogEntry[], steps: number): void {
    this.#entries = entries;
    this.#steps = steps;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#draw();
    }, PAUSE);
  }

  #draw(): void {
    const training = this.#entries.filter(({ kind }) => kind === "training");
    this.#chart.show(curves(training, this.#entries));
    const last = training.at(-1);
    byId<HTMLProgressElement>("progress").value = (last?.step ?? 0) / this.#steps;
    const figures = last ? figuresOf(last, this.#entries, this.#steps) : [];
    byId("figures").replaceChildren(
      ...figures.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
    );
  }
}

const number = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;
const shown = (value: unknown, format: (value: number) => string) => {
  const known = number(value);
  return known === undefined ? "–" : format(known);
};

function figuresOf(last: LogEntry, entries: readonly LogEntry[], steps: number): [string, string][] {
  const validation = entries.filter(({ kind }) => kind !== "training").at(-1);
  const stepsPerSecond = number(last.stepsPerSecond);
  return [
    ["Step", `${count(last.step)} of ${count(steps)}`],
    ["Loss", shown(last.loss, figure)],
    ...(validation ? ([[`Loss, ${validation.kind}`, shown(validation.loss, figure)]] as [string, string][]) : []),
    ["Learning rate", shown(last.lr, (value) => value.toExponential(2))],
    ["Gradient norm", shown(last.gradientNorm, figure)],
    ["Points per second", shown(last.pointsPerSecond, count)],
    ["Time left", last.step < steps && stepsPerSecond ? duration((steps - last.step) / stepsPerSecond) : "–"],
  ];
}

function curves(training: readonly LogEntry[], entries: readonly LogEntry[]): ChartSeries[] {
  // A logarithmic axis has no place for others.
  const pointsOf = (some: readonly LogEntry[], key: string) =>
    some.flatMap((entry) => {
      const y = number(entry[key] ?? entry.loss);
      return y !== undefined && y > 0 ? [{ x: entry.step, y }] : [];
    });
  const raw = pointsOf(training, "mean");
  const smoothed = smooth(raw.map(({ y }) => y));
  const validation = pointsOf(
    entries.filter(({ kind }) => kind === "validation"),
    "loss",
  );
  return [
    { label: "loss", colour: 0, marks: false, points: raw },
    { label: "smoothed", colour: 1, marks: false, points: raw.map(({ x }, i) => ({ x, y: smoothed[i]! })) },
    ...(validation.length > 0 ? [{ label: "validation", colour: 2, points: validation }] : []),
  ];
}
