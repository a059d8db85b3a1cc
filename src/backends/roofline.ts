// The operator that measures a device's peak arithmetic rate for the roofline. No model uses it.

import type { Storage } from "./storage.ts";

export interface RooflineOperators {
  /**
   * Computes x = x * factor + term `rounds` times: pure arithmetic, with hardly any memory traffic. x [size], a multiple of 512;
   * rounds is a multiple of 16.
   */
  multiplyAdd(a: { x: Storage; size: number; rounds: number; factor: number; term: number }): void;
}
