// Line charts, by uPlot. They are redrawn when the colours or the width change.

import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
import { element } from "./dom.ts";
import { figure } from "./format.ts";
import { onTheme } from "./page.ts";

export interface ChartSeries {
  label: string;
  /** Number of one of the styles' series colours, from 1 to 6; 0 is the muted colour. */
  colour: number;
  dashed?: boolean;
  /** Whether the points have marks. Default true. */
  marks?: boolean;
  points: readonly { x: number; y: number }[];
}

export interface ChartOptions {
  /** What the chart shows, in words, for those who do not see it. */
  description: string;
  x: { label: string; log?: boolean; format?: (value: number) => string };
  y: { label: string; log?: boolean; format?: (value: number) => string };
  height?: number;
}

const COLOURS = 6;

/** A chart that fills the width of its parent. */
export class Chart {
  readonly element: HTMLElement;
  readonly #frame = element("div", { className: "chart-frame" });
  readonly #options: ChartOptions;
  #series: readonly ChartSeries[] = [];
  #plot: uPlot | undefined;
  #width = 0;

  constructor(options: ChartOptions) {
    this.#options = options;
    this.element = element("div", { className: "chart", role: "img", ariaLabel: options.description }, this.#frame);
    new ResizeObserver(([entry]) => {
      const width = Math.floor(entry!.contentRect.width);
      if (width === this.#width) return;
      this.#width = width;
      this.#draw();
    }).observe(this.element);
    onTheme(() => this.#draw());
  }

  show(series: readonly ChartSeries[]): void {
    const before = this.#series;
    this.#series = series;
    const same =
      series.length === before.length &&
      series.every(({ label, colour, dashed }, i) => {
        const { label: oldLabel, colour: oldColour, dashed: oldDashed } = before[i]!;
        return label === oldLabel && colour === oldColour && dashed === oldDashed;
      });
    if (same && this.#plot) this.#plot.setData(aligned(series));
    else this.#draw();
  }

  #draw(): void {
    if (this.#width < 50) return;
    this.#plot?.destroy();
    const { x, y, height = 340 } = this.#options;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const font = `12px ${colour("--sans")}`;
    const scale = (log: boolean | undefined) => (log ? { distr: 3 as const, log: 10 as const } : {});
    const values = (format: (value: number) => string) => (_: uPlot, splits: (number | null)[]) =>
      splits.map((value) => (value === null ? "" : format(value)));
    const strokeOf = ({ colour: number }: ChartSeries) =>
      colour(number === 0 ? "--muted" : `--series-${((number - 1) % COLOURS) + 1}`);
    const options: uPlot.Options = {
      width: this.#width,
      height,
      scales: { x: { time: false, ...scale(x.log) }, y: scale(y.log) },
      axes: [
        { ...axis, font, labelFont: font, label: x.label, values: values(x.format ?? figure) },
        { ...axis, font, labelFont: font, label: y.label, size: 62, values: values(y.format ?? figure) },
      ],
      series: [
        { label: x.label, value: (_, value) => (value === null ? "-" : (x.format ?? figure)(value)) },
        ...this.#series.map((series) => ({
          label: series.label,
          stroke: strokeOf(series),
          width: 2,
          dash: series.dashed ? (series.colour > COLOURS ? [2, 4] : [7, 5]) : undefined,
          spanGaps: true,
          points: { show: series.marks ?? true, size: 6, fill: strokeOf(series) },
          value: (_: uPlot, value: number | null) => (value === null ? "-" : (y.format ?? figure)(value)),
        })),
      ],
      legend: {
        live: this.#width > 500,
        markers: { fill: (_, i) => (i > 0 ? strokeOf(this.#series[i - 1]!) : "transparent") },
      },
      cursor: { drag: { setScale: false } },
    };
    this.#plot = new uPlot(options, aligned(this.#series), this.#frame);
  }
}

/** Aligns all series to the union of their x values. */
function aligned(series: readonly ChartSeries[]): uPlot.AlignedData {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const columns = series.map(({ points }) => {
    const byX = new Map(points.map(({ x, y }) => [x, y]));
    return xs.map((x) => byX.get(x));
  });
  return [xs, ...columns] as uPlot.AlignedData;
}
