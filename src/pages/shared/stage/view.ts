// One of a stage's drawings: points, spheres around balls, a graph's edges, and a ring around one point.

import { BufferGeometry, LineBasicMaterial, LineSegments, Scene } from "three";
import { CloudPoints } from "./points.ts";
import { BallSpheres } from "./spheres.ts";

export interface View {
  scene: Scene;
  points: CloudPoints;
  spheres: BallSpheres;
  mark: BallSpheres;
  lines: LineSegments<BufferGeometry, LineBasicMaterial>;
}

export function makeView(): View {
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
