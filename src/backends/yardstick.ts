// What a device is measured with; no model uses it.

import type { Storage } from "./storage.ts";

export interface YardstickOperators {
  /**
   * x = x * factor + term, `rounds` times over: as many multiply-adds as the device manages, and no memory in their way.
   * x [size], a multiple of 512; rounds a multiple of 16.
   */
  multiplyAdd(a: { x: Storage; size: number; rounds: number; factor: number; term: number }): void;
}
