// The stage: several drawings of a cloud side by side, seen by one camera, so that they turn together.

import {
  BufferAttribute,
  BufferGeometry,
  Color,
  ColorManagement,
  LinearSRGBColorSpace,
  LineBasicMaterial,
  LineSegments,
  PerspectiveCamera,
  Scene,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { Detail } from "./detail.ts";
import { connectKeys } from "./keys.ts";
import { CloudPoints, type PointDrawing, slicesOf } from "./points.ts";
import { BallSpheres } from "./spheres.ts";

// Colours are shown as they are given.
ColorManagement.enabled = false;

/** Where the camera is: turned about the upright axis and tilted, in degrees; its distance, 1 being the cloud's radius. */
export interface CameraPlace {
  turn: number;
  tilt: number;
  distance: number;
}

interface View {
  scene: Scene;
  points: CloudPoints;
  spheres: BallSpheres;
  mark: BallSpheres;
  lines: LineSegments<BufferGeometry, LineBasicMaterial>;
}

const FIELD_OF_VIEW = 35;
/** A click that moves farther than this many pixels is a turn. */
const CLICK_PIXELS = 6;
/** How far from a point a click may be, in pixels. */
const PICK_PIXELS = 12;
const AT_REST_MS = 160;
/** Why there is no picture, as part of a sentence. */
export const NO_PICTURE =
  "there is no picture, because this browser offers no WebGL, or has stopped it after a failure of the GPU; reloading the page may bring it back";
/** What one press of a key turns and zooms. */
const KEY_DEGREES = 8;
const KEY_ZOOM = 1.12;

/** `Side` is the union of its drawings' names. */
export class Stage<Side extends string> {
  readonly #canvas: HTMLCanvasElement;
  /** Undefined where the browser has no WebGL: nothing is drawn then, but all else works. */
  readonly #renderer: WebGLRenderer | undefined;
  readonly #camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.01, 200);
  readonly #controls: OrbitControls;
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
  #flight: { from: CameraPlace; to: CameraPlace; began: number; duration: number } | undefined;
  /** Where the key Home leads the camera. */
  home: CameraPlace = { turn: 0, tilt: 0, distance: 3 };
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
    this.#software = this.#renderer !== undefined && drawsInSoftware(this.#renderer.getContext());
    this.#detail = new Detail(this.#software);
    this.#views = Object.fromEntries(sides.map((side) => [side, makeView()])) as Record<Side, View>;
    this.#controls = new OrbitControls(this.#camera, canvas);
    this.#controls.enableDamping = true;
    this.#controls.dampingFactor = 0.12;
    this.#controls.minDistance = 0.05;
    this.#controls.maxDistance = 50;
    this.#controls.addEventListener("change", () => this.#moved());
    this.#controls.addEventListener("start", () => {
      this.#flight = undefined;
    });
    this.#listenForClicks();
    this.#listenForKeys();
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("webglcontextlost", () => this.onDraws());
    canvas.addEventListener("webglcontextrestored", () => {
      // The renderer begins anew with a black ground.
      this.#renderer?.setClearColor(this.#ground, 1);
      this.onDraws();
      this.draw();
    });
    this.setCamera(this.home);
    const compiling = this.#all.map(({ scene }) => this.#renderer?.compileAsync(scene, this.#camera));
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

  /** @param positions [points, 3] within the unit sphere @param spacing the distance of neighbouring points */
  setCloud(positions: Float32Array, spacing: number, flat: boolean): void {
    const home = slicesOf(positions, 3);
    this.#radius = Math.max(0.0025, Math.min(0.035, spacing * 0.85));
    for (const { points } of this.#all) points.setCloud(positions, home, 2 * this.#radius, flat);
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

  get camera(): CameraPlace {
    const offset = this.#camera.position.clone().sub(this.#controls.target);
    const distance = offset.length();
    return {
      turn: (Math.atan2(offset.x, offset.z) * 180) / Math.PI,
      tilt: (Math.asin(Math.max(-1, Math.min(1, offset.y / distance))) * 180) / Math.PI,
      distance,
    };
  }

  setCamera({ turn, tilt, distance }: CameraPlace): void {
    const [around, up] = [(turn * Math.PI) / 180, (Math.max(-89, Math.min(89, tilt)) * Math.PI) / 180];
    this.#camera.position
      .set(Math.sin(around) * Math.cos(up), Math.sin(up), Math.cos(around) * Math.cos(up))
      .multiplyScalar(distance)
      .add(this.#controls.target);
    this.#controls.update();
    this.draw();
  }

  /** Looks at the middle again. */
  centre(): void {
    this.#controls.target.set(0, 0, 0);
  }

  /** Moves the camera to a position within a given number of milliseconds; at once for visitors who prefer reduced motion. */
  fly(to: CameraPlace, duration = 1600): void {
    if (prefersStillness()) this.setCamera(to);
    else this.#flight = { from: this.camera, to, began: performance.now(), duration };
    this.draw();
  }

  /** Rotates continuously, by this many degrees per second; 0 to stop. */
  setTurning(degreesPerSecond: number): void {
    this.#controls.autoRotate = degreesPerSecond !== 0;
    // Three's speed of 1 is a turn in a minute.
    this.#controls.autoRotateSpeed = -degreesPerSecond / 6;
    this.draw();
  }

  /**
   * Resolves when the first frame is drawn, which may take seconds without a GPU: if the canvas is shown before, the page waits for
   * it.
   */
  async ready(): Promise<void> {
    await this.#compiled;
    await new Promise(requestAnimationFrame);
    const context = this.#renderer?.getContext();
    if (!(context instanceof WebGL2RenderingContext)) return;
    const fence = context.fenceSync(context.SYNC_GPU_COMMANDS_COMPLETE, 0);
    context.flush();
    if (!fence) return;
    while (context.getSyncParameter(fence, context.SYNC_STATUS) === context.UNSIGNALED) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    context.deleteSync(fence);
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
    this.#aim(panel.width, panel.height);
    scene.updateMatrixWorld();
    const matrix = this.#camera.projectionMatrix.clone().multiply(this.#camera.matrixWorldInverse);
    matrix.multiply(scene.matrixWorld);
    const e = matrix.elements;
    const { places } = points;
    const count = Math.min(most, places.length / 3);
    const projected = new Float32Array(3 * count);
    for (let at = 0; at < 3 * count; at += 3) {
      const [x, y, z] = [places[at], places[at + 1], places[at + 2]];
      const w = e[3] * x + e[7] * y + e[11] * z + e[15];
      projected[at] = ((e[0] * x + e[4] * y + e[8] * z + e[12]) / w / 2 + 0.5) * panel.width;
      projected[at + 1] = (0.5 - (e[1] * x + e[5] * y + e[9] * z + e[13]) / w / 2) * panel.height;
      projected[at + 2] = w;
    }
    return projected;
  }

  /** How many pixels of the page a point is wide at a depth of 1. */
  pointPixels(panelHeight: number): number {
    return (2 * this.#radius * panelHeight) / 2 / Math.tan((FIELD_OF_VIEW * Math.PI) / 360);
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
    this.#advanceFlight(now);
    let moving = this.#controls.update() || this.#flight !== undefined;
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
    // Transparent objects must be drawn last, so if there are any, everything is drawn in one frame.
    const through = this.#sides.some((side) => this.#views[side].spheres.object.visible);
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
      this.#aim(panel.width, panel.height);
      const share = this.#sides.length;
      const first = Math.floor(from / share);
      points.setRange(first, Math.ceil((to - from) / share));
      const { uniforms } = points.material;
      const distance = this.#camera.position.distanceTo(this.#controls.target);
      uniforms.depths.value = [distance - 0.6, distance + 1.1];
      // Where a moving frame draws fewer points, each has to cover more.
      const drawn = this.#refined === undefined ? Math.min(points.count, Math.ceil(to / share)) : points.count;
      uniforms.pixels.value =
        ((this.#camera.zoom * panel.height * ratio) / 2 / Math.tan((FIELD_OF_VIEW * Math.PI) / 360)) *
        Math.min(2, Math.sqrt(points.count / Math.max(1, drawn)));
      uniforms.least.value = 1.4 * ratio;
      renderer.render(scene, this.#camera);
    }
    this.onFrame();
  }

  /** Of a panel that is higher than wide the width has to hold the cloud. */
  #aim(width: number, height: number): void {
    this.#camera.aspect = width / Math.max(1, height);
    this.#camera.zoom = Math.min(1, this.#camera.aspect);
    this.#camera.updateProjectionMatrix();
    this.#camera.updateMatrixWorld();
  }

  #advanceFlight(now: number): void {
    if (!this.#flight) return;
    const { from, to, began, duration } = this.#flight;
    const share = Math.min(1, Math.max(0, (now - began) / duration));
    const eased = share * share * (3 - 2 * share);
    const between = (name: keyof CameraPlace) => from[name] + (to[name] - from[name]) * eased;
    if (share === 1) this.#flight = undefined;
    this.setCamera({ turn: between("turn"), tilt: between("tilt"), distance: between("distance") });
  }

  #listenForKeys(): void {
    const move = (turnBy: number, tiltBy: number, zoom: number) => {
      const { turn, tilt, distance } = this.camera;
      this.setCamera({ turn: turn + turnBy, tilt: tilt + tiltBy, distance: distance * zoom });
    };
    connectKeys(this.#canvas, {
      ArrowLeft: () => move(-KEY_DEGREES, 0, 1),
      ArrowRight: () => move(KEY_DEGREES, 0, 1),
      ArrowUp: () => move(0, KEY_DEGREES, 1),
      ArrowDown: () => move(0, -KEY_DEGREES, 1),
      "+": () => move(0, 0, 1 / KEY_ZOOM),
      "=": () => move(0, 0, 1 / KEY_ZOOM),
      "-": () => move(0, 0, KEY_ZOOM),
      Home: () => {
        this.centre();
        this.setCamera(this.home);
      },
    });
  }

  #listenForClicks(): void {
    let down: { x: number; y: number } | undefined;
    this.#canvas.addEventListener("pointerdown", ({ isPrimary, button, offsetX: x, offsetY: y }) => {
      down = isPrimary && button === 0 ? { x, y } : undefined;
    });
    this.#canvas.addEventListener("pointerup", ({ offsetX: x, offsetY: y }) => {
      if (down && Math.hypot(x - down.x, y - down.y) <= CLICK_PIXELS) this.onPick(this.#pick(x, y));
      down = undefined;
    });
  }

  /** The point that a click means: of those near it the nearest to the camera, unless others are much nearer to the click. */
  #pick(x: number, y: number): number | undefined {
    const panel = this.panels.find(
      (one) => x >= one.x && x < one.x + one.width && y >= one.y && y < one.y + one.height,
    );
    if (!panel) return undefined;
    const projected = this.project(panel.side, Number.POSITIVE_INFINITY);
    const pixels = this.pointPixels(panel.height * Math.min(1, panel.width / panel.height));
    let best: number | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let at = 0; at < projected.length; at += 3) {
      const away = Math.hypot(projected[at] + panel.x - x, projected[at + 1] + panel.y - y);
      const depth = projected[at + 2];
      if (away > PICK_PIXELS || depth <= 0) continue;
      // Within its own disc a point counts by its depth alone.
      const beside = Math.max(0, away - pixels / depth / 2) / PICK_PIXELS;
      const cost = depth + 0.6 * beside;
      if (cost < least) [least, best] = [cost, at / 3];
    }
    return best;
  }
}

function makeView(): View {
  const scene = new Scene();
  const points = new CloudPoints();
  const spheres = new BallSpheres();
  const mark = new BallSpheres();
  mark.object.renderOrder = 3;
  mark.object.material.depthTest = false;
  const lines = new LineSegments(new BufferGeometry(), new LineBasicMaterial({ transparent: true, opacity: 0.6 }));
  lines.frustumCulled = false;
  lines.visible = false;
  scene.add(points.object, lines, spheres.object, mark.object);
  return { scene, points, spheres, mark, lines };
}

function makeRenderer(canvas: HTMLCanvasElement): WebGLRenderer | undefined {
  try {
    // What is drawn stays, so that frames can add to it.
    const renderer = new WebGLRenderer({ canvas, antialias: false, preserveDrawingBuffer: true });
    renderer.autoClear = false;
    // A query for errors waits for the compiler.
    renderer.debug.checkShaderErrors = false;
    renderer.outputColorSpace = LinearSRGBColorSpace;
    return renderer;
  } catch {
    return undefined;
  }
}

function drawsInSoftware(context: WebGLRenderingContext | WebGL2RenderingContext): boolean {
  const names = context.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(context.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : context.RENDERER));
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer);
}

const prefersStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
