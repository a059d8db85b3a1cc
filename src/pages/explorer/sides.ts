// The drawings on the explorer's stage: the tree's own partition and the rotated one.

import type { Stage } from "../shared/stage/stage.ts";

export const sides = ["tree", "rotated"] as const;
export type Side = (typeof sides)[number];
export type ExplorerStage = Stage<Side>;
