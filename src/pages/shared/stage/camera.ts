// The camera that sees all drawings of a stage: turned by mouse and touch, by keys, or flown from one place to another.

import { type Object3D, PerspectiveCamera } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { prefersStillness } from "../motion.ts";
import { connectKeys } from "./keys.ts";

/** Where the camera is: turned about the upright axis and tilted, in degrees; its distance, 1 being the cloud's radius. */
export interface CameraPlace {
  turn: number;
  tilt: number;
  distance: number;
}

const FIELD_OF_VIEW = 35;
/** How many of its own distances a picture is high. */
export const HEIGHT_AT_1 = 2 * Math.tan((FIELD_OF_VIEW * Math.PI) / 360);
/** What one press of a key turns and zooms. */
const KEY_DEGREES = 8;
const KEY_ZOOM = 1.12;

export class StageCamera {
  readonly perspective = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.01, 200);
  readonly #controls: OrbitControls;
  #flight: { from: CameraPlace; to: CameraPlace; began: number; duration: number } | undefined;
  /** Where the key Home leads. */
  home: CameraPlace = { turn: 0, tilt: 0, distance: 3 };
  /** Called when it shows something else. */
  readonly #onMove: () => void;

  constructor(canvas: HTMLCanvasElement, onMove: () => void) {
    this.#onMove = onMove;
    this.#controls = new OrbitControls(this.perspective, canvas);
    this.#controls.enableDamping = true;
    this.#controls.dampingFactor = 0.12;
    this.#controls.minDistance = 0.05;
    this.#controls.maxDistance = 50;
    this.#controls.addEventListener("change", onMove);
    this.#controls.addEventListener("start", () => {
      this.#flight = undefined;
    });
    this.#listenForKeys(canvas);
    this.place = this.home;
  }

  get place(): CameraPlace {
    const offset = this.perspective.position.clone().sub(this.#controls.target);
    const distance = offset.length();
    return {
      turn: (Math.atan2(offset.x, offset.z) * 180) / Math.PI,
      tilt: (Math.asin(Math.max(-1, Math.min(1, offset.y / distance))) * 180) / Math.PI,
      distance,
    };
  }

  set place({ turn, tilt, distance }: CameraPlace) {
    const [around, up] = [(turn * Math.PI) / 180, (Math.max(-89, Math.min(89, tilt)) * Math.PI) / 180];
    this.perspective.position
      .set(Math.sin(around) * Math.cos(up), Math.sin(up), Math.cos(around) * Math.cos(up))
      .multiplyScalar(distance)
      .add(this.#controls.target);
    this.#controls.update();
    this.#onMove();
  }

  /** From what it looks at. */
  get distance(): number {
    return this.perspective.position.distanceTo(this.#controls.target);
  }

  /** Looks at the middle again. */
  centre(): void {
    this.#controls.target.set(0, 0, 0);
  }

  /** Moves to a place within a given number of milliseconds; at once for visitors who prefer reduced motion. */
  fly(to: CameraPlace, duration = 1600): void {
    if (prefersStillness()) this.place = to;
    else this.#flight = { from: this.place, to, began: performance.now(), duration };
    this.#onMove();
  }

  /** Rotates continuously, by this many degrees per second; 0 to stop. */
  setTurning(degreesPerSecond: number): void {
    this.#controls.autoRotate = degreesPerSecond !== 0;
    // Three's speed of 1 is a turn in a minute.
    this.#controls.autoRotateSpeed = -degreesPerSecond / 6;
    this.#onMove();
  }

  /** Moves on to where it is at this time. Returns whether it moves. */
  advance(now: number): boolean {
    this.#advanceFlight(now);
    return this.#controls.update() || this.#flight !== undefined;
  }

  /** Shapes the picture for a panel: if that is higher than wide, its width has to hold the cloud. */
  aim(width: number, height: number): void {
    this.perspective.aspect = width / Math.max(1, height);
    this.perspective.zoom = Math.min(1, this.perspective.aspect);
    this.perspective.updateProjectionMatrix();
    this.perspective.updateMatrixWorld();
  }

  /**
   * @param object what the places are of
   * @param places [points, 3]
   * @returns [points, 3] in pixels from the upper left of a panel, and the depth; of the first points, `most` at most
   */
  project(
    object: Object3D,
    places: Float32Array,
    most: number,
    panel: { width: number; height: number },
  ): Float32Array {
    this.aim(panel.width, panel.height);
    object.updateMatrixWorld();
    const matrix = this.perspective.projectionMatrix.clone().multiply(this.perspective.matrixWorldInverse);
    matrix.multiply(object.matrixWorld);
    const e = matrix.elements;
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

  #advanceFlight(now: number): void {
    if (!this.#flight) return;
    const { from, to, began, duration } = this.#flight;
    const share = Math.min(1, Math.max(0, (now - began) / duration));
    const eased = share * share * (3 - 2 * share);
    const between = (name: keyof CameraPlace) => from[name] + (to[name] - from[name]) * eased;
    if (share === 1) this.#flight = undefined;
    this.place = { turn: between("turn"), tilt: between("tilt"), distance: between("distance") };
  }

  #listenForKeys(canvas: HTMLCanvasElement): void {
    const move = (turnBy: number, tiltBy: number, zoom: number) => {
      const { turn, tilt, distance } = this.place;
      this.place = { turn: turn + turnBy, tilt: tilt + tiltBy, distance: distance * zoom };
    };
    connectKeys(canvas, {
      ArrowLeft: () => move(-KEY_DEGREES, 0, 1),
      ArrowRight: () => move(KEY_DEGREES, 0, 1),
      ArrowUp: () => move(0, KEY_DEGREES, 1),
      ArrowDown: () => move(0, -KEY_DEGREES, 1),
      "+": () => move(0, 0, 1 / KEY_ZOOM),
      "=": () => move(0, 0, 1 / KEY_ZOOM),
      "-": () => move(0, 0, KEY_ZOOM),
      Home: () => {
        this.centre();
        this.place = this.home;
      },
    });
  }
}
