// The experiments by name.

import type { Experiment } from "./experiment.ts";
import { farthest } from "./farthest/experiment.ts";
import { overfit } from "./overfit/experiment.ts";

export const experiments: Readonly<Record<string, Experiment>> = { farthest, overfit };
