// Predefined configs.

import type { ErwinConfigInput } from "./config.ts";

/** The model that the README shows, times and compares, there with 32 channels. */
export function readmeModel(channels: number) {
  return {
    cIn: channels,
    cHidden: channels,
    ballSizes: [128, 128, 128, 128, 128],
    encNumHeads: [2, 4, 8, 16, 32],
    encDepths: [2, 2, 2, 6, 2],
    decNumHeads: [4, 4, 8, 16],
    decDepths: [2, 2, 2, 2],
    strides: [2, 2, 2, 2],
    rotate: 45,
    mpSteps: 3,
    dimensionality: 3,
  } satisfies ErwinConfigInput;
}
