// Shows all results together: the devices from the fastest to the slowest, and charts of time, speed and share of the roofline over
// the number of points.

import { Chart, type ChartOptions, type ChartSeries } from "../shared/chart.ts";
import { byId, element } from "../shared/dom.ts";
import { count, figure, percent } from "../shared/format.ts";
import { type Column, table } from "../shared/table.ts";
import { deviceTitle, type Entry, isOwn, type Measure, wrongDevices } from "./entry.ts";

/** A device of a result at its highest speed: the forward pass needs about the same number of operations per point at any size. */
interface Standing {
  entry: Entry;
  device: string;
  /** Billions of operations per second. */
  gigaflops: number;
  reached?: number;
  /** Whether its output differed from the golden one by more than is allowed. */
  wrong: boolean;
}

function standingsOf(entry: Entry): Standing[] {
  const fastest = new Map<string, Measure>();
  for (const measure of entry.measures) {
    const { benchmark, device = "", gigaflops = 0 } = measure;
    if (benchmark !== "forward" || gigaflops <= (fastest.get(device)?.gigaflops ?? 0)) continue;
    fastest.set(device, measure);
  }
  const wrong = wrongDevices(entry);
  return [...fastest].map(([device, { gigaflops = 0, reached }]) => ({
    ...{ entry, device, gigaflops, reached },
    wrong: wrong.has(device),
  }));
}

const origins: Record<Entry["origin"], string> = {
  this: "this device",
  link: "from a link",
  file: "from a file",
  committed: "",
  published: "",
};

/** @param shown the result that the page shows; undefined if there is none */
export function showAll(entries: readonly Entry[], shown: Entry | undefined): void {
  const standings = entries.flatMap(standingsOf).sort((a, b) => b.gigaflops - a.gigaflops);
  const fastest = standings[0]?.gigaflops ?? 1;
  const columns: Column<Standing>[] = [
    { title: "Device", cell: ({ entry }) => entry.title },
    { title: "On", cell: ({ device }) => (device ? deviceTitle(device) : undefined) },
    { title: "GFLOP/s", cell: ({ gigaflops, wrong }) => (wrong ? wrongBadge() : bar(gigaflops, fastest)) },
    {
      title: "Of roofline",
      number: true,
      cell: ({ reached }) => (reached === undefined ? undefined : percent(reached)),
    },
    { title: "Measured with", cell: ({ entry }) => [entry.detail, origins[entry.origin]].filter(Boolean).join("; ") },
  ];
  const made = table("All devices by their fastest forward pass", standings, columns);
  made.querySelector("caption")?.append(element("span", { className: "of-bars" }, "; bars are logarithmic"));
  standings.forEach(({ entry }, i) => {
    if (isOwn(entry)) made.querySelectorAll("tbody tr")[i]!.classList.add("own");
  });
  byId("standing").textContent = sentence(standings, shown);
  byId("all").replaceChildren(made);
}

/** Compares the fastest device of the shown result with the others, in a sentence. */
function sentence(standings: readonly Standing[], shown: Entry | undefined): string {
  const counted = standings.filter(({ wrong }) => !wrong);
  const at = counted.findIndex(({ entry }) => entry === shown);
  if (at < 0) return "Run the benchmark, and this device will be among them.";
  const { entry, device } = counted[at]!;
  const [above, below] = [counted[at - 1], counted[at + 1]];
  const nameOf = (other: Standing) => `${other.entry.title}${other.device ? `, ${deviceTitle(other.device)}` : ""}`;
  /** How far one is from a slower one, in words. */
  const distance = (a: Standing, b: Standing, word: string) => {
    const ratio = figure(a.gigaflops / b.gigaflops);
    return ratio === "1" ? "as fast as" : `${ratio} × ${word}`;
  };
  const parts = [
    `${entry.title}, ${deviceTitle(device)}, is number ${at + 1} of ${counted.length}`,
    above && `${distance(above, counted[at]!, "behind")} ${nameOf(above)}`,
    below && `${distance(counted[at]!, below, "ahead of")} ${nameOf(below)}`,
  ];
  return `${parts.filter(Boolean).join(", ")}.`;
}

const wrongBadge = () => element("span", { className: "badge bad" }, "computes wrongly");

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

/** A quantity that charts can show. */
interface Quantity {
  axis: ChartOptions["y"];
  of: (measure: Measure) => number | undefined;
  /** Chooses which of several values of a device at one size is shown. */
  best: (a: number, b: number) => number;
}

const quantities = {
  time: {
    axis: { label: "Milliseconds", log: true, format: figure },
    of: ({ time }) => time?.median,
    best: Math.min,
  },
  speed: {
    axis: { label: "GFLOP/s", log: true, format: figure },
    of: ({ gigaflops }) => gigaflops,
    best: Math.max,
  },
  roofline: {
    axis: { label: "Share of the measured roofline, %", format: figure },
    of: ({ reached }) => (reached === undefined ? undefined : 100 * reached),
    best: Math.max,
  },
} satisfies Record<string, Quantity>;

type QuantityName = keyof typeof quantities;

const topics = [
  { benchmark: "forward", title: "Forward pass" },
  { benchmark: "training", title: "Training step" },
] as const;

const optionsOf = (title: string, { axis }: Quantity): ChartOptions => ({
  description: `${title}: ${axis.label} against the number of points, for all results; the table has the figures.`,
  x: { label: "Points of all clouds together", log: true, format: compact },
  y: axis,
});

/** Charts of all results, for the chosen quantity. */
export class Charts {
  #entries: readonly Entry[] = [];
  #quantity: QuantityName = "time";
  readonly #charts = topics.map((topic) => ({ ...topic, chart: new Chart(optionsOf(topic.title, quantities.time)) }));

  constructor() {
    const cards = this.#charts.map(({ title, chart }) =>
      element("div", { className: "card" }, element("h3", {}, title), chart.element),
    );
    byId("charts").replaceChildren(...cards);
    for (const choice of document.querySelectorAll<HTMLInputElement>("input[name=quantity]")) {
      const choose = () => this.#choose(choice.value as QuantityName);
      choice.addEventListener("change", choose);
      // The browser keeps the choice when the page is reloaded.
      if (choice.checked) choose();
    }
  }

  /** Draws lines of the largest model that all of the user's entries have; without such entries, of the published figures' model. */
  show(entries: readonly Entry[]): void {
    this.#entries = entries;
    const quantity = quantities[this.#quantity];
    for (const { benchmark, chart } of this.#charts) chart.show(seriesOf(entries, benchmark, quantity));
  }

  #choose(name: QuantityName): void {
    this.#quantity = name;
    for (const { title, chart } of this.#charts) chart.options = optionsOf(title, quantities[name]);
    this.show(this.#entries);
  }
}

function seriesOf(entries: readonly Entry[], benchmark: Measure["benchmark"], quantity: Quantity): ChartSeries[] {
  const own = entries.filter(isOwn);
  const channels = own.flatMap(({ measures }) => measures.flatMap((measure) => measure.channels ?? []))[0];
  let colour = 0;
  return entries.flatMap((entry) => {
    const measures = entry.measures.filter((measure) => measure.benchmark === benchmark);
    const drawn = entry.measures.filter((measure) => topics.some((topic) => topic.benchmark === measure.benchmark));
    const names = [...new Set(drawn.map(({ device }) => device))];
    return names.flatMap((device) => {
      // Also where it has no line here, so that it has the same colour in all charts.
      colour++;
      const points = best(
        measures.filter((measure) => measure.device === device),
        quantity,
      );
      if (points.length === 0) return [];
      const ofOther =
        !own.includes(entry) && channels !== undefined && !measures.some((measure) => measure.channels === channels);
      const label = `${entry.title}${device && device !== "cuda" ? `, ${deviceTitle(device)}` : `, ${entry.detail.split(",")[1]?.trim() ?? ""}`}`;
      return [
        {
          label: ofOther ? `${label} (${measures[0]!.channels} channels)` : label,
          colour,
          dashed: !own.includes(entry),
          points,
        },
      ];
    });
  });
}

/** Returns the best value at each number of points. */
function best(measures: readonly Measure[], { of, best }: Quantity) {
  const figures = new Map<number, number>();
  for (const measure of measures) {
    const value = of(measure);
    if (value === undefined || value <= 0) continue;
    const total = measure.clouds * measure.points;
    const before = figures.get(total);
    figures.set(total, before === undefined ? value : best(before, value));
  }
  return [...figures].map(([x, y]) => ({ x, y })).sort((a, b) => a.x - b.x);
}

function compact(points: number): string {
  return points >= 1e6 ? `${figure(points / 1e6)} M` : points >= 1e3 ? `${figure(points / 1e3)} k` : count(points);
}
