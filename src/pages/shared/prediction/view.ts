// Shows the prediction for a sample beside the truth and the error, on a stage; a sequence is shown frame by frame.

import "./prediction.css";
import { type Colour, palette } from "../../../drawing/colours.ts";
import { Chart } from "../chart.ts";
import { byId, element } from "../dom.ts";
import { count, figure, sentence } from "../format.ts";
import { prefersStillness } from "../motion.ts";
import { onTheme } from "../page.ts";
import { reasonOf } from "../reason.ts";
import { colourOfEach, NO_VALUE, paint, type Range } from "../stage/paint.ts";
import { gapsEntry, rampOf } from "../stage/ramp.ts";
import type { Stage } from "../stage/stage.ts";
import type { Preview, PreviewField, PreviewFrame, PreviewValues } from "./protocol.ts";

const sides = ["prediction", "truth", "error"] as const;
type Side = (typeof sides)[number];

const captions: Readonly<Record<Side, string>> = { prediction: "Prediction", truth: "Truth", error: "Error" };
/** The milliseconds for which a frame of a sequence is shown. */
const FRAME_MS = 120;
const RIGHT: Colour = [92, 160, 128];
const WRONG: Colour = [238, 88, 76];

export class PredictionView {
  readonly #canvas = byId<HTMLCanvasElement>("prediction-stage");
  readonly #field = byId<HTMLSelectElement>("prediction-field");
  readonly #slider = byId<HTMLInputElement>("prediction-frame");
  readonly #play = byId<HTMLButtonElement>("prediction-play");
  readonly #errors = new Chart({
    description: "The root mean square error of the prediction at each frame",
    x: { label: "frame", format: count, whole: true },
    y: { label: "error" },
    height: 220,
    legend: "last",
  });
  /** The stage, which is loaded with the first preview. */
  #stage: Promise<Stage<Side>> | undefined;
  #preview: Preview | undefined;
  /** Whether points and frames differ from those on the stage. */
  #isNew = false;
  #playing: ReturnType<typeof setInterval> | undefined;

  constructor() {
    byId("error-chart").append(this.#errors.element);
    this.#field.addEventListener("change", () => void this.#draw());
    this.#slider.addEventListener("input", () => {
      this.#setPlaying(false);
      void this.#draw();
    });
    this.#play.addEventListener("click", () => this.#setPlaying(this.#playing === undefined));
    addEventListener("resize", () => void this.#draw());
  }

  /** @param preview undefined to show nothing */
  show(preview: Preview | undefined): void {
    const before = this.#preview;
    this.#preview = preview;
    this.#setPlaying(false);
    byId("prediction").hidden = preview === undefined;
    if (!preview) return;
    const isNew = before?.sample !== preview.sample || before.frames.length !== preview.frames.length;
    if (isNew) this.#fillControls(preview);
    // One before it may not have been drawn, because the stage was being loaded.
    this.#isNew ||= isNew;
    void this.#draw().then(() => {
      if (preview.frames.length > 1 && !prefersStillness()) this.#setPlaying(true);
    });
  }

  #fillControls({ fields, frames }: Preview): void {
    this.#field.replaceChildren(...fields.map(({ name }, i) => element("option", { value: String(i) }, name)));
    byId("prediction-choice").hidden = fields.length < 2;
    byId("prediction-sequence").hidden = frames.length < 2;
    this.#slider.max = String(frames.length - 1);
    this.#slider.value = "0";
  }

  async #draw(): Promise<void> {
    const preview = this.#preview;
    if (!preview) return;
    const stage = await this.#loadStage();
    if (!stage || this.#preview !== preview) return;
    const { flat, spacing, surface, up, frames, sample, step } = preview;
    const frame = frames[this.#slider.valueAsNumber]!;
    if (this.#isNew) {
      stage.setCloud(frames[0]!.positions, spacing, flat, surface);
      stage.setUp(up);
      stage.camera.home = flat ? { turn: 0, tilt: 0, distance: 3.3 } : { turn: 30, tilt: 20, distance: 3.6 };
      stage.camera.place = stage.camera.home;
    }
    const values = frame.values[this.#chosen]!;
    const field = preview.fields[this.#chosen]!;
    const { name, isClass, range } = field;
    const shown = sides.filter((side) => values[side] !== undefined);
    stage.setSides(shown);
    // The frames of a sequence change at their own pace.
    const smoothly = !this.#isNew && frames.length === 1;
    this.#isNew = false;
    for (const side of shown) {
      const colours = coloursOf(side, values[side]!, { range, isClass, rows: surface?.rows });
      stage.show(side, { colours, positions: frames.length > 1 ? frame.positions : undefined }, smoothly);
    }
    const after = step === undefined ? "" : `, after ${count(step)} steps`;
    byId("prediction-facts").textContent = `${name} of ${sample}${after}`;
    byId("prediction-frame-value").textContent = frame.time === undefined ? "" : count(frame.time);
    this.#showCaptions(stage.panels, values);
    this.#showLegend(field, shown.includes("error"));
    this.#showErrors();
  }

  get #chosen(): number {
    return Math.max(0, this.#field.selectedIndex);
  }

  #showCaptions(panels: readonly { side: Side; x: number; y: number }[], values: PreviewValues): void {
    const { isClass, isWhole } = this.#preview!.fields[this.#chosen]!;
    const texts = panels.map(({ side, x, y }) => {
      const one = isWhole && !isClass ? figure(values[side]![0]!) : "";
      const told = side === "error" && !one ? errorText(values.error!, isClass) : one;
      const caption = element("p", { className: "caption" }, element("strong", {}, captions[side]), ` ${told}`);
      caption.style.left = `${x}px`;
      caption.style.top = `${y}px`;
      return caption;
    });
    byId("prediction-captions").replaceChildren(...texts);
  }

  #showLegend({ range: [low, high], isClass, hasGaps }: PreviewField, hasError: boolean): void {
    const entries: (HTMLElement | string)[] = [];
    if (isClass) {
      entries.push(`Each class has a colour${hasError ? "; red points are of the wrong one" : ""}.`);
    } else {
      entries.push(element("span", {}, hasError ? "prediction and truth " : "prediction ", rampOf([low, high])));
      if (hasError) entries.push(element("span", {}, "error ", rampOf([0, high - low])));
    }
    if (hasGaps) entries.push(gapsEntry(isClass ? "not counted" : "no value"));
    byId("prediction-legend").replaceChildren(...entries);
  }

  /** Shows the error of each frame of a sequence whose truth is known. */
  #showErrors(): void {
    const { frames, fields } = this.#preview!;
    const errorAt = ({ values, time }: PreviewFrame, i: number) => {
      const { error } = values[this.#chosen]!;
      return error ? [{ x: time ?? i, y: rootMeanSquare(error) }] : [];
    };
    const points = frames.flatMap(errorAt);
    byId("error-chart").hidden = points.length < 2;
    if (points.length < 2) return;
    const shown = this.#slider.valueAsNumber;
    this.#errors.show([
      { label: `error of ${fields[this.#chosen]!.name}`, colour: 1, marks: false, points },
      { label: "the frame shown", colour: 2, points: errorAt(frames[shown]!, shown) },
    ]);
  }

  #setPlaying(playing: boolean): void {
    clearInterval(this.#playing);
    this.#playing = undefined;
    this.#play.textContent = playing ? "Stop" : "Play";
    this.#play.setAttribute("aria-pressed", String(playing));
    if (!playing) return;
    this.#playing = setInterval(() => {
      const next = this.#slider.valueAsNumber + 1;
      this.#slider.valueAsNumber = next < (this.#preview?.frames.length ?? 0) ? next : 0;
      void this.#draw();
    }, FRAME_MS);
  }

  /** The stage; undefined where its script does not arrive, of which the page tells: the next drawing tries again. */
  async #loadStage(): Promise<Stage<Side> | undefined> {
    this.#stage ??= this.#startStage();
    try {
      return await this.#stage;
    } catch (error) {
      this.#stage = undefined;
      byId("prediction-facts").textContent = sentence(reasonOf(error));
      return undefined;
    }
  }

  async #startStage(): Promise<Stage<Side>> {
    const { NO_PICTURE, Stage } = await import("../stage/stage.ts").catch((cause: Error) => {
      throw new Error("the drawing could not be loaded; check the connection", { cause });
    });
    const stage = new Stage<Side>(this.#canvas, sides);
    stage.onDraws = () => {
      byId("prediction-picture").textContent = stage.draws ? "" : sentence(NO_PICTURE);
    };
    stage.onDraws();
    void stage.ready().then(() => this.#canvas.classList.remove("unready"));
    onTheme(() => {
      const ground = getComputedStyle(this.#canvas.parentElement!).backgroundColor;
      stage.setColours({ ground, ink: getComputedStyle(document.body).color });
    });
    return stage;
  }
}

/** @param rows the value of each point that is drawn, if that is not the one in its place */
function coloursOf(
  side: Side,
  values: Float32Array,
  { range: [low, high], isClass, rows }: { range: Range; isClass: boolean; rows: Int32Array | undefined },
): Uint8Array {
  const order = rows ?? Int32Array.from(values.keys());
  if (isClass) {
    const colourOf = (value: number) =>
      side === "error" ? (value === 0 ? RIGHT : WRONG) : palette[(3 * value) % palette.length]!;
    return paint(order, (point) => (Number.isNaN(values[point]) ? NO_VALUE : colourOf(values[point]!)));
  }
  return paint(order, colourOfEach(values, side === "error" ? [0, high - low] : [low, high]));
}

/** Where there is no truth, or no prediction, the error is NaN. */
const knownOf = (error: Float32Array) => error.filter((value) => !Number.isNaN(value));

function rootMeanSquare(values: Float32Array): number {
  const known = knownOf(values);
  return Math.sqrt(known.reduce((sum, value) => sum + value * value, 0) / Math.max(1, known.length));
}

function errorText(error: Float32Array, isClass: boolean): string {
  if (!isClass) return `${figure(rootMeanSquare(error))}, root mean square`;
  const known = knownOf(error);
  const wrong = known.reduce((sum, value) => sum + value, 0);
  return `${figure((100 * wrong) / Math.max(1, known.length))} % wrong`;
}
