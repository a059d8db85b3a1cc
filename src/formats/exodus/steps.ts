// Which arrays of an Exodus II file have a row for each step in time.

import type { SafeTensor } from "../bytes/elements.ts";
import type { ExodusFile } from "./exodus.ts";

/** Whether an array of a file's fields has a row for each step, and not for each point, of which there may be as many. */
export const hasSteps = ({ shape }: SafeTensor, { points, times }: Pick<ExodusFile, "points" | "times">): boolean =>
  shape.length > 1 && (times.length > 1 || shape[0] !== points.shape[0]);
