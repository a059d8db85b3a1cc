// The keyboard on the stage.

import type { Controller } from "./controller.ts";
import { defaults } from "./settings.ts";
import type { ExplorerStage } from "./sides.ts";

const DEGREES = 8;
const ZOOM = 1.12;

export function connectKeys(canvas: HTMLCanvasElement, stage: ExplorerStage, controller: Controller): void {
  const move = (turn: number, tilt: number, zoom: number) => {
    const { camera } = stage;
    stage.setCamera({ turn: camera.turn + turn, tilt: camera.tilt + tilt, distance: camera.distance * zoom });
  };
  const level = (by: number) => {
    const most = controller.settings.levels - 1;
    void controller.change({ level: Math.max(0, Math.min(most, controller.settings.level + by)) });
  };
  const point = (by: number) => {
    const { cloud, settings } = controller;
    if (!cloud) return;
    const from = settings.point ?? (by > 0 ? -1 : 0);
    void controller.change({ point: (from + by + cloud.points) % cloud.points });
  };
  const actions: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => move(-DEGREES, 0, 1),
    ArrowRight: () => move(DEGREES, 0, 1),
    ArrowUp: () => move(0, DEGREES, 1),
    ArrowDown: () => move(0, -DEGREES, 1),
    "+": () => move(0, 0, 1 / ZOOM),
    "=": () => move(0, 0, 1 / ZOOM),
    "-": () => move(0, 0, ZOOM),
    Home: () => {
      stage.centre();
      stage.setCamera(defaults);
    },
    "[": () => level(-1),
    "]": () => level(1),
    n: () => point(1),
    N: () => point(-1),
    Escape: () => void controller.change({ point: undefined }),
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  });
}
