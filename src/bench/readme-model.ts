// The model of the README: the one that is shown, timed and compared.

import type { ErwinConfigInput } from "../erwin/config.ts";

/** With as many channels as are asked for; 32 in the README. */
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
