// A model's output on the host, and as it is written to a file.

import type { Tensor } from "../index.ts";

export interface OutputRows {
  /** [rows, width] */
  data: Float32Array;
  width: number;
  /** [rows] cloud of each row. */
  batchIdx: Int32Array;
}

/** Copies what a pass gave from the device. */
export async function readOutput(out: Tensor): Promise<OutputRows> {
  return { data: await out.data(), width: out.shape[1], batchIdx: out.batchIdx! };
}

/** The output of a batch, divided: of so many clouds each, which are counted from 0 again. */
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

/** Its tensors by the file's names. The cloud of each row is written where the rows are not the input's points. */
export function outputTensors({ data, width, batchIdx }: OutputRows, decode: boolean) {
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array | Int32Array }>();
  tensors.set("out", { shape: [batchIdx.length, width], data });
  if (!decode) tensors.set("out_batch_idx", { shape: [batchIdx.length], data: batchIdx });
  return tensors;
}
