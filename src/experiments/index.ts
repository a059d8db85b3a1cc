// The experiments by name.

import type { Experiment } from "./experiment.ts";
import { farthest } from "./farthest/experiment.ts";
import { md } from "./md/experiment.ts";
import { overfit } from "./overfit/experiment.ts";
import { shapenet } from "./shapenet/experiment.ts";

export const experiments: Readonly<Record<string, Experiment>> = { md, shapenet, farthest, overfit };
