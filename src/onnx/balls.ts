// The balls of an exported graph. The graph does not know about clouds, so all balls of a level have the same size,
// which is correct for some clouds only.

import { expectWhole } from "../arguments/options.ts";
import { treeLevels, treeSlots } from "../balltree/index.ts";
import { ConfigError } from "../errors.ts";
import type { ErwinConfig } from "../erwin/config.ts";

export interface ExportedBalls {
  /** The number of nodes in a ball of each level. */
  balls: number[];
  /** The clouds for which these sizes are correct, in words: "of 17 points or more". */
  clouds: string;
}

/** @throws ConfigError for a number of `points` (see `OnnxOptions`) for which no graph is possible. */
export function exportedBalls({ ballSizes, strides }: ErwinConfig, points: number | undefined): ExportedBalls {
  if (points !== undefined) expectWhole("points", points, 1);
  const fewest = (slots: number) => (slots === 2 ? 1 : slots / 2 + 1);
  const merged = ballSizes.map((_, l) => strides.slice(0, l).reduce((product, stride) => product * stride, 1));
  const fullSlots = Math.max(2, ...ballSizes.map((ball, l) => ball * merged[l]));
  if (points === undefined || treeSlots(points) >= fullSlots) {
    return { balls: ballSizes, clouds: `of ${fewest(fullSlots)} points or more` };
  }
  const levels = treeLevels(Int32Array.of(0, points), strides, ballSizes);
  for (const [level, { nodes, stride }] of levels.entries()) {
    if (nodes >= stride) continue;
    throw new ConfigError(
      `points is ${points}, but such clouds have ${nodes} nodes at level ${level}, fewer than its stride ${stride}: an ` +
        "exported graph cannot pool them, use the model itself",
      { field: "points", level, nodes, stride },
    );
  }
  const slots = treeSlots(points);
  return {
    balls: levels.map(({ ballSize, nodes }) => Math.min(ballSize, nodes)),
    clouds: `of ${fewest(slots)} to ${slots} points`,
  };
}
