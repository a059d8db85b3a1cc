// Checks that a device computes correctly, by the forward pass of a golden case: a fast wrong answer is worth nothing.

import type { Device } from "../../backends/device.ts";
import {
  ErwinTransformer,
  InputError,
  loadSafetensors,
  noGrad,
  type SafeTensorInput,
  saveSafetensors,
} from "../../index.ts";

/** The comparison of a device's output with a golden one. */
export interface KnownAnswer {
  /** The largest difference from the golden output, relative to the golden output's largest magnitude. */
  difference: number;
  /** The largest `difference` that is acceptable in this precision. */
  allowed: number;
  right: boolean;
}

/** The acceptable differences of a model's outputs; mixed precision rounds to 11 bits. */
const ALLOWED = { float32: 1e-5, mixed: 5e-3 };

/**
 * Runs a golden case, trees included, and compares its output.
 * @param golden a file of test/golden in evaluation mode, without a stored tree
 * @throws InputError for another file
 */
export async function checkAnswer(device: Device, golden: Uint8Array): Promise<KnownAnswer> {
  const { tensors, metadata } = loadSafetensors(golden);
  const numbers = <Kind>(name: string) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new InputError(`the golden file has no ${name}: is it another file?`, { tensor: name });
    return tensor.data as Kind;
  };
  const state = new Map<string, SafeTensorInput>();
  for (const [name, tensor] of tensors) if (name.startsWith("state.")) state.set(name.slice("state.".length), tensor);
  const file = saveSafetensors(state, { config: metadata.config });
  using model = await ErwinTransformer.load(file, { device });
  const input = {
    nodeFeatures: numbers<Float32Array>("node_features"),
    nodePositions: numbers<Float32Array>("node_positions"),
    batchIdx: numbers<Int32Array>("batch_idx"),
    edgeIndex: numbers<Int32Array>("edge_index"),
  };
  const expected = numbers<Float64Array>("out_f64");
  using output = await noGrad(() => model.forward(input));
  const found = (await output.data()) as Float32Array;
  const difference = largestDifference(found, expected);
  const allowed = ALLOWED[device.info.precision];
  return { difference, allowed, right: difference <= allowed };
}

function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [largest, magnitude] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const apart = Math.abs(found[i] - expected[i]);
    // The condition is negated so that NaN is kept.
    if (!(apart <= largest)) largest = apart;
    magnitude = Math.max(magnitude, Math.abs(expected[i]));
  }
  // A difference of NaN is reported as null, because JSON has no NaN.
  return found.length === expected.length && largest >= 0 ? largest / magnitude : Number.MAX_VALUE;
}
