// The memory of CPU kernels beside their tensors.

import { expect, test } from "vitest";
import { attentionBackwardScratch, attentionScratch, kernelSizes } from "../../src/backends/cpu/scratch.ts";

// A batch of clouds has balls of several sizes, and one thread's memory lies right behind another's.
test.each(Object.entries({ attentionScratch, attentionBackwardScratch }))(
  "%s holds every ball beside a larger one",
  (_, scratch) => {
    const bytesOf = (largest: number) => scratch({ largest, headWidth: 5, dimensions: 3 });
    const { KEPT_DISTANCES } = kernelSizes;
    let most = 0;
    for (let size = 1; size <= 4 * KEPT_DISTANCES; size++) {
      expect(bytesOf(size), `balls of ${size}`).toBeGreaterThanOrEqual(most);
      most = bytesOf(size);
    }
    const distances = 4 * KEPT_DISTANCES ** 2;
    expect(bytesOf(KEPT_DISTANCES + 1)).toBeGreaterThan(distances);
  },
);
