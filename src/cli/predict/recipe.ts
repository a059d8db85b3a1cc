// Determines what decides the bytes of a prediction besides its input.

import { type Recipe, sha256 } from "../../jobs/job.ts";
import type { ModelChoice } from "../options/shared.ts";
import type { PredictionFormat } from "../output.ts";

/** Devices and threads are left out: they change the last bits at most. */
export async function recipeOf(
  checkpoint: Uint8Array,
  { mode, features, graph, device }: ModelChoice,
  format: PredictionFormat,
): Promise<Recipe> {
  const options = { mode, features, graph, format, precision: device.precision ?? "float32" };
  return { model: await sha256(checkpoint), options };
}
