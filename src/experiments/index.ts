// The entry `erwin/experiments`: the experiments by name, and what is needed to run one anywhere.

import { cosmology } from "./cosmology/experiment.ts";
import { eagle } from "./eagle/experiment.ts";
import type { Experiment } from "./experiment.ts";
import { farthest } from "./farthest/experiment.ts";
import { md } from "./md/experiment.ts";
import { overfit } from "./overfit/experiment.ts";
import { shapenet } from "./shapenet/experiment.ts";

export const experiments: Readonly<Record<string, Experiment>> = { cosmology, md, eagle, shapenet, farthest, overfit };
