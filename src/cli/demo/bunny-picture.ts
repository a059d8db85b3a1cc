// Draws the demonstration's picture: the balls of the model on the bunny's surface.

import { ballOfEachPoint } from "../../balltree/balls.ts";
import type { TriangleMesh } from "../../drawing/normals.ts";
import { sampleSurface } from "../../drawing/surface.ts";
import { readmeModel } from "../../erwin/presets.ts";
import { buildBallTree } from "../../index.ts";
import { drawBalls, type PictureRow } from "../pictures/balls.ts";
import { formatCount } from "../text.ts";

/** A power of two: every ball of the picture is full. */
const picturePoints = 16384;
/** Trees do not depend on the number of channels. */
const config = readmeModel(32);
const pictureLevels = [0, 2, 4];

/** Returns the picture as SVG. */
export async function drawBunny(mesh: TriangleMesh, threads?: number): Promise<string> {
  const { dimensionality, strides, ballSizes, rotate } = config;
  const { positions, normals } = sampleSurface(mesh, picturePoints, 0);
  const tree = await buildBallTree(positions, { dimensionality, strides, ballSizes, rotate, threads });
  const row = (title: string, explanation: string, rotated: boolean): PictureRow => ({
    title,
    explanation,
    panels: pictureLevels.map((level) => {
      const ballOf = ballOfEachPoint(tree, level, rotated);
      const points = ballSizes[level] * pointsOfNode(level);
      return { title: `Level ${level}: ${picturePoints / points} balls of ${formatCount(points)} points`, ballOf };
    }),
  });
  return drawBalls({
    title: "The Stanford bunny, cut into balls",
    explanation: `${formatCount(picturePoints)} points on its surface. Each colour is one ball: points that attend to one another. Higher levels have larger balls of coarser nodes.`,
    positions,
    normals,
    rows: [
      row("The ball tree", "Every ball is halved where it is longest, down to balls of two points.", false),
      row(
        `The same points, turned by ${rotate}° before they are cut`,
        "Every second block attends inside these balls: what one partition separates, the other brings together.",
        true,
      ),
    ],
  });
}

/** The number of points in a node of a level. */
function pointsOfNode(level: number): number {
  return config.strides.slice(0, level).reduce((product, stride) => product * stride, 1);
}
