// The explorer's own keys on the stage, besides those that move the camera.

import { connectKeys } from "../shared/stage/keys.ts";
import type { Controller } from "./controller.ts";

export function connectExplorerKeys(canvas: HTMLCanvasElement, controller: Controller): void {
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
  connectKeys(canvas, {
    "[": () => level(-1),
    "]": () => level(1),
    n: () => point(1),
    N: () => point(-1),
    Escape: () => void controller.change({ point: undefined }),
  });
}
