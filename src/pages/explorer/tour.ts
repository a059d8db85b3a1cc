// The guided tour: a minute that tells the paper's story on the bunny.

import { byId } from "../shared/dom.ts";
import type { CameraPlace } from "../shared/stage/camera.ts";
import type { Controller } from "./controller.ts";
import { defaults, type Settings } from "./settings.ts";
import type { ExplorerStage } from "./sides.ts";
import { setTurning } from "./turning.ts";

interface Step {
  title: string;
  text: string;
  seconds: number;
  camera: Partial<CameraPlace>;
  /** The settings of each scene, with the second of the step at which it begins. */
  scenes: readonly (readonly [second: number, Partial<Settings>])[];
}

const { level, apart, merged, spheres, graph, point, show, ballSize, stride, levels, rotate, blocks, up } = defaults;

/** Settings with which every step begins, so that it looks the same after any other step. */
const base: Partial<Settings> = {
  ...{ level, apart, merged, spheres, graph, point, show, ballSize, stride, levels, rotate, blocks, up },
  ...{ view: "tree", colour: "plain", halvings: 0 },
};

const POINT = 5000;

const steps: readonly Step[] = [
  {
    title: "A cloud of points",
    text: "16,384 points on a bunny. A transformer lets every point attend to every other: 268 million pairs, and four times as many with twice the points.",
    seconds: 8,
    camera: { turn: -24, tilt: 12, distance: 3.3 },
    scenes: [[0, base]],
  },
  {
    title: "A tree of balls",
    text: "Erwin halves the cloud where it is longest, then each half where that is longest, and so on. Sorting a million points like this takes a fraction of a second.",
    seconds: 11,
    camera: { turn: 20, tilt: 10, distance: 3.6 },
    scenes: [1, 2, 3, 4, 5, 6].map((halvings, i) => [
      0.5 + 1.5 * i,
      { ...base, colour: "splits", halvings, apart: true },
    ]),
  },
  {
    title: "Attention inside balls",
    text: "What remains are 64 balls of 256 points. Points attend only within their ball: 4 million pairs in place of 268, and the time grows linearly with the cloud.",
    seconds: 9,
    camera: { turn: -30, tilt: 12, distance: 3.3 },
    scenes: [
      [0, { ...base, colour: "balls" }],
      [3.5, { ...base, colour: "balls", spheres: true }],
    ],
  },
  {
    title: "Coarser and coarser",
    text: "Between levels, two neighbouring nodes merge into one. A ball always holds 256 nodes, so with every level it spans twice as many points.",
    seconds: 10,
    camera: { turn: -60, tilt: 14, distance: 3.3 },
    scenes: [0, 1, 2, 3].map((level, i) => [2.4 * i, { ...base, colour: "balls", level, merged: true }]),
  },
  {
    title: "Turned, then cut again",
    text: "Balls have borders that nothing crosses. So every second block uses another tree, cut after the points are turned by 45°: what one partition separates, the other brings together.",
    seconds: 10,
    camera: { turn: -20, tilt: 12, distance: 3.3 },
    scenes: [[0, { ...base, view: "both", colour: "balls" }]],
  },
  {
    title: "What one point gets to see",
    text: "Follow one point, level by level. On the left without rotation: it sees its ball, and the balls above it. On the right, rotated blocks carry it across the borders.",
    seconds: 12,
    camera: { turn: 10, tilt: 12, distance: 3.3 },
    scenes: [0, 1, 2, 3].map((level, i) => [2.6 * i, { ...base, view: "both", point: POINT, level }]),
  },
];

export class Tour {
  readonly #controller: Controller;
  readonly #stage: ExplorerStage;
  #step = -1;
  /** The seconds since the step began. */
  #elapsed = 0;
  #scene = -1;
  #paused = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #last = 0;

  constructor(controller: Controller, stage: ExplorerStage) {
    this.#controller = controller;
    this.#stage = stage;
    byId("start-tour").addEventListener("click", () => void this.start());
    byId("tour-end").addEventListener("click", () => this.end());
    byId("tour-back").addEventListener("click", () => this.#go(Math.max(0, this.#step - 1)));
    byId("tour-next").addEventListener("click", () => this.#go(this.#step + 1));
    byId("tour-pause").addEventListener("click", () => this.#pause(!this.#paused));
    byId("tour").addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.end();
    });
  }

  async start(): Promise<void> {
    if (this.#controller.hasModel) await this.#controller.openModel(undefined);
    if (!this.#hasItsCloud) await this.#controller.open(defaults.sample, base);
    // It may have failed, or another cloud may have been picked meanwhile.
    if (!this.#hasItsCloud) return;
    byId("tour").hidden = false;
    this.#stage.camera.centre();
    setTurning(this.#stage, false);
    this.#pause(false);
    this.#go(0);
    byId("tour-next").focus();
    this.#last = performance.now();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), 100);
  }

  end(): void {
    clearInterval(this.#timer);
    const tour = byId("tour");
    const hadFocus = tour.contains(document.activeElement);
    tour.hidden = true;
    if (hadFocus) byId("start-tour").focus();
  }

  /** Whether the cloud that the texts are of is open. */
  get #hasItsCloud(): boolean {
    const { settings, cloud } = this.#controller;
    return settings.sample === defaults.sample && cloud?.name === defaults.sample;
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    byId("tour-pause").setAttribute("aria-pressed", String(paused));
  }

  #go(index: number): void {
    if (index >= steps.length) {
      this.end();
      return;
    }
    const step = steps[index];
    [this.#step, this.#elapsed, this.#scene] = [index, 0, -1];
    byId("tour-place").textContent = `${index + 1} of ${steps.length}`;
    byId("tour-title").textContent = step.title;
    byId("tour-text").textContent = step.text;
    byId("tour-next").textContent = index + 1 < steps.length ? "Next" : "Explore";
    const back = byId<HTMLButtonElement>("tour-back");
    // A button that is disabled loses the focus, and the tour with it the keys.
    if (index === 0 && document.activeElement === back) byId("tour-next").focus();
    back.disabled = index === 0;
    this.#stage.camera.fly({ ...this.#stage.camera.place, ...step.camera }, 2500);
    this.#showScene();
  }

  #tick(): void {
    if (!this.#hasItsCloud) {
      this.end();
      return;
    }
    const now = performance.now();
    // Time in a background tab, or during a long computation, does not count.
    const passed = Math.min(0.5, (now - this.#last) / 1000);
    this.#last = now;
    if (this.#paused || document.hidden || this.#controller.isOpening) return;
    this.#elapsed += passed;
    const { seconds } = steps[this.#step];
    byId<HTMLProgressElement>("tour-progress").value = Math.min(1, this.#elapsed / seconds);
    this.#showScene();
    // The last step stays until the user continues.
    if (this.#elapsed >= seconds && this.#step + 1 < steps.length) this.#go(this.#step + 1);
  }

  #showScene(): void {
    const { scenes } = steps[this.#step];
    const scene = scenes.filter(([second]) => second <= this.#elapsed).length - 1;
    if (scene === this.#scene || scene < 0) return;
    this.#scene = scene;
    void this.#controller.change(scenes[scene][1]);
  }
}
