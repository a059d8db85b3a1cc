// Shows all results together: the list from the fastest down, and time against points.

import { Chart, type ChartSeries } from "../shared/chart.ts";
import { byId, element } from "../shared/dom.ts";
import { count, figure } from "../shared/format.ts";
import { type Column, table } from "../shared/table.ts";
import { deviceTitle, type Entry, type Measure } from "./entry.ts";

/** Billions of operations per second of an entry's fastest forward pass; the operations per point hardly depend on the size. */
const bestRate = ({ measures }: Entry) =>
  Math.max(0, ...measures.map(({ benchmark, gigaflops = 0 }) => (benchmark === "forward" ? gigaflops : 0)));

const origins: Record<Entry["origin"], string> = {
  this: "this device",
  link: "from a link",
  file: "from a file",
  committed: "",
  published: "",
};

export function showAll(entries: readonly Entry[]): void {
  const ranked = entries.map((entry) => ({ entry, rate: bestRate(entry) })).filter(({ rate }) => rate > 0);
  ranked.sort((a, b) => b.rate - a.rate);
  const fastest = ranked[0]?.rate ?? 1;
  const columns: Column<(typeof ranked)[number]>[] = [
    { title: "Device", cell: ({ entry }) => entry.title },
    { title: "Measured with", cell: ({ entry }) => [entry.detail, origins[entry.origin]].filter(Boolean).join("; ") },
    { title: "GFLOP/s", cell: ({ rate }) => bar(rate, fastest) },
  ];
  const made = table("All results by their fastest forward pass; bars are logarithmic", ranked, columns);
  ranked.forEach(({ entry }, i) => {
    if (entry.origin !== "committed" && entry.origin !== "published")
      made.querySelectorAll("tbody tr")[i]!.classList.add("own");
  });
  byId("all").replaceChildren(made);
}

function bar(rate: number, fastest: number): HTMLElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "bar");
  svg.setAttribute("viewBox", "0 0 100 6");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const decades = Math.max(1, Math.log10(fastest) + 1);
  rect.setAttribute("width", String(Math.max(1, (100 * Math.max(0, Math.log10(rate) + 1)) / decades)));
  rect.setAttribute("height", "6");
  rect.setAttribute("rx", "2");
  svg.append(rect);
  return element("div", { className: "bar-cell" }, svg, figure(rate));
}

const axes = {
  x: { label: "Points of all clouds together", log: true, format: compact },
  y: { label: "Milliseconds", log: true, format: figure },
};

export class Charts {
  readonly #forward = new Chart({
    ...axes,
    description: "Time of a forward pass against the number of points, for all results; the table has the figures.",
  });
  readonly #training = new Chart({
    ...axes,
    description: "Time of a training step against the number of points, for all results; the table has the figures.",
  });

  constructor() {
    byId("charts").append(
      element("div", { className: "card" }, element("h3", {}, "Forward pass"), this.#forward.element),
      element("div", { className: "card" }, element("h3", {}, "Training step"), this.#training.element),
    );
  }

  /** Draws lines of the largest model that all of the user's entries have; without such entries, of the published figures' model. */
  show(entries: readonly Entry[]): void {
    this.#forward.show(seriesOf(entries, "forward"));
    this.#training.show(seriesOf(entries, "training"));
  }
}

function seriesOf(entries: readonly Entry[], benchmark: Measure["benchmark"]): ChartSeries[] {
  const own = entries.filter(({ origin }) => origin !== "committed" && origin !== "published");
  const channels = own.flatMap(({ measures }) => measures.flatMap((measure) => measure.channels ?? []))[0];
  let colour = 0;
  return entries.flatMap((entry) => {
    const isOwn = own.includes(entry);
    const measures = entry.measures.filter((measure) => measure.benchmark === benchmark && measure.time);
    const names = [...new Set(measures.map(({ device }) => device))];
    return names.flatMap((device) => {
      const points = shortest(measures.filter((measure) => measure.device === device));
      if (points.length === 0) return [];
      const ofOther = !isOwn && channels !== undefined && !measures.some((measure) => measure.channels === channels);
      const label = `${entry.title}${device && device !== "cuda" ? `, ${deviceTitle(device)}` : `, ${entry.detail.split(",")[1]?.trim() ?? ""}`}`;
      return [
        {
          label: ofOther ? `${label} (${measures[0]!.channels} channels)` : label,
          colour: ++colour,
          dashed: !isOwn,
          points,
        },
      ];
    });
  });
}

/** Returns the least time at each number of points. */
function shortest(measures: readonly Measure[]) {
  const times = new Map<number, number>();
  for (const { clouds, points, time } of measures) {
    const total = clouds * points;
    times.set(total, Math.min(times.get(total) ?? Number.POSITIVE_INFINITY, time!.median));
  }
  return [...times].map(([x, y]) => ({ x, y })).sort((a, b) => a.x - b.x);
}

function compact(points: number): string {
  return points >= 1e6 ? `${figure(points / 1e6)} M` : points >= 1e3 ? `${figure(points / 1e3)} k` : count(points);
}
