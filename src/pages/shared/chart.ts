// Line charts, by uPlot. They are redrawn when the colours or the width change.

import "uplot/dist/uPlot.min.css";
// Before uPlot.
import "./language.ts";
import uPlot from "uplot";
import { colourOf, element } from "./dom.ts";
import { figure } from "./format.ts";
import { onTheme } from "./page.ts";

export interface ChartSeries {
  label: string;
  /** Number of one of the styles' series colours, from 1 to 6; 0 is the muted colour. */
  colour: number;
  dashed?: boolean;
  /** Whether the points have marks. Default true. */
  marks?: boolean;
  /** Whether the line is thin, for a series in the background. */
  faint?: boolean;
  points: readonly { x: number; y: number }[];
}

export interface ChartOptions {
  /** What the chart shows, in words, for those who do not see it. */
  description: string;
  /** The x axis; `whole` if only whole numbers are meaningful. */
  x: { label?: string; log?: boolean; whole?: boolean; format?: (value: number) => string };
  /** The y axis; a logarithmic one becomes linear if a value is not positive. */
  y: { label: string; log?: boolean; format?: (value: number) => string };
  height?: number;
  /** Default true: with the values at the pointer. `last`: where nothing is pointed at, with the last value of each line. */
  legend?: boolean | "last";
}

const COLOURS = 6;
/** How lines are drawn, by CSS's names of borders, which the legend uses. */
const DASHES = { solid: [], dashed: [7, 5], dotted: [2, 4] };
/** The possible distances of the ticks on an axis of whole numbers. */
const WHOLE = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((first) => first * 10 ** power)).flat();

/** A chart that fills the width of its parent. */
export class Chart {
  readonly element: HTMLElement;
  readonly #frame = element("div");
  #options: ChartOptions;
  #series: readonly ChartSeries[] = [];
  #plot: uPlot | undefined;
  #width = 0;
  /** Whether the y axis is logarithmic, so that it cannot show 0 and below. */
  #isLog = false;

  constructor(options: ChartOptions) {
    this.#options = options;
    this.element = element("div", { className: "chart", role: "img" }, this.#frame);
    this.options = options;
    new ResizeObserver(([entry]) => {
      const width = Math.floor(entry!.contentRect.width);
      if (width === this.#width) return;
      this.#width = width;
      // If several charts appear together, each is drawn in a task of its own.
      setTimeout(() => this.#draw());
    }).observe(this.element);
    onTheme(() => this.#draw());
    // A GPU that fails takes the drawing with it. The event does not bubble.
    this.#frame.addEventListener("contextrestored", () => this.#draw(), true);
  }

  /** What the chart is of from the next series on. */
  set options(options: ChartOptions) {
    this.#options = options;
    this.element.ariaLabel = options.description;
    this.#clear();
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
    const wasLog = this.#isLog;
    this.#isLog = this.#options.y.log === true && series.every(({ points }) => points.every(({ y }) => y > 0));
    if (same && this.#plot && this.#isLog === wasLog) this.#plot.setData(aligned(series));
    else this.#draw();
  }

  #clear(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #draw(): void {
    if (this.#width < 50) return;
    this.#clear();
    const { x, y, height = 340, legend } = this.#options;
    const axis = {
      stroke: colourOf("--muted"),
      grid: { stroke: colourOf("--line"), width: 1 },
      ticks: { show: false },
    };
    const font = `12px ${getComputedStyle(this.element).fontFamily}`;
    const scale = (log: boolean | undefined) => (log ? { distr: 3 as const, log: 10 as const } : {});
    const values = (format: (value: number) => string) => (_: uPlot, splits: (number | null)[]) =>
      splits.map((value) => (value === null ? "" : format(value)));
    const strokeOf = ({ colour: number }: ChartSeries) =>
      colourOf(number === 0 ? "--muted" : `--series-${((number - 1) % COLOURS) + 1}`);
    const dashOf = ({ dashed, colour }: ChartSeries) => (!dashed ? "solid" : colour > COLOURS ? "dotted" : "dashed");
    const options: uPlot.Options = {
      width: this.#width,
      height,
      scales: { x: { time: false, ...scale(x.log) }, y: scale(this.#isLog) },
      axes: [
        {
          ...axis,
          font,
          labelFont: font,
          label: x.label,
          labelSize: 20,
          size: 32,
          ...(x.whole && { incrs: WHOLE }),
          values: values(x.format ?? figure),
        },
        { ...axis, font, labelFont: font, label: y.label, labelSize: 20, size: 62, values: values(y.format ?? figure) },
      ],
      series: [
        { label: x.label ?? "", value: (_, value) => (value === null ? "" : (x.format ?? figure)(value)) },
        ...this.#series.map((series) => ({
          label: series.label,
          stroke: strokeOf(series),
          width: series.faint ? 1 : 2,
          dash: DASHES[dashOf(series)],
          spanGaps: true,
          points: { show: series.marks ?? true, size: 6, fill: strokeOf(series) },
          value: (plot: uPlot, pointed: number | null, i: number, place: number | null) => {
            const value =
              place === null && legend === "last" ? Array.from(plot.data[i]!).filter(isNumber).at(-1) : pointed;
            return isNumber(value) ? (y.format ?? figure)(value) : "";
          },
        })),
      ],
      legend: {
        show: legend !== false,
        live: this.#width > 500,
        markers: { width: 3, dash: (_, i) => dashOf(this.#series[i - 1]!) },
      },
      cursor: { drag: { setScale: false } },
    };
    this.#plot = new uPlot(options, aligned(this.#series), this.#frame);
  }
}

const isNumber = (value: unknown): value is number => typeof value === "number";

/** Aligns all series to the union of their x values. */
function aligned(series: readonly ChartSeries[]): uPlot.AlignedData {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const columns = series.map(({ points }) => {
    const byX = new Map(points.map(({ x, y }) => [x, y]));
    return xs.map((x) => byX.get(x));
  });
  return [xs, ...columns] as uPlot.AlignedData;
}
