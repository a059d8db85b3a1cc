// The button that lets the cloud turn.

import { byId } from "../shared/dom.ts";
import type { ExplorerStage } from "./sides.ts";

const DEGREES_PER_SECOND = 20;

export function connectTurning(stage: ExplorerStage): void {
  const button = byId("turning");
  button.addEventListener("click", () => setTurning(stage, button.getAttribute("aria-pressed") !== "true"));
}

export function setTurning(stage: ExplorerStage, turning: boolean): void {
  byId("turning").setAttribute("aria-pressed", String(turning));
  stage.camera.setTurning(turning ? DEGREES_PER_SECOND : 0);
}
