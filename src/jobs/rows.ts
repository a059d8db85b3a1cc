// The output of a model on the host, and how it is divided among the inputs of its batch.

import { DeviceLostError } from "../errors.ts";
import type { ErwinTransformer, PreparedInput, Tensor } from "../index.ts";
import { joinPrepared } from "../train/data/batches.ts";

/** The output of a model on the host. */
export interface OutputRows {
  /** [rows, width] */
  data: Float32Array;
  width: number;
  /** [rows] the cloud of each row. */
  batchIdx: Int32Array;
}

/** Copies the output of a pass from the device. */
export async function readOutput(out: Tensor): Promise<OutputRows> {
  return { data: await out.data(), width: out.shape[1], batchIdx: out.batchIdx! };
}

/** Divides the output of a batch into parts with the given numbers of clouds. The clouds of each part are counted from 0. */
export function splitOutput({ data, width, batchIdx }: OutputRows, clouds: readonly number[]): OutputRows[] {
  let [cloud, row] = [0, 0];
  return clouds.map((count) => {
    const [firstCloud, firstRow] = [cloud, row];
    cloud += count;
    while (row < batchIdx.length && batchIdx[row] < cloud) row++;
    return {
      data: data.subarray(firstRow * width, row * width),
      width,
      batchIdx: batchIdx.subarray(firstRow, row).map((index) => index - firstCloud),
    };
  });
}

/**
 * Predicts several inputs in one pass; if that fails, for example for lack of memory, one by one. In evaluation mode the output of
 * each input does not depend on the others.
 * @returns the output or the error of each input
 * @throws DeviceLostError
 */
export async function applyModel(
  model: ErwinTransformer,
  inputs: readonly PreparedInput[],
): Promise<(OutputRows | { error: unknown })[]> {
  try {
    return await forwardTogether(model, inputs);
  } catch (error) {
    if (error instanceof DeviceLostError) throw error;
    // Unused allocations are freed before the inputs are tried one by one.
    model.device.trim();
    if (inputs.length === 1) return [{ error }];
    const outputs: (OutputRows | { error: unknown })[] = [];
    for (const input of inputs) outputs.push(...(await applyModel(model, [input])));
    return outputs;
  }
}

async function forwardTogether(model: ErwinTransformer, inputs: readonly PreparedInput[]): Promise<OutputRows[]> {
  const out = await model.forward(joinPrepared(inputs));
  try {
    const clouds = inputs.map(({ tree }) => tree.cloudOffsets.length - 1);
    return splitOutput(await readOutput(out), clouds);
  } finally {
    out.dispose();
  }
}
