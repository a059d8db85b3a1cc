// The balls of an exported graph. It knows no clouds, so all balls of a level have one size, which is right for some clouds only.

import { treeLevels, treeSlots } from "../balltree/index.ts";
import { ConfigError } from "../errors.ts";
import type { ErwinConfig } from "../erwin/config.ts";

export interface ExportedBalls {
  /** Nodes in a ball of each level. */
  balls: number[];
  /** The clouds for which these are right, in words: "of 17 points or more". */
  clouds: string;
}

/** @throws ConfigError for `points` (see `OnnxOptions`) that no graph can be for. */
export function exportedBalls({ ballSizes, strides }: ErwinConfig, points: number | undefined): ExportedBalls {
  if (points !== undefined && (!Number.isInteger(points) || points < 1)) {
    throw new ConfigError(`points must be a whole number of at least 1, not ${points}`, { field: "points" });
  }
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
