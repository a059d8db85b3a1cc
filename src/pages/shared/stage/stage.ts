// The stage: several drawings of a cloud side by side, seen by one camera, so that they turn together.

import { BufferAttribute, BufferGeometry, Color, ColorManagement, type WebGLRenderer } from "three";
import { prefersStillness } from "../motion.ts";
import { HEIGHT_AT_1, StageCamera } from "./camera.ts";
import { Detail } from "./detail.ts";
import { listenForClicks, pointAt } from "./pick.ts";
import { type PointDrawing, slicesOf } from "./points.ts";
import { drawn, drawsInSoftware, makeRenderer } from "./renderer.ts";
import type { Surface } from "./surface.ts";
import { makeView, type View } from "./view.ts";

// Colours are shown as they are given.
ColorManagement.enabled = false;

const AT_REST_MS = 160;
/** Why there is no picture, as part of a sentence. */
export const NO_PICTURE =
  "there is no picture, because this browser offers no WebGL, or has stopped it after a failure of the GPU; reloading the page may bring it back";

/** `Side` is the union of its drawings' names. */
export class Stage<Side extends string> {
  readonly #canvas: HTMLCanvasElement;
  /** Undefined where the browser has no WebGL: nothing is drawn then, but all else works. */
  readonly #renderer: WebGLRenderer | undefined;
  readonly camera: StageCamera;
  readonly #views: Readonly<Record<Side, View>>;
  readonly #detail: Detail;
  /** Whether the processor draws, in place of a GPU. */
  readonly #software: boolean;
  #sides: readonly Side[];
  /** Resolves when the shaders are compiled. Nothing is drawn before, because a draw call waits for the compiler. */
  readonly #compiled: Promise<unknown>;
  #isCompiled = false;
  #ground = new Color();
  /** The colour of what is drawn over the points. */
  #ink = Uint8Array.of(255, 255, 255);
  #radius = 0.01;
  #frame = 0;
  /** Points that are drawn since the last clearing; undefined while things move. */
  #refined: number | undefined;
  #lastMove = 0;
  /** Called at a click on a point, with its place in the drawing; undefined beside all points. */
  onPick: (place: number | undefined) => void = () => {};
  /** Called when nothing moves any more. */
  onRest: () => void = () => {};
  /** Called after each frame. */
  onFrame: () => void = () => {};
  /** Called when the browser takes the picture away, because the GPU has failed, and when it gives it back; see `draws`. */
  onDraws: () => void = () => {};

  /** @param sides all drawings, from left to right; initially all are shown */
  constructor(canvas: HTMLCanvasElement, sides: readonly Side[]) {
    this.#canvas = canvas;
    this.#sides = sides;
    // Its keys are its own.
    canvas.setAttribute("role", "application");
    this.#renderer = makeRenderer(canvas);
    this.#software = this.#renderer !== undefined && drawsInSoftware(this.#renderer);
    this.#detail = new Detail(this.#software);
    this.#views = Object.fromEntries(sides.map((side) => [side, makeView()])) as Record<Side, View>;
    this.camera = new StageCamera(canvas, () => this.#moved());
    listenForClicks(canvas, (x, y) => this.onPick(this.#pick(x, y)));
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("webglcontextlost", () => this.onDraws());
    canvas.addEventListener("webglcontextrestored", () => {
      // The renderer begins anew with a black ground.
      this.#renderer?.setClearColor(this.#ground, 1);
      this.onDraws();
      this.draw();
    });
    const compiling = this.#all.map(({ scene }) => this.#renderer?.compileAsync(scene, this.camera.perspective));
    this.#compiled = Promise.all(compiling).then(() => {
      this.#isCompiled = true;
      this.draw();
    });
  }

  get #all(): View[] {
    return Object.values(this.#views);
  }

  /** Whether there is a picture: not without WebGL, nor after the browser has taken it away. */
  get draws(): boolean {
    return this.#renderer !== undefined && !this.#renderer.getContext().isContextLost();
  }

  /**
   * @param positions [points, 3] within the unit sphere
   * @param spacing the distance of neighbouring points
   * @param surface that is drawn between the points in place of them
   */
  setCloud(positions: Float32Array, spacing: number, flat: boolean, surface?: Surface): void {
    const home = slicesOf(positions, 3, surface && positions.length / 3);
    this.#radius = Math.max(0.0025, Math.min(0.035, spacing * 0.85));
    for (const { points } of this.#all) points.setCloud(positions, home, { size: 2 * this.#radius, flat, surface });
    this.draw();
  }

  show(side: Side, drawing: PointDrawing, smoothly = true): void {
    this.#views[side].points.show(drawing, smoothly && !prefersStillness() ? performance.now() : undefined);
    this.#moved();
  }

  showSpheres(side: Side, spheres: Float32Array | undefined, colours?: Uint8Array): void {
    this.#views[side].spheres.show(spheres, colours);
    this.draw();
  }

  /** @param lines [edges, 2, 3]; undefined for none */
  showLines(lines: Float32Array | undefined): void {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(lines ?? new Float32Array(), 3));
    this.#all[0].lines.geometry.dispose();
    for (const view of this.#all) {
      view.lines.geometry = geometry;
      view.lines.visible = lines !== undefined;
    }
    this.draw();
  }

  /** Rings a point, by its place in the drawing. */
  mark(place: number | undefined): void {
    for (const { points, mark } of this.#all) {
      const at = place === undefined ? undefined : points.places.subarray(3 * place, 3 * place + 3);
      mark.show(at && Float32Array.of(...at, Math.max(0.022, 2.2 * this.#radius)), this.#ink);
    }
    this.draw();
  }

  /** Shows only these drawings. */
  setSides(sides: readonly Side[]): void {
    this.#sides = sides;
    this.draw();
  }

  setColours({ ground, ink }: { ground: string; ink: string }): void {
    const colour = new Color(ground);
    this.#ground = colour;
    this.#ink = Uint8Array.from(new Color(ink).toArray(), (part) => Math.round(255 * part));
    this.#renderer?.setClearColor(colour, 1);
    for (const { points, spheres, lines, mark } of this.#all) {
      points.material.uniforms.ground.value = colour;
      spheres.object.material.uniforms.ground.value = colour;
      mark.object.material.uniforms.strength.value = 1.6;
      lines.material.color = new Color(ink);
    }
    this.draw();
  }

  /** Which way of the points is up on the stage. */
  setUp(up: "y" | "z"): void {
    for (const { scene } of this.#all) scene.rotation.x = up === "z" ? -Math.PI / 2 : 0;
    this.draw();
  }

  /**
   * Resolves when the first frame is drawn, which may take seconds without a GPU: if the canvas is shown before, the page waits for
   * it.
   */
  async ready(): Promise<void> {
    await this.#compiled;
    await new Promise(requestAnimationFrame);
    if (this.#renderer) await drawn(this.#renderer);
  }

  /** Returns the current picture, at least this many pixels wide. @throws Error where the browser makes none */
  async picture(width: number): Promise<Blob> {
    if (!this.draws) throw new Error(`${NO_PICTURE}; it can be saved as SVG`);
    const { clientWidth } = this.#canvas;
    this.#render(Math.max(1, width / Math.max(1, clientWidth)), 0, Number.POSITIVE_INFINITY);
    const blob = await new Promise<Blob | null>((resolve) => this.#canvas.toBlob(resolve, "image/png"));
    this.draw();
    if (!blob) throw new Error("the browser made no picture, probably for lack of memory: save it as SVG");
    return blob;
  }

  /** The sides that are shown and the part of the canvas that each has, in pixels of the page, from the upper left. */
  get panels(): { side: Side; x: number; y: number; width: number; height: number }[] {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const count = this.#sides.length;
    const across = width >= height;
    return this.#sides.map((side, i) => ({
      side,
      x: across ? (i * width) / count : 0,
      y: across ? 0 : (i * height) / count,
      width: across ? width / count : width,
      height: across ? height : height / count,
    }));
  }

  /** [points, 3] In pixels from the upper left of the side's panel, and the depth from 0, nearest, to 1; in the drawing's order. */
  project(side: Side, most: number): Float32Array {
    const panel = this.panels.find((one) => one.side === side) ?? this.panels[0];
    const { scene, points } = this.#views[side];
    return this.camera.project(scene, points.places, most, panel);
  }

  /** How many pixels of the page a point is wide at a depth of 1. */
  pointPixels(panelHeight: number): number {
    return (2 * this.#radius * panelHeight) / HEIGHT_AT_1;
  }

  /** [points, 4] */
  colours(side: Side): Uint8Array {
    return this.#views[side].points.colours;
  }

  /** Draws a frame soon. */
  draw(): void {
    this.#refined = undefined;
    if (this.#frame === 0 && this.#isCompiled) this.#frame = requestAnimationFrame((now) => this.#step(now));
  }

  #moved(): void {
    this.#lastMove = performance.now();
    this.draw();
  }

  #step(now: number): void {
    let moving = this.camera.advance(now);
    for (const { points } of this.#all) moving = points.advance(now) || moving;
    if (moving) this.#lastMove = performance.now();
    this.#detail.frame(now);
    let goesOn = true;
    if (performance.now() - this.#lastMove < AT_REST_MS) {
      this.#refined = undefined;
      this.#render(this.#pixelRatio(false), 0, this.#detail.budget);
    } else {
      if (this.#refined === undefined) this.onRest();
      goesOn = this.#refine();
    }
    // Only here: what was asked for during the step, such as by the controls, is what the step has drawn.
    this.#frame = goesOn ? requestAnimationFrame((next) => this.#step(next)) : 0;
    if (!goesOn) this.#detail.rest();
  }

  /** Adds points that the moving frames left out. Returns whether some are left. */
  #refine(): boolean {
    const from = this.#refined ?? 0;
    // Transparent objects must be drawn last, so if there are any, everything is drawn in one frame; and so is a surface.
    const through = this.#sides.some((side) => {
      const { spheres, points } = this.#views[side];
      return spheres.object.visible || points.areSurface;
    });
    const to = through ? Number.POSITIVE_INFINITY : from + this.#detail.budget;
    this.#refined = to;
    this.#render(this.#pixelRatio(true), from, to);
    return to < Math.max(...this.#sides.map((side) => this.#views[side].points.count * this.#sides.length));
  }

  /** More pixels than the screen has smooth the points' edges, where a GPU has time for it. */
  #pixelRatio(atRest: boolean): number {
    const own = Math.min(2, devicePixelRatio || 1);
    if (this.#software) return 1;
    return atRest ? Math.max(2, own) : own;
  }

  /** @param from, to which points are drawn, of all views together; from 0 on the stage is cleared before */
  #render(ratio: number, from: number, to: number): void {
    const renderer = this.#renderer;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!renderer || width === 0 || height === 0) return;
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== columns || this.#canvas.height !== rows) {
      renderer.setPixelRatio(ratio);
      renderer.setSize(width, height, false);
      from = 0;
    }
    renderer.setScissorTest(true);
    for (const { side, ...panel } of this.panels) {
      const { scene, points } = this.#views[side];
      const bottom = height - panel.y - panel.height;
      renderer.setViewport(panel.x, bottom, panel.width, panel.height);
      renderer.setScissor(panel.x, bottom, panel.width, panel.height);
      if (from === 0) renderer.clear();
      this.camera.aim(panel.width, panel.height);
      const share = this.#sides.length;
      const first = Math.floor(from / share);
      points.setRange(first, Math.ceil((to - from) / share));
      const { uniforms } = points.material;
      const { distance } = this.camera;
      uniforms.depths.value = [distance - 0.6, distance + 1.1];
      // Where a moving frame draws fewer points, each has to cover more.
      const drawn = this.#refined === undefined ? Math.min(points.count, Math.ceil(to / share)) : points.count;
      uniforms.pixels.value =
        ((this.camera.perspective.zoom * panel.height * ratio) / HEIGHT_AT_1) *
        Math.min(2, Math.sqrt(points.count / Math.max(1, drawn)));
      uniforms.least.value = 1.4 * ratio;
      renderer.render(scene, this.camera.perspective);
    }
    this.onFrame();
  }

  /** The point that a click means: of those near it the nearest to the camera, unless others are much nearer to the click. */
  #pick(x: number, y: number): number | undefined {
    const panel = this.panels.find(
      (one) => x >= one.x && x < one.x + one.width && y >= one.y && y < one.y + one.height,
    );
    if (!panel) return undefined;
    const projected = this.project(panel.side, Number.POSITIVE_INFINITY);
    const pixels = this.pointPixels(panel.height * Math.min(1, panel.width / panel.height));
    return pointAt(x - panel.x, y - panel.y, projected, pixels);
  }
}
