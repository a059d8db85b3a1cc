// Shows the progress of a run: figures, and its curves.

import type { LogEntry } from "erwin";
import { Chart, type ChartSeries } from "../shared/chart.ts";
import { byId, element } from "../shared/dom.ts";
import { count, duration, figure } from "../shared/format.ts";
import { lossOf, pointsOf } from "./curves.ts";
import type { PastRun } from "./run-store.ts";
import { smooth } from "./smoothing.ts";

/** Milliseconds between two drawings. */
const PAUSE = 200;
/** The max number of earlier runs beside the one that is shown. */
const MAX_PAST = 3;

export class ProgressView {
  readonly #loss = new Chart({
    description: "The loss of each batch against the steps, with its smoothed curve and those of earlier runs",
    x: { label: "step", format: count, whole: true },
    y: { label: "loss", log: true },
    legend: "last",
  });
  /** The charts below; exact values, which are set and not measured, are not smoothed. */
  readonly #small = [
    { key: "gradientNorm", chart: smallChart("gradient norm", true), exact: false },
    { key: "pointsPerSecond", chart: smallChart("points per second", false), exact: false },
    { key: "lr", chart: smallChart("learning rate", false), exact: true },
    { key: "lossScale", chart: smallChart("loss scale", true), exact: true },
  ];
  readonly #smoothing = byId<HTMLInputElement>("smoothing");
  #entries: readonly LogEntry[] = [];
  #steps = 0;
  #past: readonly PastRun[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    byId("chart").append(this.#loss.element);
    byId("small-charts").append(...this.#small.map(({ chart }) => chart.element));
    this.#smoothing.addEventListener("input", () => this.#drawSoon());
  }

  /** Shows a run as it is now, or a little later where it was drawn just before. */
  show(entries: readonly LogEntry[], steps: number): void {
    this.#entries = entries;
    this.#steps = steps;
    this.#drawSoon();
  }

  /** Shows earlier runs of the same experiment in the background. */
  showPast(runs: readonly PastRun[]): void {
    this.#past = runs.slice(-MAX_PAST);
    this.#drawSoon();
  }

  #drawSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#draw();
    }, PAUSE);
  }

  #draw(): void {
    const training = this.#entries.filter(({ kind }) => kind === "training");
    const inertia = this.#smoothing.valueAsNumber;
    this.#loss.show(this.#lossCurves(inertia));
    for (const { key, chart, exact } of this.#small) {
      const raw = pointsOf(training, key);
      chart.element.hidden = raw.length === 0;
      chart.show(exact ? [{ label: "", colour: 1, marks: false, points: raw }] : smoothed("", raw, inertia));
    }
    const last = training.at(-1);
    byId("curves").hidden = !last;
    byId<HTMLProgressElement>("progress").value = (last?.step ?? 0) / Math.max(1, this.#steps);
    const figures = last ? figuresOf(last, this.#entries, this.#steps) : [];
    byId("figures").replaceChildren(
      ...figures.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
    );
  }

  #lossCurves(inertia: number): ChartSeries[] {
    const validation = pointsOf(
      this.#entries.filter(({ kind }) => kind === "validation"),
      "loss",
    );
    const past = this.#past.map(({ loss, ended }, i) => ({
      label: `run of ${new Date(ended).toLocaleString("en-GB", { dateStyle: "short", timeStyle: "short" })}`,
      colour: 4 + i,
      dashed: true,
      marks: false,
      points: withY(
        loss,
        smooth(
          loss.map(({ y }) => y),
          inertia,
        ),
      ),
    }));
    return [
      ...smoothed("loss", lossOf(this.#entries), inertia),
      ...(validation.length > 0 ? [{ label: "validation", colour: 2, points: validation }] : []),
      ...past,
    ];
  }
}

const smallChart = (label: string, log: boolean): Chart =>
  new Chart({
    description: `The ${label} against the steps`,
    x: { format: count, whole: true },
    y: { label, log },
    height: 190,
    legend: false,
  });

type Points = ChartSeries["points"];

const withY = (points: Points, ys: readonly number[]) => points.map(({ x }, i) => ({ x, y: ys[i]! }));

/** Returns the raw line, with its smoothed curve over it. */
function smoothed(name: string, raw: Points, inertia: number): ChartSeries[] {
  const curve = smooth(
    raw.map(({ y }) => y),
    inertia,
  );
  return [
    { label: name, colour: 0, faint: true, marks: false, points: raw },
    { label: `${name} smoothed`.trim(), colour: 1, marks: false, points: withY(raw, curve) },
  ];
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
